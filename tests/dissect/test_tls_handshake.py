from __future__ import annotations

from kubeshark_mcp.dissect import tls_handshake
from kubeshark_mcp.dissect import wire_tls as wire
from kubeshark_mcp.dissect.tls_handshake import Alert, Handshake, Memory
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.dissect import tls_building as b
from tests.dissect.conversation import CLIENT, SERVER, connection

AT_2023 = 1_680_000_000 * 10**9
ASKED, ANSWERED = Span(0, 100, 1, 1, AT_2023, AT_2023), Span(0, 900, 2, 3, AT_2023 + 5, AT_2023 + 9)


def handshake(*messages: tuple[object, bytes]) -> Handshake:
    made = Handshake(Memory())
    for direction, message in messages:
        made.message(direction, message[0], message, ASKED if direction is CLIENT else ANSWERED)
    return made


def entry(made: Handshake) -> Entry:
    found = made.entry(connection(), 1000)
    assert found is not None
    return found


FULL = (
    (CLIENT, b.client_hello(b.server_name("api.example.com"), b.alpn("h2", "http/1.1"), suites=(0xC02F, 0x1A1A))),
    (SERVER, b.server_hello(b.alpn("h2"), suite=0xC02F)),
    (SERVER, b.certificate(b.CERTIFICATE, b.CERTIFICATE)),
    (SERVER, b.ecdhe(29)),
    (SERVER, b.message(13)),
    (SERVER, b.DONE),
    (CLIENT, b.CLIENT_KEY),
)


def test_a_whole_handshake_says_what_was_agreed_and_with_whom():
    made = handshake(*FULL)
    made.complete = True
    found = entry(made)
    fields = found.fields
    assert {name: value for name, value in fields.items() if "ja" not in name and "size" not in name} == {
        "tls": True,
        "tlsx_weak": False,
        "tlsx_alpn": "h2",
        "tlsx_group": "x25519",
        "tlsx_sni": "api.example.com",
        "tlsx_cipher_suites": ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "GREASE"),
        "tlsx_versions_offered": ("TLS 1.2",),
        "tlsx_alpn_offered": ("h2", "http/1.1"),
        "tlsx_version": 0x0303,
        "tlsx_cipher_suite": 0xC02F,
        "tlsx_cipher": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "tlsx_forward_secrecy": True,
        "tlsx_certificates": 2,
        "tlsx_certificate_subject": "O=Shop, CN=api.example.com",
        "tlsx_certificate_issuer": "CN=Shop CA",
        "tlsx_certificate_names": ("api.example.com", "*.shop.example", "10.0.0.2"),
        "tlsx_certificate_serial": "1234",
        "tlsx_certificate_sha256": fields["tlsx_certificate_sha256"],
        "tlsx_certificate_self_signed": False,
        "tlsx_certificate_expired": False,
        "tlsx_certificate_not_before": 1_672_531_200 * 10**9,
        "tlsx_certificate_not_after": 1_704_067_200 * 10**9,
        "tlsx_complete": True,
        "tlsx_client_certificate_requested": True,
        "tlsx_summary": "api.example.com TLS 1.2 h2",
        "tls_summary": "api.example.com TLS 1.2 h2",
        "tlsx_info": "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "tls_info": "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    }
    sizes = [sum(len(message) for way, message in FULL if way is direction) for direction in (CLIENT, SERVER)]
    assert [fields[f"tls_{part}_size"] for part in ("request", "response", "total")] == [*sizes, sum(sizes)]
    assert (found.request, found.response.first_packet, found.response.last_packet) == (ASKED, 2, 3)
    assert (found.status, found.failed, found.malformed) == ("OK", False, "")
    assert found.request_body == FULL[0][1]
    assert found.response_body == FULL[1][1]


def test_without_an_answer_the_best_offer_is_told_and_judged():
    old = entry(handshake((CLIENT, b.client_hello(version=0x0301))))
    assert (old.summary, old.fields["tlsx_weaknesses"]) == ("(no server name) up to TLS 1.0", ["TLS 1.0 (RFC 8996)"])
    new = entry(handshake((CLIENT, b.client_hello(*b.TLS13_CLIENT))))
    assert (new.summary, new.fields["tlsx_weak"]) == ("api.example.com up to TLS 1.3", False)
    assert "tlsx_info" not in new.fields


def test_nothing_seen_is_no_entry():
    assert Handshake(Memory()).entry(connection(), 100) is None


def test_the_alert_that_ended_it_is_its_outcome():
    made = handshake(*FULL[:1])
    made.alert = Alert(2, 40, SERVER)
    found = entry(made)
    assert (found.status, found.failed) == ("handshake_failure", True)
    assert found.fields["tlsx_alert_from"] == "server"


def test_usual_warnings_are_no_failures():
    judged = {(level, code): Alert(level, code, CLIENT).failed for level in (1, 2) for code in (0, 42, 90, 112)}
    assert judged == {
        (1, 0): False, (1, 42): True, (1, 90): False, (1, 112): False,
        (2, 0): False, (2, 42): True, (2, 90): True, (2, 112): True,
    }  # fmt: skip


def test_a_certificate_of_another_time_is_flagged():
    made = handshake(*FULL[1:3])
    assert not entry(made).fields["tlsx_certificate_expired"]
    later = 1_710_000_000 * 10**9
    made.response = Span(0, 900, 2, 3, later, later)
    assert entry(made).fields["tlsx_certificate_expired"]


def test_a_damaged_certificate_marks_the_entry_and_the_rest_is_kept():
    found = entry(handshake(*FULL[:2], (SERVER, b.certificate(b"\x30\x05damag"))))
    assert found.malformed.startswith("the certificate cannot be read")
    assert found.fields["tlsx_certificates"] == 1
    assert "tlsx_certificate_subject" not in found.fields


def test_early_data_is_offered_then_accepted_or_rejected():
    hello = (CLIENT, b.client_hello(*b.TLS13_CLIENT, (42, b"")))
    answer = (SERVER, b.server_hello((43, b"\x03\x04"), (41, b"\0\0"), suite=0x1301))
    accepted, silent = (SERVER, b.message(8, b.extensions([(42, b"")]))), (SERVER, b.message(8, b.extensions([])))
    retried = (SERVER, b.server_hello((43, b"\x03\x04"), suite=0x1301, random=b.RETRY_RANDOM))
    outcomes = [
        handshake(*said).early for said in ((hello, answer), (hello, answer, accepted), (hello, answer, silent))
    ]
    assert outcomes == ["offered", "accepted", "rejected"]
    assert handshake(hello, retried).early == "rejected"
    assert handshake(hello, answer).resumed


def test_a_server_that_ciphers_without_a_certificate_resumes():
    resumed, full = handshake(*FULL[:2]), handshake(*FULL)
    for made in (resumed, full):
        made.server_ciphers()
    assert (resumed.resumed, full.resumed) == (True, False)


def test_small_primes_and_weak_suites_are_named():
    made = handshake((SERVER, b.server_hello(suite=0x0014)), (SERVER, b.dhe(512)))
    assert made.weaknesses() == ["export grade", "DES (RFC 5469)", "Diffie-Hellman with 512 bits (RFC 9325)"]


def test_encrypted_names_are_seen():
    assert entry(handshake((CLIENT, b.client_hello((0xFE0D, b"x"))))).fields["tlsx_ech"] is True
    assert entry(handshake((CLIENT, b.client_hello((0xFFCE, b"x"))))).fields["tlsx_ech"] is True


def test_certificates_are_read_once_and_forgotten_at_last(monkeypatch):
    asked = []
    monkeypatch.setattr(tls_handshake, "read_certificate", lambda der: asked.append(der) or der)
    monkeypatch.setattr(tls_handshake, "KNOWN", 2)
    known = Memory()
    for der in (b"a", b"a", b"b", b"c", b"a"):
        known.certificate(der)
    assert asked == [b"a", b"b", b"c", b"a"]


def test_servers_that_say_the_same_are_told_once_and_others_apart():
    memory = Memory()
    hello = wire.read_server_hello(b.server_hello(b.alpn("h2"), suite=0xC02F))
    other = wire.read_server_hello(b.server_hello(suite=0xC02F))
    assert memory.server(hello) is memory.server(wire.read_server_hello(hello.raw))
    assert memory.server(hello).info == memory.server(other).info == "TLS 1.2 TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
    assert memory.server(hello).fields["tlsx_ja3s"] != memory.server(other).fields["tlsx_ja3s"]
