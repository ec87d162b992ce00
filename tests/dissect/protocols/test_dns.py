from __future__ import annotations

from dataclasses import replace
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.protocols.dns import QUERY_LIFETIME_NS, SAME_ID_LIMIT, WAITING_LIMIT, Dns
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Endpoint, Piece, Span

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
UDP = Connection(0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 53))
TCP = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 53))


def query(name: str = "api.example.com.", kind: str = "A", identifier: int = 7) -> bytes:
    return dns.message.make_query(name, kind, id=identifier).to_wire()


def answer(question: bytes, *texts: str, rcode: str = "NOERROR") -> bytes:
    message = dns.message.make_response(dns.message.from_wire(question))
    message.set_rcode(dns.rcode.from_text(rcode))
    for text in texts:
        owner, ttl, record_class, kind, data = text.split(" ", 4)
        message.answer.append(dns.rrset.from_text(owner, int(ttl), record_class, kind, data))
    return message.to_wire()


A = "api.example.com. 30 IN A 10.0.0.7"
QUERY = query()
ANSWER = answer(QUERY, A)


def framed(*messages: bytes) -> bytes:
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


class Driver:
    """Feeds one dissector; packets are numbered from 1, a millisecond apart."""

    def __init__(self, connection: Connection, settings: Settings | None = None):
        self.entries: list[Entry] = []
        self.connection = connection
        self.dissector = Dns().open(Context(connection, settings or Settings(), self.entries.append))
        self.packet = 0
        self.offsets = [0, 0]

    def datagram(self, direction: Direction, data: bytes, missing: int = 0, time_ns: int = 0) -> None:
        self.packet += 1
        moment = time_ns or self.packet * 1_000_000
        self.dissector.on_datagram(Datagram(self.connection, direction, data, self.packet, moment, missing))

    def piece(self, direction: Direction, data: bytes, gap: int = 0) -> None:
        self.packet += 1
        if gap:
            self.dissector.on_gap(direction, gap)
        offset = self.offsets[direction] + gap
        self.offsets[direction] = offset + len(data)
        piece = Piece(direction, data, offset, gap, [0], [self.packet], [self.packet * 1_000_000])
        self.dissector.on_piece(piece)

    def close(self, how: str = "end") -> list[Entry]:
        self.dissector.on_close(Closing(self.connection, how, 0))
        return self.entries


def datagrams(*messages: tuple[Direction, bytes], connection: Connection = UDP) -> list[Entry]:
    driver = Driver(connection)
    for direction, data in messages:
        driver.datagram(direction, data)
    return driver.close()


def pieces(*messages: tuple[Direction, bytes], how: str = "fin") -> list[Entry]:
    driver = Driver(TCP)
    for direction, data in messages:
        driver.piece(direction, data)
    return driver.close(how)


def span(packet: int, length: int, offset: int = 0) -> Span:
    return Span(offset, length, packet, packet, packet * 1_000_000, packet * 1_000_000)


def halves(entries: list[Entry]) -> list[tuple[int | None, int | None]]:
    return [
        (
            entry.request.first_packet if entry.request else None,
            entry.response.first_packet if entry.response else None,
        )
        for entry in entries
    ]


def test_a_query_and_its_response_are_one_entry():
    assert datagrams((CLIENT, QUERY), (SERVER, ANSWER)) == [
        Entry(
            "dns",
            UDP,
            span(1, len(QUERY)),
            span(2, len(ANSWER)),
            {
                "dns": True,
                "dns_questions": ("api.example.com",),
                "dns_question_types": ("A",),
                "dns_opcode": "QUERY",
                "dns_request": True,
                "dns_response": True,
                "dns_truncated": False,
                "dns_authoritative": False,
                "dns_answers": ("10.0.0.7",),
                "dns_answer_types": ("A",),
                "dns_addresses": ("api.example.com 30 10.0.0.7",),
                "dns_authorities": (),
                "dns_additionals": (),
                "dns_rcode": "NOERROR",
                "dns_id": 7,
                "dns_request_length": len(QUERY),
                "dns_response_length": len(ANSWER),
                "dns_total_size": len(QUERY) + len(ANSWER),
            },
            "A api.example.com",
            "NOERROR",
            False,
            QUERY,
            ANSWER,
        )
    ]


def test_every_field_that_an_entry_carries_is_declared_with_its_type():
    update = dns.update.UpdateMessage("example.com.")
    update.delete("old")
    entries = datagrams((CLIENT, QUERY), (SERVER, ANSWER), (CLIENT, update.to_wire()))
    types = {field.name: field.type for field in Dns.fields}
    python: dict[str, type[Any]] = {"bool": bool, "int": int, "string": str, "[]string": tuple}
    seen = {(name, type(value)) for entry in entries for name, value in entry.fields.items()}
    assert seen == {(name, python[kind.value]) for name, kind in types.items()}


def test_an_error_is_a_failure_with_its_name():
    (entry,) = datagrams((CLIENT, QUERY), (SERVER, answer(QUERY, rcode="NXDOMAIN")))
    assert (entry.status, entry.failed, entry.fields["dns_rcode"]) == ("NXDOMAIN", True, "NXDOMAIN")


def test_queries_and_responses_that_stay_alone_are_entries():
    entries = datagrams((SERVER, ANSWER), (CLIENT, QUERY))
    assert halves(entries) == [(None, 1), (2, None)]
    assert entries[0].fields["dns_questions"] == ("api.example.com",)
    assert (entries[1].status, entries[1].failed) == ("", False)


def test_a_query_that_is_sent_again_is_an_entry_of_its_own():
    assert halves(datagrams((CLIENT, QUERY), (CLIENT, QUERY), (SERVER, ANSWER))) == [(1, 3), (2, None)]


def test_a_response_belongs_to_the_query_with_its_question():
    other = query("other.example.com.")
    entries = datagrams((CLIENT, other), (CLIENT, QUERY), (SERVER, ANSWER), (SERVER, answer(other)))
    assert halves(entries) == [(2, 3), (1, 4)]


def test_case_of_a_name_does_not_keep_a_response_from_its_query():
    assert halves(datagrams((CLIENT, query("API.eXample.com.")), (SERVER, ANSWER))) == [(1, 2)]


def test_a_response_without_a_question_belongs_to_the_oldest_query_of_its_id():
    bare = (7).to_bytes(2, "big") + b"\x80\x01" + bytes(8)
    (entry,) = datagrams((CLIENT, QUERY), (SERVER, bare))
    assert (halves([entry]), entry.status, entry.summary) == ([(1, 2)], "FORMERR", "A api.example.com")


def test_a_response_that_comes_too_late_belongs_to_no_query():
    driver = Driver(UDP)
    driver.datagram(CLIENT, QUERY, time_ns=1)
    driver.datagram(CLIENT, QUERY, time_ns=QUERY_LIFETIME_NS + 10)
    driver.datagram(SERVER, ANSWER, time_ns=QUERY_LIFETIME_NS + 20)
    assert halves(driver.close()) == [(1, None), (2, 3)]


def test_silence_costs_bounded_memory():
    driver = Driver(UDP)
    for _ in range(SAME_ID_LIMIT + 1):
        driver.datagram(CLIENT, QUERY)
    assert len(driver.entries) == SAME_ID_LIMIT + 1
    driver.entries.clear()
    for identifier in range(WAITING_LIMIT + 5):
        driver.datagram(CLIENT, identifier.to_bytes(2, "big") + QUERY[2:])
    assert len(driver.entries) == 5
    assert len(driver.close()) == WAITING_LIMIT + 5


def test_multicast_queries_wait_for_nothing():
    multicast = Connection(0, "udp", Endpoint("10.0.0.1", 5353), Endpoint("224.0.0.251", 5353))
    driver = Driver(multicast)
    driver.datagram(CLIENT, query("_http._tcp.local.", "PTR", 0))
    driver.datagram(CLIENT, answer(query("_http._tcp.local.", "PTR", 0), "_http._tcp.local. 9 IN PTR web.local."))
    assert halves(driver.entries) == [(1, None), (None, 2)]


def test_a_dynamic_update_says_what_it_changes():
    update = dns.update.UpdateMessage("example.com.", id=9)
    update.add("www", 300, "A", "10.0.0.1")
    update.delete("old")
    (entry,) = datagrams((CLIENT, update.to_wire()))
    assert entry.summary == "UPDATE example.com"
    assert entry.fields["dns_opcode"] == "UPDATE"
    assert entry.fields["dns_updates"] == ("add www.example.com 300 A 10.0.0.1", "delete old.example.com ANY")


def test_a_datagram_that_the_capture_cut_says_so():
    driver = Driver(UDP)
    driver.datagram(SERVER, ANSWER[:40], missing=len(ANSWER) - 40)
    (entry,) = driver.close()
    assert entry.malformed == f"the capture holds 40 of {len(ANSWER)} bytes of the message"
    assert entry.fields["dns_questions"] == ("api.example.com",)
    assert entry.fields["dns_response_length"] == len(ANSWER)
    assert entry.response is not None
    assert entry.response.missing == len(ANSWER) - 40


def test_a_compression_loop_is_malformed_and_names_its_byte():
    (entry,) = datagrams((CLIENT, QUERY[:12] + b"\xc0\x0c" + QUERY[-4:]))
    assert entry.malformed == "the compression pointer at byte 12 points to byte 12, not to a name before it"


def test_bodies_are_cut_at_the_limit():
    driver = Driver(UDP, Settings(body_limit=5))
    driver.datagram(CLIENT, QUERY)
    assert driver.close()[0].request_body == QUERY[:5]


def test_messages_over_tcp_are_paired_however_they_are_cut():
    second = query("b.example.com.", "AAAA", 8)
    requests, responses = framed(QUERY, second), framed(answer(second), ANSWER)
    whole = pieces((CLIENT, requests), (SERVER, responses))
    assert [(entry.summary, entry.status) for entry in whole] == [
        ("AAAA b.example.com", "NOERROR"),
        ("A api.example.com", "NOERROR"),
    ]
    assert whole[1].request == span(1, len(QUERY) + 2)
    assert whole[1].response == span(2, len(ANSWER) + 2, len(answer(second)) + 2)
    singles = [(CLIENT, bytes([byte])) for byte in requests] + [(SERVER, bytes([byte])) for byte in responses]
    assert [entry.fields for entry in pieces(*singles)] == [entry.fields for entry in whole]


def test_a_gap_cuts_one_message_and_the_next_packet_begins_anew():
    driver = Driver(TCP)
    driver.piece(CLIENT, framed(QUERY)[:20])
    driver.piece(CLIENT, b"rest of something", gap=100)
    driver.piece(CLIENT, framed(query("b.example.com.")))
    entries = driver.close("fin")
    assert [entry.summary for entry in entries] == ["QUERY", "A b.example.com"]
    assert (
        entries[0].malformed == f"18 of {len(QUERY)} bytes of the message were seen: 100 bytes are missing behind them"
    )


@pytest.mark.parametrize(("how", "what"), [("fin", "connection"), ("reset", "connection"), ("end", "capture")])
def test_a_message_that_never_ends_says_why(how: str, what: str):
    (entry,) = pieces((SERVER, framed(ANSWER)[:-1]), how=how)
    assert entry.malformed == f"{len(ANSWER) - 1} of {len(ANSWER)} bytes of the message were seen: the {what} ends"


def test_bytes_that_are_no_dns_end_the_reading_until_a_message_begins_again():
    entries = pieces((CLIENT, framed(QUERY) + b"\x00\x03abcdefghijklmnop"), (CLIENT, b"more"), (CLIENT, framed(QUERY)))
    assert [entry.malformed for entry in entries] == ["no DNS message begins here", "", ""]
    assert entries[0].request == span(1, 18, len(QUERY) + 2)


def test_a_zone_transfer_is_one_entry_until_its_last_record():
    question = query("example.com.", "AXFR")
    soa = "example.com. 60 IN SOA ns.example.com. admin.example.com. 7 1 1 1 1"
    parts = [
        answer(question, soa, "a.example.com. 60 IN A 10.0.0.1"),
        answer(question, "b.example.com. 60 IN A 10.0.0.2"),
        answer(question, "c.example.com. 60 IN A 10.0.0.3", soa),
    ]
    entries = pieces((CLIENT, framed(question)), *((SERVER, framed(part)) for part in parts), (SERVER, framed(ANSWER)))
    assert halves(entries) == [(1, 2), (None, 5)]
    assert entries[0].fields["dns_answer_types"] == ("SOA", "A", "A", "A", "SOA")
    assert entries[0].fields["dns_response_length"] == sum(map(len, parts))
    assert entries[0].response == Span(0, len(framed(*parts)), 2, 4, 2_000_000, 4_000_000)


def test_an_incremental_transfer_without_news_is_one_record():
    question = query("example.com.", "IXFR")
    soa = "example.com. 60 IN SOA ns.example.com. admin.example.com. 7 1 1 1 1"
    assert halves(pieces((CLIENT, framed(question)), (SERVER, framed(answer(question, soa))))) == [(1, 2)]


def opinion(client: bytes = b"", server: bytes = b"", transport: str = "udp", **given: bool) -> Confidence:
    flags = {"client_start": True, "server_start": True, "complete": transport == "udp"} | given
    return Dns().probe(Opening(UDP if transport == "udp" else TCP, client, server, **flags))


def test_whole_messages_are_recognised_on_any_port():
    assert opinion(QUERY) is Confidence.SURE
    assert opinion(server=ANSWER) is Confidence.SURE
    assert opinion(framed(QUERY), transport="tcp") is Confidence.SURE
    assert opinion(framed(QUERY, QUERY), framed(ANSWER), transport="tcp") is Confidence.SURE


def test_the_middle_of_one_direction_does_not_hide_the_other():
    assert opinion(b"middle of something", framed(ANSWER), "tcp", client_start=False) is Confidence.SURE


def test_few_bytes_are_undecided_and_damaged_ones_need_a_hint():
    assert opinion(framed(QUERY)[:9], transport="tcp") is Confidence.UNDECIDED
    assert opinion(framed(QUERY)[:9], transport="tcp", complete=True) is Confidence.NO
    assert opinion(server=framed(ANSWER)[:-3], transport="tcp") is Confidence.LIKELY
    assert opinion(QUERY + b"x") is Confidence.LIKELY
    assert opinion(QUERY[:15]) is Confidence.POSSIBLE
    assert opinion(server=QUERY[:2] + b"\x81\x85" + bytes(8)) is Confidence.POSSIBLE


def test_a_client_that_answers_is_the_server():
    assert opinion(ANSWER) is Confidence.NO
    assert opinion(framed(ANSWER), transport="tcp") is Confidence.NO
    multicast = Connection(0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("224.0.0.251", 5353))
    assert Dns().probe(Opening(multicast, ANSWER, b"", True, True, True)) is Confidence.SURE


@pytest.mark.parametrize(
    ("data", "transport"),
    [
        (b"GET /orders HTTP/1.1\r\nHost: shop\r\n\r\n", "tcp"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "tcp"),
        (b"*2\r\n$3\r\nGET\r\n$4\r\ncart\r\n", "tcp"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), "tcp"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "tcp"),
        (b"\x00\x00\x00\x25\x0a8.0.30\x00" + bytes(30), "tcp"),
        (bytes.fromhex("000100002112a442") + bytes(12), "udp"),
        (bytes.fromhex("3040020103300f02030091c8020205dc040104020103041530130400020100020100"), "udp"),
        (
            b"\x12\x34\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00\x20"
            + b"FHFAEBEECACACACACACACACACACACAAA\x00\x00\x20\x00\x01",
            "udp",
        ),
        (bytes(40), "udp"),
        (b"", "udp"),
    ],
)
def test_other_protocols_are_not_claimed(data: bytes, transport: str):
    assert opinion(data, transport=transport) is Confidence.NO


@given(st.lists(st.tuples(st.sampled_from(Direction), st.binary(max_size=60)), max_size=8), st.booleans())
def test_any_bytes_are_read_without_an_exception(messages: list[tuple[Direction, bytes]], stream: bool):
    entries = pieces(*messages) if stream else datagrams(*messages)
    assert all(entry.protocol == "dns" for entry in entries)


@given(st.data())
def test_any_cut_of_a_stream_gives_the_same_entries(data: st.DataObject):
    stream = framed(QUERY, query("b.example.com.", "AAAA", 8), query("c.example.com.", "MX", 9))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(stream) - 1))))
    parts = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    entries = pieces(*((CLIENT, part) for part in parts))
    assert [entry.fields for entry in entries] == [entry.fields for entry in pieces((CLIENT, stream))]


@pytest.mark.parametrize(("place", "value"), [(2, 3 << 3), (2, 9 << 3), (3, 5)])
def test_a_header_that_no_resolver_writes_is_believed_on_the_usual_port_alone(place: int, value: int):
    odd = bytearray(QUERY)
    odd[place] = value
    elsewhere = Connection(0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 4000))
    opinions = [Dns().probe(Opening(of, bytes(odd), b"", True, True, complete=True)) for of in (UDP, elsewhere)]
    assert opinions == [Confidence.POSSIBLE, Confidence.NO]


@pytest.mark.parametrize(("place", "value"), [(2, 3 << 3), (2, 9 << 3), (3, 5)])
def test_a_header_that_no_resolver_writes_is_read_from_a_stream_however_it_is_cut(place: int, value: int):
    odd = bytearray(QUERY)
    odd[place] = value
    stream = framed(bytes(odd), QUERY)
    whole = pieces((CLIENT, stream))
    assert ([entry.malformed for entry in whole], whole[1].summary) == (["", ""], "A api.example.com")
    slowly = pieces(*((CLIENT, stream[at : at + 1]) for at in range(len(stream))))
    assert [entry.fields for entry in slowly] == [entry.fields for entry in whole]
    of = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 53), from_start=True)
    probed = [
        Dns().probe(Opening(replace(of, server=Endpoint("10.0.0.2", port)), part, b"", True, True, complete=end))
        for port, part, end in (
            (53, stream, False),
            (53, stream[:20], False),
            (53, stream[:20], True),
            (80, stream, True),
        )
    ]
    assert probed == [Confidence.POSSIBLE, Confidence.UNDECIDED, Confidence.NO, Confidence.NO]
