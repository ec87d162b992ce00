from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Dissector, Opening, Settings
from kubeshark_mcp.dissect.protocols.http import WAITING, Http
from kubeshark_mcp.model.entry import Entry
from tests.dissect.conversation import CLIENT, SERVER, Talk, connection, play, run
from tests.dissect.samples.http import CHUNKED, GET, OK, POST, SAMPLES


def http(talk: Talk, **how: Any) -> list[Entry]:
    return play([Http()], talk, apart=True, **how)


def calls(entries: list[Entry]) -> list[tuple[str, str]]:
    return [(entry.summary, entry.status) for entry in entries]


def opinion(client: bytes = b"", server: bytes = b"", *, complete: bool = False) -> Confidence:
    return Http().probe(Opening(connection(), client, server, True, True, complete))


@pytest.mark.parametrize(
    ("client", "server", "expected"),
    [
        (b"GET / HTTP/1.1\r\n", b"", Confidence.SURE),
        (b"brew /pot HTTP/1.0\n", b"", Confidence.SURE),
        (b"\r\nGET / HTTP/1.1\r\n", b"", Confidence.SURE),
        (b"", b"HTTP/1.1 200 OK\r\n", Confidence.SURE),
        (b"\x00\x01", b"HTTP/1.1 200 OK\r\n", Confidence.SURE),
        (b"GET HTTP/1.1\r\nHost: a\r\n", b"", Confidence.LIKELY),
        (b"GET /old\r\n", b"<html>", Confidence.POSSIBLE),
        (b"GE", b"", Confidence.UNDECIDED),
        (b"GET /" + b"x" * 3000, b"", Confidence.UNDECIDED),
        (b"GET /old\r\n", b"", Confidence.UNDECIDED),
        (b"", b"HTT", Confidence.UNDECIDED),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"", Confidence.NO),
        (b"GET / HTTP/2.0\r\n", b"", Confidence.SURE),
        (b"GET /\0\1 HTTP/1.1\r\n", b"", Confidence.SURE),
        (b"OPTIONS rtsp://a/b RTSP/1.0\r\n", b"", Confidence.NO),
        (b"INVITE sip:a@b SIP/2.0\r\n", b"", Confidence.NO),
        (b"get key\r\n", b"", Confidence.NO),
        (b"*1\r\n$4\r\nPING\r\n", b"", Confidence.NO),
        (b"\x16\x03\x01\x02\x00\x01", b"", Confidence.NO),
        (b"GET \x00\x01", b"", Confidence.NO),
        (b"", b"220 mail ready\r\n", Confidence.NO),
        (b"", b"ICY 200 OK\r\n", Confidence.NO),
    ],
)
def test_what_a_probe_says(client: bytes, server: bytes, expected: Confidence):
    assert opinion(client, server) is expected


def test_what_stays_undecided_is_declined_or_guessed_at_the_end():
    assert opinion(b"GE", complete=True) is Confidence.NO
    assert opinion(b"GET /" + b"x" * 5000, complete=True) is Confidence.LIKELY


def test_an_entry_has_its_fields_its_evidence_and_its_times():
    (entry,) = http([(CLIENT, GET), (SERVER, OK)])
    assert entry.fields == {
        "http": True,
        "method": "GET",
        "url": "/orders?id=42&q=a%20b",
        "path": "/orders",
        "http_version": "HTTP/1.1",
        "query_string": {"id": "42", "q": "a b"},
        "request.headers": {"host": "shop.example.com", "cookie": "session=abc; theme=dark"},
        "request.cookies": {"session": "abc", "theme": "dark"},
        "request_headers_size": len(GET),
        "request_body_size": 0,
        "status_code": 200,
        "status_text": "OK",
        "response.headers": {"content-type": "text/plain", "content-length": "5", "set-cookie": "seen=1; Path=/"},
        "response.cookies": {"seen": "1"},
        "response_headers_size": len(OK) - 5,
        "response_body_size": 5,
    }
    assert (entry.summary, entry.status, entry.failed, entry.response_body) == ("GET /orders", "200", False, b"hello")
    assert (entry.request.first_packet, entry.response.last_packet) == (1, 2)
    assert entry.elapsed_us == entry.first_byte_us == 1000


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("keep-alive", [("GET /orders", "200"), ("POST /cart", "201"), ("GET /orders", "200")]),
        ("pipelined", [("GET /orders", "200"), ("POST /cart", "201"), ("GET /orders", "200")]),
        ("head and not modified", [("HEAD /", "200"), ("GET /", "304"), ("DELETE /a", "204")]),
        ("continue", [("PUT /file", "507")]),
        ("close delimited, compressed", [("GET /page", "200")]),
        ("line feeds only, folded", [("GET /old", "200")]),
        ("unknown method", [("BREW-COFFEE pot-1", "418")]),
        ("early answer", [("POST /big", "413")]),
        ("no answer", [("GET /orders", "")]),
    ],
)
def test_requests_are_paired_with_their_responses(title: str, expected: list[tuple[str, str]]):
    assert calls(http(SAMPLES[title])) == expected


def test_bodies_of_both_sides_are_kept():
    (entry,) = http([(CLIENT, POST), (SERVER, CHUNKED)])
    assert (entry.request_body, entry.response_body) == (b'{"sku": "17"}', b'{"id": 1234567890}')
    assert entry.fields["response.trailers"] == {"digest": "x"}


def test_a_body_over_the_limit_is_cut_and_marked():
    (entry,) = http([(CLIENT, POST), (SERVER, CHUNKED)], settings=Settings(body_limit=4))
    assert (entry.request_body, entry.response_body) == (b'{"sk', b'{"id')
    assert (entry.fields["request_body_size"], entry.fields["response_body_size"]) == (13, 18)
    assert entry.fields["request_body_cut"] is entry.fields["response_body_cut"] is True
    assert entry.malformed == ""


def test_only_errors_of_client_and_server_have_failed():
    for code, failed in ((200, False), (302, False), (404, True), (500, True)):
        (entry,) = http([(CLIENT, GET), (SERVER, b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % code)])
        assert entry.failed is failed


def test_a_response_without_its_request_is_an_entry():
    (entry,) = http([(SERVER, OK)], from_start=False)
    assert (entry.request, entry.summary, entry.status) == (None, "response 200", "200")
    assert "method" not in entry.fields


def test_a_request_whose_answer_was_lost_is_not_given_the_next_one():
    talk = [(CLIENT, b"GET /1 HTTP/1.1\r\n\r\n"), (SERVER, OK), (CLIENT, b"GET /2 HTTP/1.1\r\n\r\n"), (SERVER, OK)]
    reason = "bytes of the connection are missing, its answer may be among them"
    entries = http([*talk, (CLIENT, b"GET /3 HTTP/1.1\r\n\r\n"), (SERVER, OK)], lost={1})
    assert [(entry.summary, entry.status, entry.malformed) for entry in entries] == [
        ("GET /1", "", reason),
        ("GET /2", "", reason),
        ("response 200", "200", ""),
        ("GET /3", "200", ""),
    ]
    cut = OK[:20], OK[20:]
    talk[1:2] = [(SERVER, cut[0]), (SERVER, cut[1])]
    assert calls(http(talk, lost={1})) == [("GET /1", ""), ("GET /2", "200")]


def test_an_answer_whose_request_was_lost_is_not_given_to_the_next_one():
    talk = [(CLIENT, b"GET /1 HTTP/1.1\r\n\r\n"), (SERVER, OK), (CLIENT, b"GET /2 HTTP/1.1\r\n\r\n"), (SERVER, OK)]
    assert calls(http(talk, lost={2}, from_start=True)) == [("GET /1", "200"), ("response 200", "200")]


def test_pairing_ends_where_bytes_of_a_pipeline_are_missing():
    ask = [(CLIENT, b"GET /%d HTTP/1.1\r\n\r\n" % number) for number in range(4)]
    entries = http([*ask, (SERVER, OK), (SERVER, OK), (SERVER, OK), (SERVER, OK)], lost={5})
    assert sorted(calls(entries)) == [
        ("GET /0", "200"),
        ("GET /1", ""),
        ("GET /2", ""),
        ("GET /3", ""),
        ("response 200", "200"),
        ("response 200", "200"),
    ]


def test_pairing_recovers_once_the_server_has_spoken():
    talk = [
        (CLIENT, b"POST /1 HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
        (SERVER, OK),
        (CLIENT, b"lost"),
        (CLIENT, b"GET /2 HTTP/1.1\r\n\r\n"),
        (SERVER, OK),
        (CLIENT, b"GET /3 HTTP/1.1\r\n\r\n"),
        (SERVER, OK),
    ]
    assert calls(http(talk, lost={2})) == [
        ("POST /1", "200"),
        ("GET /2", ""),
        ("response 200", "200"),
        ("GET /3", "200"),
    ]


def test_bytes_that_are_no_request_are_paired_with_the_refusal():
    talk = [
        (CLIENT, GET),
        (SERVER, OK),
        (CLIENT, b"a=b&c=d"),
        (SERVER, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    ]
    entries = http(talk)
    assert calls(entries) == [("GET /orders", "200"), ("not a request", "400")]
    assert entries[1].malformed == f"no request line at request stream offset {len(GET)}"


def test_a_malformed_status_line_is_the_answer():
    (entry,) = http([(CLIENT, GET), (SERVER, b"HTTP/1.1foobar\rTransfer-Encoding:chunked\r\n\r\n0\r\n\r\n")])
    assert (entry.summary, entry.status, entry.malformed) == (
        "GET /orders",
        "",
        "no response line at response stream offset 0",
    )


def test_http_0_9():
    settings = Settings(ports={40080: "http"})
    (entry,) = http([(CLIENT, b"GET /old\r\n"), (SERVER, b"<html>"), (SERVER, b"</html>")], settings=settings)
    assert (entry.summary, entry.fields["http_version"], entry.response_body) == ("GET /old", "", b"<html></html>")
    assert "status_code" not in entry.fields


UPGRADE = b"GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


class Taker(Http):
    """Takes what is handed over to it, and remembers."""

    name = "ws"
    ports = frozenset()

    def __init__(self):
        super().__init__()
        self.taken: list = []

    def probe(self, opening):
        return Confidence.NO

    def adopt(self, context, hand_over):
        self.taken.append((hand_over.request.summary, [(p.direction, p.data) for p in hand_over.rest]))
        return Dissector(context)


def test_an_upgrade_hands_the_rest_over():
    taker = Taker()
    entries, engine = run(
        [Http(), taker], [(CLIENT, UPGRADE), (SERVER, SWITCHED + b"\x81\x02hi"), (CLIENT, b"\x81\x00")]
    )
    assert calls(entries) == [("GET /chat", "101")]
    assert taker.taken == [("GET /chat", [(SERVER, b"\x81\x02hi"), (CLIENT, b"\x81\x00")])]
    assert engine.l7_of(connection()) == ("http", "ws")


def test_a_tunnel_is_detected_anew():
    inner = [(CLIENT, GET), (SERVER, OK)]
    talk = [
        (CLIENT, b"CONNECT shop:80 HTTP/1.1\r\n\r\n"),
        (SERVER, b"HTTP/1.1 200 Connection established\r\n\r\n"),
        *inner,
    ]
    assert calls(http(talk)) == [("CONNECT shop:80", "200"), ("GET /orders", "200")]
    early = [(CLIENT, talk[0][1] + GET), (SERVER, talk[1][1] + OK)]
    assert calls(http(early)) == [("CONNECT shop:80", "200"), ("GET /orders", "200")]


def test_a_refused_tunnel_goes_on_as_http():
    refused = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    talk = [(CLIENT, b"CONNECT shop:80 HTTP/1.1\r\n\r\n" + GET), (SERVER, refused), (SERVER, OK)]
    assert calls(http(talk)) == [("CONNECT shop:80", "407"), ("GET /orders", "200")]


def test_a_response_without_length_ends_when_the_next_one_begins():
    talk = [(CLIENT, GET), (SERVER, b"HTTP/1.1 200 OK\r\n\r\nabc"), (CLIENT, GET), (SERVER, OK)]
    assert [entry.response_body for entry in http(talk)] == [b"abc", b"hello"]


def test_requests_that_wait_are_bounded():
    talk = [(CLIENT, b"GET /%d HTTP/1.1\r\n\r\n" % number) for number in range(WAITING + 3)]
    entries = http(talk)
    assert len(entries) == WAITING + 3
    assert [entry.summary for entry in entries[:3]] == ["GET /0", "GET /1", "GET /2"]


def test_a_request_in_the_middle_of_its_body_at_the_end_is_an_entry():
    (entry,) = http([(CLIENT, POST[:-5])], how="end")
    assert (entry.summary, entry.malformed) == (
        "POST /cart",
        "5 bytes missing at the end of the request body: the capture ends",
    )


def test_a_reset_before_the_answer_leaves_a_request_without_one():
    (entry,) = http([(CLIENT, GET)], how="reset")
    assert (entry.response, entry.status, entry.malformed) == (None, "", "")


def test_a_body_that_was_refused_before_it_was_sent_need_not_follow():
    asks = b"PUT /big HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 29\r\n\r\n"
    refuses = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"
    entries = http([(CLIENT, asks), (SERVER, refuses), (CLIENT, GET), (SERVER, OK)])
    assert calls(entries) == [("PUT /big", "417"), ("GET /orders", "200")]
    sent = http([(CLIENT, asks), (SERVER, refuses), (CLIENT, b"x" * 29 + GET), (SERVER, OK)])
    assert calls(sent) == calls(entries)
    assert [entry.request_body for entry in (*entries, *sent)] == [b"", b"", b"x" * 29, b""]


@pytest.mark.parametrize("line", [b"ICY 200 OK", b"HTTP/1.01 200ok", b"HTTP/10.1 200 ok", b"HTTP/1.1x 200\0"])
def test_what_clients_take_for_a_status_line_is_one(line: bytes):
    (entry,) = http([(CLIENT, GET), (SERVER, line + b"\r\nicy-name: radio\r\n\r\nsound")])
    assert (entry.status, entry.response_body, entry.malformed) == ("200", b"sound", "")
