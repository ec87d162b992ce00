"""TLS as real clients and servers speak it; the clients' own logs are the expectation."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.protocols.tlsx import Tls
from kubeshark_mcp.dissect.tls_dtls import DtlsDissector
from kubeshark_mcp.dissect.tls_records import TlsDissector
from kubeshark_mcp.dissect.wire_tls_suites import SUITES
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import dissect_file
from tests.dissect import tls_building as b
from tests.dissect.conversation import connection

RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "tlsx"
CASES = sorted(RECORDED.glob("*.pcap"))
VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
REASONS = {
    "CERTIFICATE_VERIFY_FAILED": "unknown_ca",
    "TLSV1_ALERT_PROTOCOL_VERSION": "protocol_version",
    "TLSV1_UNRECOGNIZED_NAME": "unrecognized_name",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "handshake_failure",
    "SSLError": "no_application_protocol",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "encrypted alert",
}
"""What OpenSSL calls a failure -> the alert that was on the wire."""


@cache
def entries(path: Path, *, with_keys: bool = True) -> tuple[Entry, ...]:
    keys = path.with_suffix(".pcap.keylog")
    secrets = tuple(keys.read_text().splitlines()) if with_keys and keys.exists() else ()
    result = dissect_file(path, settings=Settings(secrets=secrets))
    assert result.warnings == []
    return tuple(entry for entry in result.entries if entry.connection.transport == "tcp" and entry.request)


def calls(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.with_suffix(".json").read_text())["calls"]
    return found


def of_call(found: tuple[Entry, ...], call: dict[str, Any], *protocols: str) -> list[Entry]:
    """Entries of a logged connection; one that was made by a tool does not know its port."""
    port = call.get("client_port")
    return [entry for entry in found if entry.protocol in protocols and entry.connection.client.port == port]


def handshakes(found: tuple[Entry, ...]) -> list[Entry]:
    return [entry for entry in found if entry.protocol == "tlsx" and "tlsx_cipher_suites" in entry.fields]


@pytest.mark.parametrize("with_keys", [True, False])
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_each_connection_has_one_handshake_with_what_the_client_agreed_on(path: Path, with_keys: bool):
    found = entries(path, with_keys=with_keys)
    assert len(handshakes(found)) == len(calls(path))
    for call in calls(path):
        if "client_port" not in call:
            continue
        (one,) = handshakes(tuple(of_call(found, call, "tlsx")))
        assert one.fields.get("tlsx_sni", "") == call["server_name"]
        if "suite" in call:
            assert one.fields["tlsx_cipher_suite"] == call["suite"]
            assert one.fields["tlsx_cipher"] == SUITES[call["suite"]]
            assert one.fields["tlsx_version"] == VERSIONS[call["version"]]
            assert one.fields.get("tlsx_resumed", False) is call["resumed"]
        if "error" in call:
            assert (one.status, one.failed) == (REASONS[call["error"]], True)
        else:
            assert (one.status, one.failed, one.fields["tlsx_complete"]) == ("OK", False, True)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_is_hidden_in_version_13_is_known_with_its_secrets(path: Path):
    found = entries(path)
    for call in calls(path):
        if "client_port" in call and "error" not in call:
            (one,) = handshakes(tuple(of_call(found, call, "tlsx")))
            assert one.fields.get("tlsx_alpn") == call.get("alpn")
            if call.get("certificate_sha256") and not call["resumed"]:
                assert one.fields["tlsx_certificate_sha256"] == call["certificate_sha256"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_decrypted_requests_are_those_of_the_clients_log(path: Path):
    found = [entry for entry in entries(path) if entry.protocol in {"http", "http2"}]
    asked = Counter(
        (request["method"], request["target"], request["status"])
        for call in calls(path)
        for request in call.get("requests", ())
    )
    assert Counter((e.fields["method"], e.fields["url"], e.fields["status_code"]) for e in found) == asked
    assert all(e.fields["tls"] is True and e.fields["capture_source"] == "pcap_tls" for e in found)
    assert all(not e.malformed for e in found)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_bodies_that_were_decrypted_have_their_length(path: Path):
    for call in calls(path):
        sizes = [request.get("body_bytes") for request in call.get("requests", ())]
        if "client_port" in call and sizes:
            found = of_call(entries(path), call, "http", "http2")
            assert sorted(entry.fields["response_body_size"] for entry in found) == sorted(sizes)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_without_secrets_nothing_but_handshakes_and_alerts_is_seen(path: Path):
    found = entries(path, with_keys=False)
    seen = {entry.protocol for entry in found if entry.protocol not in {"tcp_conn", "tcp_flow", "tcp"}}
    assert {entry.fields["tcp_method"] for entry in found if entry.protocol == "tcp"} <= {"encrypted", "error"}
    assert seen == ({"tlsx", "http"} if path.stem == "weak" else {"tlsx"})


def test_a_suite_without_encryption_needs_no_secret():
    path = RECORDED / "weak.pcap"
    (asked,) = [entry for entry in entries(path, with_keys=False) if entry.protocol == "http"]
    assert asked.fields["url"] == "/index.html?nobody=hides"


def test_weak_versions_suites_and_certificates_are_flagged():
    found = [*handshakes(entries(RECORDED / "weak.pcap")), *handshakes(entries(RECORDED / "old_versions.pcap"))]
    assert Counter(tuple(entry.fields.get("tlsx_weaknesses", ())) for entry in found) == {
        ("no encryption (NULL)",): 1,
        ("no authentication (anonymous)", "Diffie-Hellman with 1024 bits (RFC 9325)"): 1,
        ("Diffie-Hellman with 1024 bits (RFC 9325)",): 1,
        (): 1,
        ("TLS 1.0 (RFC 8996)",): 4,
        ("TLS 1.1 (RFC 8996)",): 4,
    }
    expired = [entry for entry in found if entry.fields.get("tlsx_certificate_expired")]
    assert [entry.fields["tlsx_certificate_subject"] for entry in expired] == ["CN=old.example.com"]
    assert [entry.fields["tlsx_certificate_serial"] for entry in expired] == ["A1B"]


def test_client_certificates_are_asked_for_and_named():
    found = handshakes(entries(RECORDED / "mutual.pcap"))
    assert [entry.fields["tlsx_client_certificate_requested"] for entry in found] == [True] * 4
    assert [entry.fields.get("tlsx_client_certificate_subject", "") for entry in found] == ["O=Shop, CN=cart", ""] * 2


def test_alerts_are_entries_of_the_side_that_sent_them():
    alerts = [e for e in dissect_file(RECORDED / "alerts.pcap").of("tlsx") if e.summary.startswith("alert")]
    assert Counter((e.fields["tlsx_alert"], e.fields["tlsx_alert_from"]) for e in alerts) == {
        ("unknown_ca", "client"): 2,
        ("protocol_version", "server"): 1,
        ("unrecognized_name", "server"): 1,
        ("handshake_failure", "server"): 2,
        ("no_application_protocol", "server"): 1,
    }
    assert all(e.failed and (e.request is not None) is (e.fields["tlsx_alert_from"] == "client") for e in alerts)


def test_another_hello_and_early_data_are_seen():
    retried = [
        e.connection.server.port
        for e in handshakes(entries(RECORDED / "version13.pcap"))
        if "tlsx_hello_retry" in e.fields
    ]
    assert retried == [8446]
    early = [
        e.fields["tlsx_early_data"]
        for e in handshakes(entries(RECORDED / "resumption.pcap"))
        if "tlsx_early_data" in e.fields
    ]
    assert early == ["accepted"]


def test_a_hello_is_certain_and_the_beginning_of_one_undecided():
    hello = b.handshake(b.client_hello(b.server_name("a")))
    assert Tls().probe(Opening(connection(), hello, b"", True, True)) is Confidence.SURE
    assert Tls().probe(Opening(connection(), hello[:8], b"", True, True)) is Confidence.UNDECIDED
    assert Tls().probe(Opening(connection(), b"GET / HTTP/1.1", b"", True, True)) is Confidence.NO


def test_datagrams_are_read_as_dtls():
    settings = Settings(secrets=("CLIENT_RANDOM",))
    opened = [Tls().open(Context(connection(kind), settings, print)) for kind in ("tcp", "udp")]
    assert [type(one) for one in opened] == [TlsDissector, DtlsDissector]
