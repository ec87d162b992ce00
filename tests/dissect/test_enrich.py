from __future__ import annotations

from typing import ClassVar

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.discovery import fields_by_protocol
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.protocols.tcp_conn import TcpConn
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from tests.dissect.conversation import CLIENT, SERVER, connection, play, run

TALK = [
    (CLIENT, b"GET /teapot HTTP/1.1\r\nHost: a\r\n\r\n"),
    (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    (CLIENT, b"GET /cart HTTP/1.1\r\nHost: a\r\n\r\n"),
    (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
]


class Tea(Enricher):
    name: ClassVar[str] = "tea"
    title: ClassVar[str] = "Tea"
    specification: ClassVar[str] = "RFC 2324"
    enriches: ClassVar[frozenset[str]] = frozenset({"http", "coap"})
    fields: ClassVar[tuple[Field, ...]] = (
        Field("tea", FieldType.BOOL, "about tea", "tea"),
        Field("path", FieldType.STRING, "as in HTTP", 'path == "/teapot"'),
    )

    def annotate(self, entry: Entry) -> bool:
        return "/teapot" in entry.summary


class Broken(Tea):
    name: ClassVar[str] = "broken"
    fields: ClassVar[tuple[Field, ...]] = ()

    def annotate(self, entry: Entry) -> bool:
        raise ValueError("boom")


def test_an_entry_that_carries_the_protocol_gets_its_flag_and_the_connection_its_name():
    entries, engine = run([Http(), Tea()], TALK)
    assert [(entry.protocol, entry.summary, entry.fields.get("tea", False)) for entry in entries] == [
        ("http", "GET /teapot", True),
        ("http", "GET /cart", False),
    ]
    assert engine.l7_of(connection()) == ("http", "tea")


def test_nothing_is_added_where_the_protocol_is_not_enabled():
    entries = play([Http(), Tea()], TALK, settings=Settings(enabled=frozenset({"http"})))
    assert [entry.fields.get("tea") for entry in entries] == [None, None]


def test_a_fault_is_reported_and_the_entry_passes_on():
    entries, engine = run([Http(), Broken(), Tea()], TALK)
    assert [entry.fields.get("tea", False) for entry in entries] == [True, False]
    assert [(warning.protocol, warning.reason[:18]) for warning in engine.warnings] == [
        ("broken", "ValueError('boom')")
    ] * 2


def test_it_claims_no_bytes_and_cannot_be_declared_for_a_port():
    opening = Opening(connection(), b"GET /teapot", b"", True, True, complete=True)
    assert Tea().probe(opening) is Confidence.NO
    with pytest.raises(TypeError, match="tea is found in the entries of coap, http, not in bytes"):
        Tea().open(Context(connection(), Settings(), print))
    with pytest.raises(UsageError, match="decode_as names the protocol 'tea', which is not installed: use one of http"):
        DissectionEngine([Http(), Tea()], Settings(decode_as={("tcp", 80): "tea"}), print)


def test_its_fields_are_fields_of_what_it_enriches():
    http, tea = Http(), Tea()
    found = fields_by_protocol([http, tea])
    assert found == {"http": (*http.fields, tea.fields[0])}


def test_fields_of_what_carries_others_are_fields_of_all_but_connections():
    class Tunnel(Http):
        name = "tunnel"
        fields = (Field("inside", FieldType.BOOL, "", "inside"),)
        carried = (*fields, Field("method", FieldType.STRING, "", "method"))

    http, tunnel, connections = Http(), Tunnel(), TcpConn()
    assert fields_by_protocol([http, tunnel, connections]) == {
        "http": (*http.fields, Tunnel.fields[0]),
        "tunnel": Tunnel.carried,
        "tcp_conn": connections.fields,
    }
