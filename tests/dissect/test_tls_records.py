from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.protocols.tlsx import Tls
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Piece, Window
from tests.dissect import tls_building as b
from tests.dissect.conversation import CLIENT, SERVER, Talk, connection, play
from tests.dissect.samples.tlsx import FULL_12, SAMPLES
from tests.dissect.tls_sealing import CLIENT_LINE, Sealer12, Sealer13, secret_line

HELLO = b.client_hello(b.server_name("api.example.com"), suites=(0x9C,))
ASKED = b"GET /cart HTTP/1.1\r\nHost: api.example.com\r\n\r\n"
ANSWERED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def version12() -> list[tuple[object, bytes]]:
    """A connection under TLS_RSA_WITH_AES_128_GCM_SHA256 with three requests, each answer in a packet of its own."""
    client, server = Sealer12("gcm", client=True), Sealer12("gcm", client=False)
    talk = [
        (CLIENT, b.handshake(HELLO)),
        (SERVER, b.handshake(b.server_hello(suite=0x9C), b.certificate(b.CERTIFICATE), b.DONE)),
        (CLIENT, b.handshake(b.CLIENT_KEY) + b.CHANGE + client.seal(22, b.message(20, bytes(12)))),
        (SERVER, b.CHANGE + server.seal(22, b.message(20, bytes(12)))),
    ]
    for number in range(3):
        talk.append((CLIENT, client.seal(23, ASKED.replace(b"cart", b"cart/%d" % number))))
        talk.append((SERVER, server.seal(23, ANSWERED)))
    return talk


def read(talk: Talk, *lines: str, **how: object) -> list[Entry]:
    return play([Tls(), Http()], talk, settings=Settings(secrets=lines), **how)


def told(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [(entry.protocol, entry.summary, entry.status) for entry in entries]


def test_what_was_inside_is_dissected_and_marked():
    found = read(version12(), CLIENT_LINE)
    assert told(found) == [
        ("tlsx", "api.example.com TLS 1.2", "OK"),
        *[("http", f"GET /cart/{number}", "200") for number in range(3)],
    ]
    asked = found[1]
    assert (asked.fields["tls"], asked.fields["capture_source"]) == (True, "pcap_tls")
    assert (asked.request.first_packet, asked.response.last_packet) == (5, 6)
    assert asked.response_body == b"hello"
    assert found[0].fields["tlsx_decrypted"] is True


def test_lost_records_are_gaps_inside_and_the_next_are_opened():
    found = read(version12(), CLIENT_LINE, lost=[7])
    assert {(entry.summary, entry.status) for entry in found[1:]} == {
        ("GET /cart/0", "200"),
        ("GET /cart/1", ""),
        ("GET /cart/2", ""),
        ("response 200", "200"),
    }


def test_a_connection_without_secrets_is_muted_after_the_handshake():
    of = connection()
    seen: list[Entry] = []
    engine = DissectionEngine([Tls(), Http()], Settings(), seen.append)
    for number, (direction, data) in enumerate(version12()):
        assert of.muted is (number > 3)
        engine.feed(Window(of, [Piece(direction, data, 0, 0, [0], [number + 1], [number])]))
    assert told(seen) == [("tlsx", "api.example.com TLS 1.2", "OK")]


def test_a_connection_with_secrets_is_not_muted():
    of = connection()
    engine = DissectionEngine([Tls(), Http()], Settings(secrets=(CLIENT_LINE,)), lambda entry: None)
    for number, (direction, data) in enumerate(version12()):
        engine.feed(Window(of, [Piece(direction, data, 0, 0, [0], [number + 1], [number])]))
    assert not of.muted


def test_keys_change_in_the_middle_of_version_13():
    client, server = Sealer13(b"c" * 32), Sealer13(b"s" * 32)
    lines = (secret_line("CLIENT_TRAFFIC_SECRET_0", b"c" * 32), secret_line("SERVER_TRAFFIC_SECRET_0", b"s" * 32))
    talk = [
        (CLIENT, b.handshake(b.client_hello(*b.TLS13_CLIENT))),
        (SERVER, b.handshake(b.server_hello((43, b"\x03\x04"), b.key_share(), suite=0x1301)) + b.sealed(500)),
        (CLIENT, b.CHANGE + b.sealed(53) + client.seal(23, ASKED)),
        (SERVER, server.seal(23, ANSWERED) + server.seal(22, b.message(24, b"\1"))),
    ]
    client.seal(22, b.message(24, b"\0"))
    client.update()
    server.update()
    talk += [(CLIENT, client.seal(23, ASKED, 30)), (SERVER, server.seal(23, ANSWERED))]
    found = read(talk, *lines)
    assert told(found) == [("tlsx", "api.example.com TLS 1.3", "OK")] + [("http", "GET /cart", "200")] * 2


def test_another_handshake_within_the_connection_is_an_entry_of_its_own():
    client, server = Sealer12("gcm", client=True), Sealer12("gcm", client=False)
    talk = version12()[:4]
    for _, sealer in ((0, client), (0, server)):
        sealer.seal(22, b.message(20, bytes(12)))
    talk += [
        (CLIENT, client.seal(22, HELLO)),
        (SERVER, server.seal(22, b.server_hello(suite=0x9C) + b.DONE)),
        (CLIENT, client.seal(22, b.CLIENT_KEY) + client.seal(20, b"\1")),
        (SERVER, server.seal(20, b"\1")),
        (CLIENT, Sealer12("gcm", client=True).seal(22, b.message(20, bytes(12)))),
        (SERVER, Sealer12("gcm", client=False).seal(22, b.message(20, bytes(12)))),
    ]
    found = read(talk, CLIENT_LINE)
    assert [(e.summary, e.status, e.fields.get("tlsx_renegotiation", False)) for e in found] == [
        ("api.example.com TLS 1.2", "OK", False),
        ("api.example.com TLS 1.2", "OK", True),
    ]


@pytest.mark.parametrize(
    ("length", "before", "outcome"),
    [(19, (), ("encrypted alert", True)), (230, (), ("OK", False)), (19, (b.sealed(19),), ("OK", False))],
)
def test_a_server_that_refuses_the_client_in_version_13_is_seen_by_its_short_answer(
    length: int, before: tuple[bytes, ...], outcome: tuple[str, bool]
):
    talk = [*SAMPLES["version 1.3"][:3], (CLIENT, b.CHANGE + b.sealed(53))]
    talk += [*((CLIENT, data) for data in before), (SERVER, b.sealed(length))]
    (found,) = read(talk)
    assert (found.status, found.failed) == outcome


def test_a_client_that_refuses_the_server_in_version_13_is_seen_too():
    (found,) = read([*SAMPLES["version 1.3"][:3], (CLIENT, b.sealed(19))])
    assert (found.status, found.failed, "tlsx_complete" in found.fields) == ("encrypted alert", True, False)


@pytest.mark.parametrize(
    ("turns", "how", "outcome"),
    [
        (1, "fin", ("no answer", True)),
        (1, "reset", ("no answer", True)),
        (2, "fin", ("not completed", True)),
        (1, "end", ("", False)),
        (2, "evicted", ("", False)),
    ],
)
def test_a_handshake_that_the_end_of_the_connection_cuts_off_has_failed(
    turns: int, how: str, outcome: tuple[str, bool]
):
    (found,) = read(FULL_12[:turns], how=how)
    assert (found.status, found.failed) == outcome


def test_bytes_that_are_no_record_mark_the_handshake():
    (found,) = read([*FULL_12[:1], (SERVER, b.handshake(b.server_hello()) + b"HTTP/1.1 400")])
    assert found.malformed == "the server's handshake: no record begins with 48 54 54 50 2f at byte 47"
    assert found.fields["tlsx_version"] == 0x0303


def test_a_message_that_cannot_be_is_named_with_its_place():
    (found,) = read([*FULL_12[:1], (SERVER, b.handshake(b.server_hello())), (SERVER, b.handshake(b"\x63\0\0\0abc"))])
    assert found.malformed == (
        "the server's handshake: no handshake message begins with 63 00 00 00 at byte 47 of the stream"
    )


def test_a_message_that_stays_unfinished_is_marked():
    (found,) = read([*FULL_12[:1], (SERVER, b.handshake(b.server_hello()) + b.handshake(b"\x0b\0\x10\0abc"))])
    assert found.malformed == "the server's handshake: 7 bytes of a message were seen, then nothing more"


def test_the_middle_of_a_connection_is_recognised_and_muted():
    of = connection(from_start=False)
    seen: list[Entry] = []
    engine = DissectionEngine([Tls(), Http()], Settings(), seen.append)
    engine.feed(Window(of, [Piece(CLIENT, b.sealed(100) + b.sealed(50), 0, 0, [0], [1], [1])]))
    engine.finish()
    assert (seen, of.muted, engine.l7_of(of)) == ([], True, ("tlsx",))


def test_a_renewed_hello_that_was_not_asked_for_ends_the_first():
    found = read([(CLIENT, b.handshake(HELLO)), (CLIENT, b.handshake(HELLO)), (SERVER, b.alert(2, 80))])
    assert [(e.summary, e.status) for e in found] == [
        ("api.example.com up to TLS 1.2", ""),
        ("api.example.com up to TLS 1.2", "internal_error"),
        ("alert internal_error from the server (api.example.com)", "internal_error"),
    ]


SECOND_HELLO = (CLIENT, b.CHANGE + b.handshake(b.client_hello(*b.TLS13_CLIENT, b.key_share())))
CHOSEN_13 = (SERVER, b.handshake(b.server_hello((43, b.words(0x0304)), suite=0x1301)) + b.CHANGE)


def test_a_hello_behind_a_change_that_means_nothing_is_read_where_the_first_was_not_seen():
    entries = read([SECOND_HELLO, CHOSEN_13], from_start=False)
    assert told(entries) == [("tlsx", "api.example.com TLS 1.3", "not completed")]
    assert entries[0].fields["tlsx_versions_offered"] == ("TLS 1.3", "TLS 1.2")


def test_both_hellos_of_a_client_are_read_where_its_server_was_not_seen():
    first = (CLIENT, b.handshake(b.client_hello(*b.TLS13_CLIENT)))
    entries = read([first, SECOND_HELLO])
    assert [entry.fields["tlsx_sni"] for entry in entries] == ["api.example.com", "api.example.com"]


def test_a_finished_under_encryption_is_no_hello():
    talk = [(CLIENT, b.handshake(HELLO)), (CLIENT, b.handshake(b.CLIENT_KEY) + b.CHANGE + b.SEALED_FINISHED)]
    assert [entry.fields["tlsx_sni"] for entry in read(talk)] == ["api.example.com"]
