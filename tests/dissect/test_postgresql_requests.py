from __future__ import annotations

import struct

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.frames import Frame
from kubeshark_mcp.dissect.postgresql_pairing import NEGOTIATION, PORTALS, STARTUP, Conversation
from kubeshark_mcp.dissect.postgresql_requests import Requests
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.dissect.conversation import connection
from tests.dissect.samples.postgresql import (
    LOGIN,
    SSL,
    SYNC,
    bind,
    describe,
    execute,
    message,
    parse,
    query,
    request,
    start,
)


class Client:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.conversation = Conversation(Context(connection(), Settings(), self.entries.append))
        self.requests = Requests(self.conversation)
        self.offset = 0

    def frame(self, data: bytes) -> Frame:
        self.offset += len(data)
        return Frame(data, Span(self.offset - len(data), len(data), 1, 1, 1, 1), len(data))

    def say(self, *messages: bytes) -> Client:
        for data in messages:
            self.requests.take(self.frame(data))
        return self

    @property
    def kinds(self) -> str:
        return "".join(chr(operation.kind) for operation in self.conversation.operations)


def test_a_startup_names_the_session():
    client = Client()
    client.requests.begin(client.frame(start(user="app")))
    assert client.requests.typed
    assert client.conversation.operations[0].kind == STARTUP
    assert client.conversation.session == {
        "postgresql": True,
        "postgresql_user": "app",
        "postgresql_database": "app",
    }


def test_requests_for_encryption_and_unknown_codes_await_a_byte():
    client = Client()
    client.requests.begin(client.frame(SSL))
    client.requests.begin(client.frame(request(0x00FF00FF)))
    client.requests.begin(client.frame(request(80877102)))
    assert [operation.kind for operation in client.conversation.operations] == [NEGOTIATION] * 3
    assert not client.requests.typed


def test_parse_bind_describe_and_execute_of_one_statement_are_one_exchange():
    client = Client().say(parse("s", "SELECT $1"), bind("s", "1"), describe("P"), execute(), SYNC)
    exchanges = {id(operation.exchange) for operation in client.conversation.operations if operation.exchange}
    assert (client.kinds, len(exchanges)) == ("PBDES", 1)
    exchange = client.conversation.operations[0].exchange
    assert exchange is not None
    assert (exchange.text, exchange.fields["postgresql_parameters"], exchange.executed) == ("SELECT $1", 1, True)


def test_each_execution_of_a_statement_is_an_exchange_with_its_text():
    client = Client().say(parse("s", "SELECT $1"), bind("s", "1"), execute(), bind("s", "2"), execute(), SYNC)
    texts = [operation.exchange.text for operation in client.conversation.operations if operation.kind == ord("E")]  # type: ignore[union-attr]
    exchanges = {id(operation.exchange) for operation in client.conversation.operations if operation.exchange}
    assert (texts, len(exchanges)) == (["SELECT $1"] * 2, 2)


def test_two_portals_that_are_bound_first_are_executed_apart():
    client = Client().say(
        parse("a", "SELECT 1"), bind("a", portal="p"), parse("b", "SELECT 2"), bind("b", portal="q"),
        execute("p"), execute("q"),
    )  # fmt: skip
    texts = [operation.exchange.text for operation in client.conversation.operations if operation.kind == ord("E")]  # type: ignore[union-attr]
    assert texts == ["SELECT 1", "SELECT 2"]
    assert len({id(operation.exchange) for operation in client.conversation.operations}) == 2


def test_a_description_that_belongs_to_nothing_is_an_exchange():
    client = Client().say(describe("S", "s"))
    exchange = client.conversation.operations[0].exchange
    assert exchange is not None
    assert exchange.entry.summary == "Describe s"


def test_portals_are_bounded():
    client = Client().say(*(bind("", portal=f"p{number}") for number in range(PORTALS + 10)))
    assert len(client.conversation.portals) == PORTALS


def test_a_password_is_counted_and_not_kept():
    client = Client()
    client.requests.begin(client.frame(LOGIN))
    client.say(message("p", "open sesame"))
    exchange = client.conversation.operations[0].exchange
    assert exchange is not None
    assert exchange.size == len(LOGIN) + len(message("p", "open sesame"))
    assert exchange.entry.request_body == LOGIN
    assert client.say(message("H")).kinds == "\0"


def test_a_password_without_a_login_is_ignored():
    client = Client().say(message("p", "open sesame"))
    assert (client.entries, client.kinds) == ([], "")


def test_copied_data_belongs_to_the_last_request():
    client = Client().say(query("COPY a FROM STDIN"))
    data = message("d", b"1\n") * 3
    client.requests.copy(Frame(data, Span(50, len(data), 1, 1, 1, 1), len(data)), 3, ord("d"))
    exchange = client.conversation.operations[0].exchange
    assert exchange is not None
    assert (exchange.fields["postgresql_copy_messages"], exchange.fields["postgresql_copy_bytes"]) == (3, 6)
    client.conversation.copying = exchange
    client.say(message("c"))
    assert exchange.size == len(query("COPY a FROM STDIN")) + len(data) + 5


def test_copied_data_without_a_request_is_ignored():
    client = Client()
    client.requests.copy(Frame(message("d", b"1\n"), Span(0, 7, 1, 1, 1, 1), 7), 1, ord("d"))
    client.say(message("c"))
    assert client.entries == []


def test_the_end_of_a_session_and_a_cancellation_need_no_answer():
    client = Client().say(message("X"))
    client.requests.begin(client.frame(request(80877102, 7, 8)))
    assert [(entry.summary, entry.fields["postgresql_success"]) for entry in client.entries] == [
        ("Terminate", True),
        ("CancelRequest for process 7", True),
    ]
    assert struct.pack(">I", 8) not in client.entries[1].request_body


def test_a_function_call_waits():
    assert Client().say(message("F", b"\0" * 12)).kinds == "F"
