"""TLS against captures of other projects, what tshark says of them and what those projects expect."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import (
    CAPTURES,
    MISSING,
    Case,
    Dissection,
    cases,
    differences,
    dissect_file,
    expected,
    parameters,
)

pytestmark = pytest.mark.corpus

OLD_FORMAT = "the client's hello is in the format of SSL 2.0, which tshark does not count"
EXCEPTIONS: dict[str, str] = {
    "tls/suricata__tls-altname-zero.pcap": OLD_FORMAT,
    "tls/suricata__tls-glupteba-mb.pcap": OLD_FORMAT,
    "tls/deepflow__tls__tls.pcap": "TLS on MySQL's port with the plain beginning cut off: tshark waits for MySQL",
}
"""Captures where we say something else, each with the reason."""


@cache
def of_file(file: str) -> Dissection:
    keys = CAPTURES / f"{file}.keylog"
    secrets = tuple(keys.read_text().splitlines()) if keys.exists() else ()
    return dissect_file(CAPTURES / file, settings=Settings(secrets=secrets))


def hellos(entries: list[Entry], field: str) -> list[Entry]:
    return [entry for entry in entries if field in entry.fields]


def alerts(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.summary.startswith("alert ")]


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    summary = case.summary.get("tls", {})
    asked, answered = hellos(entries, "tlsx_cipher_suites"), hellos(entries, "tlsx_cipher_suite")
    retried = sum("tlsx_hello_retry" in entry.fields for entry in entries)
    counts = {
        "client_hello": len(asked) + retried,
        "server_hello": len(answered) + retried,
        "alerts": len(alerts(entries)),
    }
    found = [f"{name}: {count} here, {summary}" for name, count in counts.items() if count != summary.get(name, 0)]
    theirs = case.rows("tls.client_hello")
    for name, field, default in (("sni", "tlsx_sni", ""), ("ja3", "tlsx_ja3", "")):
        found += differences(name, [e.fields.get(field, default) for e in asked], [r.get(name, "") for r in theirs])
    offered = [tuple(entry.fields.get("tlsx_alpn_offered", ())) for entry in asked]
    found += differences("alpn", offered, [tuple(row.get("alpn", ())) for row in theirs])
    suites = [len(entry.fields["tlsx_cipher_suites"]) for entry in asked]
    found += differences("suites", suites, [row["n_ciphers"] for row in theirs])
    theirs = case.rows("tls.server_hello")
    for name, field in (("cipher", "tlsx_cipher"), ("ja3s", "tlsx_ja3s")):
        found += differences(name, [entry.fields[field] for entry in answered], [row[name] for row in theirs])
    versions = [int(row.get("selected", row["version"]), 16) for row in theirs]
    return found + differences("version", [entry.fields["tlsx_version"] for entry in answered], versions)


@pytest.mark.parametrize("case", [*parameters("tls"), *parameters("tls_decrypt")])
def test_handshakes_and_alerts_agree_with_tshark(case: Case):
    result = of_file(case.file)
    assert result.warnings == []
    found = disagreement(case, result.of("tlsx"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", parameters("tls_decrypt"))
def test_decrypted_http_agrees_with_tshark(case: Case):
    entries = of_file(case.file).of("http")
    summary = case.summary.get("http", {})
    assert sum(entry.request is not None for entry in entries) == summary.get("requests", 0)
    assert sum(entry.response is not None for entry in entries) == summary.get("responses", 0)
    theirs = [(row["f"], row["method"], row["uri"]) for row in case.rows("http.request")]
    ours = [(e.request.last_packet, e.fields["method"], e.fields["url"]) for e in entries if e.request is not None]
    assert differences("requests", ours, theirs) == []


@pytest.mark.parametrize("case", parameters("tls_decrypt"))
def test_handshakes_whose_secrets_are_known_are_decrypted(case: Case):
    """All suites of the captures are known, those of no encryption at all included."""
    keys = (CAPTURES / f"{case.file}.keylog").read_text()
    decrypted = [entry for entry in of_file(case.file).of("tlsx") if "tlsx_decrypted" in entry.fields]
    secrets = {line.split()[1] for line in keys.splitlines() if line.startswith(("CLIENT_", "RSA"))}
    assert len(decrypted) == len(secrets)


def suricata_checks() -> Iterator[tuple[str, str, Any]]:
    """Give (file, field of Suricata, value) of the checks that say something about one handshake."""
    for file, told in expected().items() if cases() else ():
        for check in told.get("checks", ()) if file.startswith("tls/") and isinstance(told, dict) else ():
            if check["match"].get("event_type") == "tls":
                for name, value in check["match"].items():
                    yield file, name, value


OURS = {
    "tls.sni": "tlsx_sni",
    "tls.subject": "tlsx_certificate_subject",
    "tls.issuerdn": "tlsx_certificate_issuer",
    "tls.server_handshake.cipher": "tlsx_cipher_suite",
    "tls.server_alpns[0]": "tlsx_alpn",
}


def test_handshakes_agree_with_suricata():
    if not cases():
        pytest.skip(MISSING)
    compared = 0
    for file, name, value in suricata_checks():
        found = hellos(of_file(file).of("tlsx"), "tlsx_cipher_suite")
        if name in OURS:
            assert value in [one.fields.get(OURS[name]) for one in found], (file, name)
        elif name == "tls.serial":
            assert value.replace(":", "").lstrip("0") in [one.fields["tlsx_certificate_serial"] for one in found], file
        elif name.startswith("tls.subjectaltname["):
            assert any(value in one.fields["tlsx_certificate_names"] for one in found), file
        else:
            continue
        compared += 1
    assert compared > 20


def arkime_fingerprints(told: Any) -> list[str]:
    sessions = told.get("sessions", ()) if isinstance(told, dict) else ()
    return [fingerprint for session in sessions for fingerprint in session.get("tls", {}).get("ja4", ())]


def test_fingerprints_of_clients_agree_with_arkime():
    if not cases():
        pytest.skip(MISSING)
    known = {file: found for file, told in expected().items() if (found := arkime_fingerprints(told))}
    ours = {file: [entry.fields["tlsx_ja4"] for entry in of_file(file).of("tlsx")] for file in known}
    assert ours == known
    assert len(known) >= 9


def zeek_handshakes(told: Any) -> list[tuple[str, ...]]:
    """Give (version, suite, curve, server name, outcome) of Zeek's ssl logs; some hold those of several captures."""
    logs = [log for test in told.get("tests", ()) for name, log in test["baselines"].items() if name.startswith("ssl")]
    names = ("version", "cipher", "curve", "server_name", "last_alert")
    records = [record for log in logs for record in log.get("records", ())]
    return [(*(record.get(name) or "" for name in names), record["established"]) for record in records]


def as_zeek(entry: Entry) -> tuple[str, ...]:
    fields = entry.fields
    group = fields.get("tlsx_group", "")
    version = "TLSv" + fields["tlsx_info"][4:7].replace(".", "") if "tlsx_info" in fields else ""
    return (
        version,
        fields.get("tlsx_cipher", ""),
        "" if group.startswith("DH ") else group,
        fields.get("tlsx_sni", ""),
        fields.get("tlsx_alert", ""),
        "T" if "tlsx_complete" in fields else "F",
    )


def test_handshakes_agree_with_zeek():
    if not cases():
        pytest.skip(MISSING)
    compared = 0
    for file, told in expected().items():
        known = zeek_handshakes(told) if file.startswith("tls/") and isinstance(told, dict) else []
        if known:
            ours = [as_zeek(e) for e in of_file(file).of("tlsx") if not e.summary.startswith("alert ")]
            assert [one for one in ours if one not in known] == [], (file, known)
            compared += len(ours)
    assert compared > 10


def test_what_no_handshake_is_in_has_no_entry():
    if not cases():
        pytest.skip(MISSING)
    assert Path(CAPTURES / "tls" / "deepflow__tls__alert.pcap").exists()
    assert of_file("tls/deepflow__tls__alert.pcap").of("tlsx") == []
