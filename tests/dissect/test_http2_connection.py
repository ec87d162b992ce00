from __future__ import annotations

import time

import pytest

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.http2_connection import FAULTS, Http2Dissector
from kubeshark_mcp.dissect.http2_entry import Targets
from kubeshark_mcp.dissect.http2_streams import BODY_ROOM, HEADER_ROOM, OPEN_LIMIT, RESET_LIMIT
from kubeshark_mcp.dissect.wire_hpack import LIST_LIMIT, HuffmanStrings
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Direction, Endpoint, Piece, Span
from tests.dissect.samples.http2 import (
    ANSWER,
    ANSWER_AGAIN,
    ASK,
    ASK_AGAIN,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GET,
    GOAWAY,
    HEADERS,
    HTTP,
    OK,
    PADDED,
    PING,
    PREFACE,
    PUSH_PROMISE,
    ROOT,
    RST_STREAM,
    SETTINGS,
    block,
    data,
    frame,
    headers,
    integer,
    literal,
    settings,
)

CLIENT, SERVER = Direction
HELLO, WELCOME = PREFACE + settings(), settings()
SET = {"set-cookie": "seen=1; Path=/, theme=dark"}


class Driver:
    """Feeds one dissector; packets are numbered from 1, a millisecond apart."""

    def __init__(self, from_start: bool = True, limit: int = 16384, upgrade: Entry | None = None):
        self.entries: list[Entry] = []
        self.connection = Connection(0, "tcp", Endpoint("10.0.0.1", 1), Endpoint("10.0.0.2", 2), from_start=from_start)
        context = Context(self.connection, Settings(body_limit=limit), self.entries.append)
        self.dissector = Http2Dissector(context, HuffmanStrings(), Targets(), synced=from_start, upgrade=upgrade)
        self.packet = 0
        self.offsets = [0, 0]

    def say(self, direction: Direction, said: bytes, gap: int = 0) -> None:
        self.packet += 1
        if gap:
            self.dissector.on_gap(direction, gap)
        offset = self.offsets[direction] + gap
        self.offsets[direction] = offset + len(said)
        self.dissector.on_piece(Piece(direction, said, offset, gap, [0], [self.packet], [self.packet * 1_000_000]))

    def close(self, how: str = "fin") -> list[Entry]:
        self.dissector.on_close(Closing(self.connection, how, 0))
        return self.entries


def read(*talk: tuple[Direction, bytes], how: str = "fin", from_start: bool = True) -> list[Entry]:
    driver = Driver(from_start)
    for direction, said in talk:
        driver.say(direction, said)
    return driver.close(how)


def outline(entries: list[Entry]) -> list[tuple[str, str, str]]:
    return [(entry.summary, entry.status, entry.malformed) for entry in entries]


def test_streams_become_entries_when_they_end_each_with_its_own_evidence():
    driver = Driver()
    driver.say(CLIENT, HELLO + headers(1, ASK, end=True))
    driver.say(CLIENT, headers(3, ASK_AGAIN))
    driver.say(SERVER, WELCOME + headers(1, ANSWER))
    driver.say(CLIENT, data(3, b"up", end=True))
    driver.say(SERVER, headers(3, ANSWER_AGAIN, end=True))
    assert outline(driver.entries) == [("GET /orders", "200", "")]
    driver.say(SERVER, data(1, b"down", end=True))
    three, one = driver.entries
    begin = len(HELLO) + len(headers(1, ASK))
    assert three.request == Span(begin, len(headers(3, ASK_AGAIN)) + 11, 2, 4, 2_000_000, 4_000_000)
    assert (one.response_body, three.request_body) == (b"down", b"up")
    assert one.response is not None
    assert (one.response.first_packet, one.response.last_packet) == (3, 6)


def test_interim_responses_are_not_the_response():
    hint = block(literal(8, "103"), literal("link", "</a.css>"))
    (entry,) = read(
        (CLIENT, HELLO + headers(1, ASK, end=True)),
        (SERVER, WELCOME + headers(1, block(literal(8, "100"))) + headers(1, hint)),
        (SERVER, headers(1, ANSWER, end=True)),
    )
    assert entry.fields["status_code"] == 200
    assert entry.response is not None
    assert (entry.response.first_packet, entry.malformed) == (3, "")


def test_trailers_of_both_sides_are_kept_apart():
    (entry,) = read(
        (CLIENT, HELLO + headers(1, ASK) + data(1, b"x") + headers(1, block(literal("sum", "1")), end=True)),
        (SERVER, WELCOME + headers(1, ANSWER) + headers(1, block(literal("sum", "2")), end=True)),
    )
    assert (entry.fields["request.trailers"], entry.fields["response.trailers"]) == ({"sum": "1"}, {"sum": "2"})


def test_a_pushed_stream_has_the_request_that_was_promised():
    promise = frame(PUSH_PROMISE, END_HEADERS | PADDED, 1, b"\x01\0\0\0\x02" + block(GET, HTTP, ROOT) + b"\0")
    pushed, asked = read(
        (CLIENT, HELLO + headers(1, ASK, end=True)),
        (SERVER, WELCOME + promise + headers(2, ANSWER) + data(2, b"pushed", end=True)),
        (SERVER, headers(1, ANSWER_AGAIN, end=True)),
    )
    assert (pushed.summary, pushed.fields["http2_pushed"], pushed.response_body) == ("GET /", True, b"pushed")
    assert outline([asked]) == [("GET /orders", "200", "")]


def test_a_header_section_in_many_frames_is_read_as_one():
    parts = [ASK[at : at + 7] for at in range(0, len(ASK), 7)]
    said = frame(HEADERS, END_STREAM, 1, parts[0])
    said += b"".join(frame(CONTINUATION, 0, 1, part) for part in parts[1:-1])
    (entry,) = read((CLIENT, HELLO + said + frame(CONTINUATION, END_HEADERS, 1, parts[-1])), (SERVER, WELCOME))
    assert outline([entry]) == [("GET /orders", "", "")]
    assert entry.request == Span(len(HELLO), len(said) + 9 + len(parts[-1]), 1, 1, 1_000_000, 1_000_000)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            frame(HEADERS, END_STREAM, 1, ASK[:9])
            + frame(RST_STREAM, 0, 3, bytes(4))
            + frame(CONTINUATION, 4, 1, ASK[9:]),
            "a RST_STREAM frame interrupts the header section",
        ),
        (headers(1, ASK) + frame(CONTINUATION, 4, 1, ASK), "a CONTINUATION frame without a header section before it"),
        (headers(1, ASK) + headers(1, ASK_AGAIN), "a second header section on the stream"),
        (headers(1, ASK) + frame(HEADERS, 4 | PADDED, 1, b"\x09x"), "a HEADERS frame is shorter than its padding"),
        (headers(1, ASK) + frame(DATA, PADDED, 1, b"\x09x"), "9 octets of padding in 1, at offset 90"),
        (
            headers(1, ASK) + frame(RST_STREAM, 0, 1, b"123"),
            "a RST_STREAM frame of 3 instead of 4 octets, at offset 90",
        ),
        (frame(HEADERS, END_STREAM, 1, ASK[:9]), "the header section is cut short: the capture ends"),
        (headers(1, ASK)[:-4], "4 bytes missing in the header section"),
    ],
)
def test_what_breaks_the_rules_is_told_and_the_connection_read_on(said: bytes, reason: str):
    driver = Driver()
    driver.say(CLIENT, HELLO + said)
    if not said.endswith(ASK[:-4]) and "cut short" not in reason:
        driver.say(CLIENT, headers(7, block(GET, HTTP, ROOT), end=True))
        driver.say(SERVER, WELCOME + headers(7, block(OK), end=True))
        assert ("GET /", "200", "") in outline(driver.entries)
    (broken,) = [entry for entry in driver.close("end") if entry.fields["http2_stream"] == 1]
    assert reason in broken.malformed.split("; ")


def test_frames_of_no_stream_that_break_the_rules_are_few_entries_of_their_own():
    driver = Driver()
    driver.say(CLIENT, HELLO + frame(PING, 0, 0, b"short") * 50)
    begin = len(HELLO)
    assert len(driver.entries) == FAULTS
    assert driver.entries[0] == Entry(
        "http2",
        driver.connection,
        Span(begin, 9, 1, 1, 1_000_000, 1_000_000),
        None,
        summary="PING frame",
        failed=True,
        malformed=f"a PING frame of 5 instead of 8 octets, at offset {begin}",
    )


def test_a_header_section_without_end_is_given_up():
    driver = Driver()
    driver.say(CLIENT, HELLO + frame(HEADERS, 0, 1, block(GET)))
    for _ in range(300):
        driver.say(CLIENT, frame(CONTINUATION, 0, 1, b"\x82" * 1000))
    (entry,) = driver.close()
    assert "the header section is longer than 262144 octets" in entry.malformed


def test_a_broken_block_costs_its_stream_and_what_refers_to_it():
    first, second = read(
        (CLIENT, HELLO + headers(1, ASK[:1] + b"\x80", end=True) + headers(3, block(GET, HTTP, 63, ROOT), end=True)),
        (SERVER, WELCOME + headers(1, ANSWER, end=True) + headers(3, ANSWER_AGAIN, end=True)),
    )
    assert first.malformed == "the request header section cannot be read: a field has the index 0, at offset 1"
    assert second.malformed == "1 of the header fields refers to table entries that are not in the capture"
    assert (second.fields["path"], second.fields["http2_unknown_headers"]) == ("/", 1)


def test_an_answer_may_come_after_the_client_gave_up():
    driver = Driver()
    driver.say(CLIENT, HELLO + headers(1, ASK, end=True))
    driver.say(CLIENT, frame(RST_STREAM, 0, 1, (8).to_bytes(4)))
    assert driver.entries == []
    driver.say(SERVER, WELCOME + headers(1, ANSWER, end=True))
    (entry,) = driver.entries
    assert (entry.status, entry.failed, entry.fields["status_code"]) == ("CANCEL", True, 200)


def test_answers_to_few_given_up_streams_are_waited_for():
    driver = Driver()
    driver.say(CLIENT, HELLO)
    for number in range(1, 2 * RESET_LIMIT + 21, 2):
        driver.say(CLIENT, headers(number, block(GET, ROOT)) + frame(RST_STREAM, 0, number, (8).to_bytes(4)))
    assert [entry.fields["http2_stream"] for entry in driver.entries] == list(range(1, 21, 2))
    assert len(driver.close()) == RESET_LIMIT + 10


def test_what_was_on_its_way_to_a_server_that_gave_up_counts_as_sent():
    driver = Driver()
    driver.say(CLIENT, HELLO + headers(1, ASK) + data(1, b"first"))
    driver.say(SERVER, WELCOME + headers(1, ANSWER, end=True) + frame(RST_STREAM, 0, 1, bytes(4)))
    assert driver.entries == []
    driver.say(CLIENT, data(1, b", second", end=True))
    (entry,) = driver.entries
    assert (entry.request_body, entry.status, entry.malformed) == (b"first, second", "200", "")


def test_a_stream_that_both_sides_gave_up_is_over():
    driver = Driver()
    driver.say(CLIENT, HELLO + headers(1, ASK))
    driver.say(SERVER, WELCOME + frame(RST_STREAM, 0, 1, (7).to_bytes(4)))
    driver.say(CLIENT, frame(RST_STREAM, 0, 1, (8).to_bytes(4)))
    (entry,) = driver.entries
    assert (entry.status, entry.fields["http2_reset_by"]) == ("REFUSED_STREAM", "server")


def test_an_interim_response_of_unknown_status_is_not_the_response():
    driver = Driver(from_start=False)
    driver.say(CLIENT, headers(1, ASK, end=True))
    driver.say(SERVER, headers(1, block(70, 71)) + headers(1, block(70, literal("link", "</a.css>"))))
    driver.say(SERVER, headers(1, block(literal(8, "103"))) + headers(1, ANSWER, end=True))
    (entry,) = driver.entries
    assert (entry.status, entry.malformed) == ("200", "")
    assert entry.fields["response.headers"] == {"content-type": "text/plain"} | SET


def test_the_status_of_a_call_is_found_where_its_beginning_is_missing_and_a_trailer_is_unknown():
    driver = Driver(from_start=False)
    driver.say(SERVER, headers(9, block(70, literal("grpc-message", "no")), end=True) + frame(PING, 1, 0, bytes(8)))
    (entry,) = driver.entries
    assert entry.fields["response.trailers"] == {"?": "?", "grpc-message": "no"}


def test_frames_on_closed_streams_make_no_entries_and_still_fill_the_tables():
    first, second = read(
        (CLIENT, HELLO + headers(1, ASK) + headers(3, ASK_AGAIN, end=True)),
        (SERVER, WELCOME + frame(RST_STREAM, 0, 1, (7).to_bytes(4))),
        (CLIENT, frame(RST_STREAM, 0, 1, (7).to_bytes(4)) + data(1, b"too late")),
        (CLIENT, headers(1, block(literal("sum", "1")), end=True)),
        (SERVER, headers(1, ANSWER) + data(1, b"x", end=True) + headers(3, ANSWER_AGAIN, end=True)),
    )
    assert (first.status, first.fields["http2_error"]) == ("REFUSED_STREAM", "REFUSED_STREAM")
    assert second.fields["response.headers"] == {"content-type": "text/plain"}


def test_goaway_ends_what_it_leaves_unprocessed_and_an_error_is_an_entry():
    ask = headers(1, ASK, end=True) + headers(3, ASK_AGAIN, end=True) + headers(5, ASK_AGAIN, end=True)
    gone = frame(GOAWAY, 0, 0, (1).to_bytes(4) + (11).to_bytes(4) + b"too_many_pings")
    entries = read((CLIENT, HELLO + ask), (SERVER, WELCOME + gone + headers(1, ANSWER, end=True)))
    assert outline(entries) == [
        ("GET /orders", "GOAWAY", ""),
        ("GET /orders", "GOAWAY", ""),
        ("GOAWAY ENHANCE_YOUR_CALM: too_many_pings", "ENHANCE_YOUR_CALM", ""),
        ("GET /orders", "200", ""),
    ]
    assert "http" not in entries[2].fields
    assert entries[2].fields["http2_debug_data"] == "too_many_pings"


def test_a_graceful_goaway_is_no_entry():
    gone = frame(GOAWAY, 0, 0, (1).to_bytes(4) + bytes(4))
    entries = read((CLIENT, HELLO + headers(1, ASK, end=True)), (SERVER, WELCOME + gone + headers(1, ANSWER, end=True)))
    assert outline(entries) == [("GET /orders", "200", "")]


@pytest.mark.parametrize(
    ("how", "ending"),
    [("fin", "the sender closed"), ("reset", "the connection was reset"), ("end", "the capture ends")],
)
def test_what_never_ended_is_told(how: str, ending: str):
    (entry,) = read((CLIENT, HELLO + headers(1, ASK)), (SERVER, WELCOME + headers(1, ANSWER)), how=how)
    assert (
        entry.malformed == f"the end of the request is missing: {ending}; the end of the response is missing: {ending}"
    )


def test_lost_bytes_mark_the_streams_that_were_open():
    driver = Driver()
    driver.say(CLIENT, HELLO + headers(1, ASK, end=True))
    driver.say(SERVER, WELCOME)
    driver.say(SERVER, headers(1, block(OK, literal("a", "b"))) + data(1, b"rest", end=True), gap=100)
    driver.say(CLIENT, headers(3, ASK_AGAIN, end=True))
    driver.say(SERVER, headers(3, block(OK, 62), end=True))
    first, second = driver.close()
    assert first.malformed == "100 bytes from the server are missing while the stream was open"
    assert second.malformed == "1 of the header fields refers to table entries that are not in the capture"
    assert second.fields["response.headers"] == {"?": "?"}


def test_bytes_missing_inside_a_body_cost_only_that_body():
    driver = Driver()
    driver.say(CLIENT, HELLO + headers(1, ASK, end=True))
    driver.say(SERVER, WELCOME + headers(1, ANSWER) + data(1, b"x" * 100, end=True)[:29])
    driver.say(SERVER, b"xyz", gap=77)
    (entry,) = driver.entries
    assert (entry.fields["response_body_size"], entry.response_body) == (100, b"x" * 20)
    assert entry.malformed == "77 bytes missing in the response body"
    assert entry.response is not None
    assert entry.response.missing == 77


def test_a_connection_is_entered_in_its_middle():
    grpc = block(0x83, 66, literal("content-type", "application/grpc"))
    driver = Driver(from_start=False)
    driver.say(SERVER, b"end of a body" + data(9, b"lone", end=True))
    driver.say(CLIENT, headers(11, grpc) + data(11, b"\0\0\0\0\0", end=True))
    driver.say(SERVER, headers(11, block(OK, 70)) + headers(11, block(80, 81), end=True))
    lone, call = driver.entries
    assert outline([lone]) == [("not a request", "", "the response header section was not captured")]
    assert call.fields["request.headers"] == {"?": "?", "content-type": "application/grpc"}
    assert call.fields["response.trailers"] == {"?": "?, ?"}
    assert (call.summary, call.fields["grpc_status"], call.fields["http2_unknown_headers"]) == ("POST ?", -1, 4)


def test_trailers_of_an_unseen_beginning_are_taken_for_trailers():
    driver = Driver(from_start=False)
    driver.say(SERVER, headers(9, block(literal("grpc-status", "0")), end=True) + frame(PING, 1, 0, bytes(8)))
    (entry,) = driver.entries
    assert entry.fields["response.trailers"] == {"grpc-status": "0"}
    assert (entry.fields["grpc"], entry.status) == (True, "OK")
    assert entry.malformed == "the response header section was not captured"


def test_stream_1_answers_the_request_that_asked_for_the_upgrade():
    upgrade = Entry("http", Driver().connection, Span(0, 90, 1, 1, 0, 0), None, {"method": "GET"}, "GET /a")
    driver = Driver(upgrade=upgrade)
    driver.say(CLIENT, HELLO)
    driver.say(SERVER, WELCOME + headers(1, ANSWER, end=True))
    assert outline(driver.entries) == [("GET /a", "200", "")]
    assert outline(Driver(upgrade=upgrade).close()) == [("GET /a", "", "")]


def test_bodies_are_cut_at_the_limit_and_all_together_at_another():
    driver = Driver(limit=10)
    driver.say(CLIENT, HELLO + headers(1, ASK) + data(1, b"0123456789ab", end=True))
    (entry,) = driver.close()
    assert (entry.request_body, entry.fields["request_body_size"]) == (b"0123456789", 12)
    assert entry.fields["request_body_cut"] is True
    driver = Driver(limit=BODY_ROOM)
    driver.say(CLIENT, HELLO)
    for number in range(1, 81, 2):
        driver.say(CLIENT, headers(number, block(GET, ROOT)) + data(number, b"x" * (1 << 20)))
    assert sum(len(entry.request_body) for entry in driver.close()) <= BODY_ROOM + (1 << 20)


def test_open_streams_are_bounded_and_the_oldest_let_go():
    driver = Driver()
    driver.say(CLIENT, HELLO)
    ask = block(GET, HTTP, ROOT)
    begun = time.process_time()
    for first in range(1, 40_001, 2000):
        driver.say(CLIENT, b"".join(headers(number, ask, end=True) for number in range(first, first + 2000, 2)))
    assert len(driver.entries) == 20_000 - OPEN_LIMIT
    assert driver.entries[0].malformed == "its end was not waited for: too many streams are open"
    assert time.process_time() - begun < 5
    assert len(driver.close()) == 20_000


def test_header_fields_of_open_streams_are_bounded_together():
    driver = Driver()
    driver.say(CLIENT, HELLO + headers(1, block(GET, ROOT, (b"\x40\x04bomb", integer(4000, 7, 0) + b"x" * 4000))))
    for number in range(3, 603, 2):
        driver.say(CLIENT, headers(number, b"\xbe" * 100 + block(literal("number", str(number))), end=True))
    assert 0 < len(driver.entries) < 301 - HEADER_ROOM // 400_000
    kept = 301 - len(driver.entries)
    assert kept * LIST_LIMIT <= HEADER_ROOM + 2 * LIST_LIMIT
    for number in range(3, 603, 2):
        driver.say(SERVER, headers(number, block(OK), end=True))
    before = len(driver.entries)
    driver.say(CLIENT, headers(701, block(GET, ROOT), end=True) + headers(703, block(GET, ROOT), end=True))
    assert len(driver.entries) == before


def test_a_connection_of_many_streams_keeps_nothing_of_those_that_ended():
    driver = Driver()
    driver.say(CLIENT, HELLO)
    driver.say(SERVER, WELCOME)
    ask, answer = block(GET, HTTP, ROOT), block(OK)
    for first in range(1, 100_001, 1000):
        numbers = range(first, first + 1000, 2)
        driver.say(CLIENT, b"".join(headers(number, ask, end=True) for number in numbers))
        driver.say(SERVER, b"".join(headers(number, answer, end=True) for number in numbers))
        driver.entries.clear()
    assert driver.close() == []


def test_floods_of_resets_settings_and_pings_cost_linear_time():
    driver = Driver()
    begun = time.process_time()
    driver.say(CLIENT, HELLO + frame(PING, 0, 0, bytes(8)) * 50_000 + frame(SETTINGS, 0, 0) * 50_000)
    rapid = b"".join(headers(n, block(GET, ROOT)) + frame(RST_STREAM, 0, n, bytes(4)) for n in range(1, 60_001, 2))
    driver.say(CLIENT, rapid)
    assert len(driver.close()) == 30_000
    assert time.process_time() - begun < 6
