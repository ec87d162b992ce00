"""Identities of a run: objects from files, names from DNS answers."""

from __future__ import annotations

from kubeshark_mcp.hub.identities import learn, load_identities
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Endpoint, Span

from .conftest import RESOURCES

CONNECTION = Connection(0, "udp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 53))


def test_objects_files_are_read_into_one_table():
    table = load_identities(RESOURCES)
    assert table.resolve("10.244.2.30", 6379, 2**62).service == "redis"
    assert table.node_address("node-a")


def test_dns_answers_name_addresses_from_then_on():
    table = load_identities([])
    answer = Entry("dns", CONNECTION, None, Span(0, 1, 1, 1, 100, 100), {"dns_addresses": ["api.example 60 192.0.2.7"]})
    learn(table, [answer, Entry("http", CONNECTION, None, Span(0, 1, 2, 2, 200, 200))])
    assert table.resolve("192.0.2.7", 443, 150).dns == "api.example"
    assert table.resolve("192.0.2.8", 443, 150).status == "unresolved"
