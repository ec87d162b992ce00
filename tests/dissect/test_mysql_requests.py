from __future__ import annotations

import struct

import pytest

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.frames import Frame, FrameError
from kubeshark_mcp.dissect.mysql_exchange import Await, Session
from kubeshark_mcp.dissect.mysql_requests import Requests
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.dissect.conversation import connection
from tests.dissect.samples.mysql import EXECUTE, PROTOCOL_41, SSL, USUAL, command, login, packet, query


class Client:
    def __init__(self, *, signed_in: bool = True) -> None:
        self.entries: list[Entry] = []
        self.session = Session(Context(connection(), Settings(), self.entries.append))
        self.session.logged_in = signed_in
        self.requests = Requests(self.session)

    def say(self, *packets: bytes) -> Client:
        for data in packets:
            self.requests.take(Frame(data, Span(0, len(data), 1, 1, 1, 1), len(data)), data[3])
        return self

    @property
    def waiting(self) -> list[tuple[str, Await]]:
        return [(exchange.entry.summary, exchange.awaits) for exchange in self.session.waiting.flush()]


@pytest.mark.parametrize(
    ("data", "summary", "awaits"),
    [
        (query("SELECT 1"), "SELECT 1", Await.RESULT),
        (query(""), "(empty query)", Await.RESULT),
        (command(0x02, "shop"), "COM_INIT_DB shop", Await.SIMPLE),
        (command(0x04, b"orders\0%"), "COM_FIELD_LIST orders", Await.FIELDS),
        (command(0x09), "COM_STATISTICS", Await.TEXT),
        (command(0x0C, struct.pack("<I", 7)), "COM_PROCESS_KILL 7", Await.SIMPLE),
        (command(0x0E), "COM_PING", Await.SIMPLE),
        (command(0x12, b"x"), "COM_BINLOG_DUMP", Await.EVENTS),
        (command(0x16, "SELECT ?"), "COM_STMT_PREPARE SELECT ?", Await.PREPARED),
        (command(0x17, EXECUTE), "COM_STMT_EXECUTE 3, text not captured", Await.RESULT),
        (command(0x1A, struct.pack("<I", 3)), "COM_STMT_RESET 3", Await.SIMPLE),
        (command(0x1C, struct.pack("<II", 3, 9)), "COM_STMT_FETCH 3", Await.ROWS),
        (command(0x11, b"b\0\0shop\0"), "COM_CHANGE_USER b@shop", Await.AUTHENTICATION),
        (command(0x1F), "COM_RESET_CONNECTION", Await.SIMPLE),
    ],
)
def test_each_command_has_a_summary_and_an_answer_of_its_kind(data: bytes, summary: str, awaits: Await):
    assert Client().say(data).waiting == [(summary, awaits)]


@pytest.mark.parametrize(
    ("data", "summary"),
    [
        (command(0x01), "COM_QUIT"),
        (command(0x18, struct.pack("<IH", 3, 0) + b"data"), "COM_STMT_SEND_LONG_DATA 3"),
        (command(0x19, struct.pack("<I", 3)), "COM_STMT_CLOSE 3"),
    ],
)
def test_some_commands_are_not_answered(data: bytes, summary: str):
    client = Client().say(data)
    assert ([entry.summary for entry in client.entries], client.waiting) == ([summary], [])


def test_the_last_statement_is_meant_where_no_number_is_given():
    client = Client()
    client.session.prepared = 9
    client.session.statements.put(9, "SELECT ?", 1)
    client.say(command(0xFA, struct.pack("<IH", 0xFFFFFFFF, 0)))
    exchange = client.session.waiting.next
    assert exchange is not None
    assert (exchange.fields["mysql_statement_id"], exchange.text) == (9, "SELECT ?")


def test_a_closed_statement_is_forgotten():
    client = Client()
    client.session.statements.put(3, "SELECT ?", 1)
    client.say(command(0x17, EXECUTE), command(0x19, struct.pack("<I", 3)), command(0x17, EXECUTE))
    assert [summary for summary, _ in client.waiting] == ["SELECT ?", "COM_STMT_EXECUTE 3, text not captured"]


def test_a_login_may_come_by_itself_or_behind_a_wish_for_tls():
    wish = packet(1, struct.pack("<IIB", PROTOCOL_41 | SSL, 1 << 24, 45) + bytes(23))
    client = Client(signed_in=False).say(wish)
    assert (client.session.encrypted, [entry.summary for entry in client.entries]) == (True, ["SSLRequest"])
    inside = Client(signed_in=False).say(login(sequence=2))
    assert inside.session.capabilities == USUAL
    assert inside.waiting == [("HandshakeResponse app@shop", Await.AUTHENTICATION)]


def test_a_login_that_cannot_be_read_is_marked():
    client = Client(signed_in=False).say(packet(1, b"\x01\x02\x03"))
    exchange = client.session.waiting.next
    assert exchange is not None
    assert exchange.entry.malformed == "no login can be read at byte 0 of the stream"


def test_a_login_behind_a_hole_misses_its_greeting():
    client = Client(signed_in=False)
    client.session.gaps = True
    client.say(login())
    exchange = client.session.waiting.next
    assert exchange is not None
    assert exchange.entry.malformed == "the server's greeting is missing, as bytes of the connection are"


def test_steps_of_a_login_are_counted_and_not_kept():
    client = Client(signed_in=False).say(login(), packet(3, b"proof"))
    exchange = client.session.waiting.next
    assert exchange is not None
    assert (exchange.size, exchange.sequence) == (len(login()) + 9, 4)
    assert exchange.entry.request_body == b""


def test_a_local_file_belongs_to_the_query_that_asked_for_it():
    client = Client().say(query("LOAD DATA LOCAL INFILE 'x' INTO TABLE y"))
    exchange = client.session.waiting.next
    assert exchange is not None
    exchange.awaits = Await.FILE
    client.say(packet(2, b"1,2\n"), packet(3, b""))
    assert (exchange.fields["mysql_local_bytes"], exchange.sequence) == (4, 4)


@pytest.mark.parametrize("data", [packet(0, b"\x99"), packet(5, b"\x03SELECT 1")])
def test_other_bytes_are_no_command(data: bytes):
    with pytest.raises(FrameError, match="no command begins with 0x"):
        Client().say(data)


def test_an_empty_packet_is_passed_over():
    assert Client().say(packet(0, b"")).waiting == []
