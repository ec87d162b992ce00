from __future__ import annotations

import time

import dns.message
import dns.rcode
import dns.rrset
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect import wire_dns
from kubeshark_mcp.dissect.wire_dns import (
    Message,
    Question,
    Readings,
    Record,
    address_lines,
    is_header,
    is_netbios,
    is_usual,
    parse_message,
    read_message,
    record_line,
    stream_begins,
    summary,
    update_line,
)

QUERY = dns.message.make_query("api.example.com.", "A", id=7).to_wire()


def response(*texts: str, section: str = "answer") -> dns.message.Message:
    message = dns.message.make_response(dns.message.from_wire(QUERY))
    for text in texts:
        owner, ttl, record_class, kind, data = text.split(" ", 4)
        getattr(message, section).append(dns.rrset.from_text(owner, int(ttl), record_class, kind, data))
    return message


def test_a_query_is_read():
    assert parse_message(QUERY) == Message(counts=(1, 0, 0, 0), questions=(Question("api.example.com", "A", 1),))


def test_a_response_is_read_with_all_its_sections():
    message = response("api.example.com. 30 IN CNAME b.example.com.", "b.example.com. 20 IN A 10.0.0.7")
    message.authority.append(dns.rrset.from_text("example.com.", 60, "IN", "NS", "ns.example.com."))
    message.additional.append(dns.rrset.from_text("ns.example.com.", 50, "IN", "AAAA", "2001:db8::1"))
    message.flags |= dns.flags.AA
    read = parse_message(message.to_wire())
    assert read == Message(
        response=True,
        authoritative=True,
        counts=(1, 2, 1, 1),
        questions=(Question("api.example.com", "A", 1),),
        answers=(
            Record("api.example.com", "CNAME", 1, 30, "b.example.com"),
            Record("b.example.com", "A", 1, 20, "10.0.0.7"),
        ),
        authorities=(Record("example.com", "NS", 1, 60, "ns.example.com"),),
        additionals=(Record("ns.example.com", "AAAA", 1, 50, "2001:db8::1"),),
    )
    assert address_lines(read) == ("api.example.com 20 10.0.0.7", "ns.example.com 50 2001:db8::1")
    assert record_line(read.answers[1]) == "b.example.com 20 A 10.0.0.7"
    assert summary(read) == "A api.example.com"


def test_aliases_that_lead_in_a_circle_end():
    texts = ("a.example.com. 1 IN CNAME b.example.com.", "b.example.com. 1 IN CNAME a.example.com.")
    read = parse_message(response(*texts, "a.example.com. 1 IN A 10.0.0.1").to_wire())
    assert address_lines(read) == ("a.example.com 1 10.0.0.1",)


def test_an_extended_rcode_is_put_together():
    message = dns.message.make_response(dns.message.make_query("a.", "A", use_edns=0))
    message.set_rcode(dns.rcode.BADVERS)
    assert parse_message(message.to_wire()).rcode == 16


def test_what_was_read_before_the_unreadable_byte_is_kept():
    whole = response("api.example.com. 30 IN A 10.0.0.7", "api.example.com. 30 IN A 10.0.0.8").to_wire()
    read = parse_message(whole[:-3])
    assert [record.text for record in read.answers] == ["10.0.0.7"]
    assert read.malformed == "a record of 4 bytes at byte 61 passes the end of the message at 62"


def test_a_record_that_cannot_be_worded_does_not_hide_the_next():
    whole = response("api.example.com. 30 IN A 10.0.0.7", "api.example.com. 30 IN TXT ab").to_wire()
    broken = whole[:-3] + b"\x09ab"
    assert [record.text for record in parse_message(broken).answers] == ["10.0.0.7", "\\# 3 096162"]
    assert parse_message(broken).malformed == "TXT record: its data ends at byte 64, 7 bytes too early"


def test_bytes_behind_the_last_record_are_said():
    assert parse_message(QUERY + b"xy").malformed == "2 bytes follow the last record at byte 33"
    assert parse_message(b"abc").malformed == "the message has 3 bytes, less than a header's 12"


def test_a_message_that_its_sender_cut_between_records_is_whole():
    message = response("api.example.com. 30 IN A 10.0.0.7", "api.example.com. 30 IN A 10.0.0.8")
    message.flags |= dns.flags.TC
    assert parse_message(message.to_wire()[:-16]).malformed == ""


def test_updates_say_what_they_add_and_delete():
    message = dns.update.UpdateMessage("example.com.")
    message.add("www", 300, "A", "10.0.0.1")
    message.delete("old", "A")
    message.delete("one", "A", "10.0.0.2")
    read = parse_message(message.to_wire())
    assert [update_line(record) for record in read.authorities] == [
        "add www.example.com 300 A 10.0.0.1",
        "delete old.example.com A",
        "delete one.example.com A 10.0.0.2",
    ]
    assert summary(read) == "UPDATE example.com"


def test_a_stream_begins_with_a_length_and_a_header():
    assert stream_begins(len(QUERY).to_bytes(2, "big") + QUERY, 0)
    assert stream_begins(b"\x00", 0)
    assert not stream_begins(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0)
    assert not stream_begins(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefgh", 0)
    assert not is_header(QUERY[:3] + b"\x05" + QUERY[4:], len(QUERY))


def test_the_name_service_of_netbios_is_not_taken_for_dns():
    netbios = QUERY[:12] + b"\x20FHFAEBEECACACACACACACACACACACAAA\x00\x00\x20\x00\x01"
    assert is_netbios(parse_message(netbios))
    assert not is_netbios(parse_message(QUERY))
    assert is_usual(parse_message(QUERY))
    assert not is_usual(parse_message(QUERY[:-1] + b"\x09"))


def test_equal_messages_are_read_once():
    readings = Readings()
    assert readings.read(QUERY) is readings.read(b"\xff\xff" + QUERY[2:])
    assert read_message(QUERY).key == (("api.example.com", "A"),)


@pytest.mark.parametrize("limit", ["REMEMBERED", "REMEMBERED_BYTES"])
def test_messages_are_forgotten_at_once_when_they_are_many_or_long(limit, monkeypatch):
    monkeypatch.setattr(wire_dns, limit, 2 if limit == "REMEMBERED" else 2 * len(QUERY))
    readings = Readings()
    first, second = readings.read(QUERY), readings.read(QUERY[:-1] + b"\3")
    assert readings.read(QUERY) is first
    readings.read(QUERY[:-1] + b"\4")
    assert readings.read(QUERY) is not first
    assert readings.read(QUERY[:-1] + b"\3") is not second


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(data: bytes):
    message = parse_message(data)
    assert len(message.questions) <= message.counts[0]
    assert len(data) >= 12 or message.malformed


@given(st.integers(0, len(QUERY) - 1), st.integers(0, 255))
def test_a_damaged_byte_never_raises(position: int, byte: int):
    damaged = QUERY[:position] + bytes([byte]) + QUERY[position + 1 :]
    read = read_message(damaged)
    assert read.common["dns_questions"] == tuple(question.name for question in read.message.questions)


def test_the_largest_hostile_message_is_read_in_linear_time():
    pointers = b"".join((0xC000 | (12 + 2 * index)).to_bytes(2, "big") for index in range(8000))
    chain = b"\x01a\x00\x00" + pointers
    record = b"\xff\xfd" + b"\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00"
    data = b"\x00\x00\x80\x00\x00\x00\xff\xff\x00\x00\x00\x00" + chain + record * 4000
    begin = time.process_time()
    parse_message(data)
    assert time.process_time() - begin < 2
