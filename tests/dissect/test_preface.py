from __future__ import annotations

import random
import time

import pytest

from kubeshark_mcp.dissect.discovery import fields_by_protocol, load_protocols
from kubeshark_mcp.dissect.preface import PREFACE_FIELDS, Peeler
from kubeshark_mcp.dissect.wire_proxy import SIGNATURE
from kubeshark_mcp.model.stream import Direction, Piece
from tests.dissect.conversation import CLIENT, SERVER, run

LINE = b"PROXY TCP4 203.0.113.7 10.0.0.2 51000 443\r\n"
BINARY = SIGNATURE + b"\x21\x11\0\x0c" + bytes([203, 0, 113, 7, 10, 0, 0, 2, 0xC7, 0x38, 1, 0xBB])
TOLD = {"proxy_source": "203.0.113.7:51000", "proxy_destination": "10.0.0.2:443"}


def piece(data: bytes, offset: int = 0, direction: Direction = CLIENT, gap: int = 0) -> Piece:
    return Piece(direction, data, offset, gap, [0], [offset + 1], [offset + 1])


def test_a_header_is_taken_off_and_the_packets_behind_it_stay_known():
    peeler = Peeler(from_start=True)
    both = Piece(CLIENT, LINE + b"GET", 0, 0, [0, len(LINE)], [1, 2], [10, 20])
    assert peeler.take([both]) == [Piece(CLIENT, b"GET", len(LINE), 0, [0], [2], [20])]
    assert (peeler.done, peeler.length, peeler.fields) == (True, len(LINE), {"proxy_version": 1, **TOLD})
    assert peeler.begins == [len(LINE), 0]


def test_a_header_in_parts_is_held_until_it_is_whole():
    peeler = Peeler(from_start=True)
    assert peeler.take([piece(BINARY[:20])]) == []
    assert peeler.take([piece(BINARY[20:] + b"*1", 20)]) == [Piece(CLIENT, b"*1", len(BINARY), 0, [0], [21], [21])]
    assert peeler.fields == {"proxy_version": 2, **TOLD}


@pytest.mark.parametrize("second", [piece(b"hello", direction=SERVER), piece(b"rest", 9, gap=4)])
def test_what_turns_out_to_be_none_is_given_as_it_came(second: Piece):
    peeler, first = Peeler(from_start=True), piece(LINE[:5])
    assert peeler.take([first]) == []
    assert peeler.take([second]) == [first, second]
    assert (peeler.done, peeler.length, peeler.fields) == (True, 0, {})


def test_a_server_that_speaks_first_is_let_through():
    peeler, greeting = Peeler(from_start=True), piece(b"220 hello", direction=SERVER)
    assert peeler.take([greeting]) == [greeting]
    assert (peeler.take([piece(LINE)]), peeler.length) == ([], len(LINE))


def test_bytes_missing_before_the_first_leave_no_header():
    peeler, late = Peeler(from_start=True), piece(LINE, 5, gap=5)
    assert peeler.take([late]) == [late]
    assert (peeler.done, peeler.length) == (True, 0)


def test_a_long_header_in_single_bytes_takes_no_square_of_time():
    peeler = Peeler(from_start=True)
    header = SIGNATURE + b"\x21\x11\xff\xff" + bytes(65535)
    started = time.process_time()
    for offset in range(len(header)):
        peeler.take([piece(header[offset : offset + 1], offset)])
    assert (peeler.done, peeler.length) == (True, len(header))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(("header", "version"), [(LINE, 1), (BINARY, 2)])
@pytest.mark.parametrize("from_start", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_protocol_behind_a_header_is_read_and_tells_of_it(header: bytes, version: int, from_start: bool, seed: int):
    request, answer = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 204 No Content\r\n\r\n"
    talk = [(CLIENT, header), (CLIENT, request), (SERVER, answer)]
    cuts = random.Random(seed) if seed else None
    (entry,), engine = run(load_protocols(), talk, from_start=from_start, cuts=cuts, apart=seed % 2 == 1)
    assert (entry.protocol, entry.summary, entry.status) == ("http", "GET /a", "204")
    assert {name: entry.fields.get(name) for name in ("proxy_version", *TOLD)} == {"proxy_version": version, **TOLD}
    assert entry.request is not None
    assert (entry.request.offset, entry.request.length) == (len(header), len(request))
    assert engine.bytes_fed == engine.bytes_dissected == len(header + request + answer)


def test_every_protocol_with_entries_of_its_own_declares_the_fields():
    declared = fields_by_protocol(load_protocols())
    names = {field.name for field in PREFACE_FIELDS}
    lacking = [name for name in ("http", "redis", "mysql", "tlsx", "tcp") if names - {f.name for f in declared[name]}]
    assert lacking == []


def test_a_beginning_of_a_header_that_never_ends_is_left_unknown():
    entries, engine = run(load_protocols(), [(CLIENT, LINE[:20])])
    assert (entries, engine.bytes_unknown) == ([], 20)
