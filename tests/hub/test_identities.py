"""Identities of a run: objects from files, names from DNS answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.hub import identities
from kubeshark_mcp.hub.identities import answers_in, answers_of, learn, learn_columns, load_identities
from kubeshark_mcp.identity import names
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.entry_columns import (
    Coded,
    Column,
    ConnectionColumns,
    EntryColumns,
    Lists,
    SpanColumns,
)
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


def _columns(addresses: Column | None, protocol: str = "dns") -> EntryColumns:
    """Three entries of two connections, the last of them an answer alone."""
    nothing = np.zeros(3, np.int64)
    connections = ConnectionColumns(
        "udp", ["10.0.0.1", "10.0.0.2"], np.array([0, 1]), np.zeros(2, np.int32), np.array([40000, 40001]),
        np.ones(2, np.int32), np.array([53, 8600]), *[nothing[:2]] * 4, np.zeros(2, bool),
    )  # fmt: skip
    asked, answered = np.array([100, 300, 0]), np.array([150, 250, 400])
    return EntryColumns(
        protocol,
        connections,
        np.array([0, 1, 1], np.int32),
        SpanColumns(np.array([True, True, False]), *[nothing] * 4, asked, asked, nothing),
        SpanColumns(np.ones(3, bool), *[nothing] * 4, answered, answered, nothing),
        {} if addresses is None else {"dns_addresses": addresses},
    )


LINES = [("api.example 60 192.0.2.7", "api.example 60 192.0.2.8"), (), ("db.example 60 192.0.2.9",)]
CODED = Coded(LINES, np.array([0, 2, -1], np.int32))
LISTED = Lists(np.array([1, 0, 1]), Coded([LINES[0][0], LINES[2][0]], np.array([0, 1], np.int32)))


def test_answers_in_columns_are_those_of_their_entries():
    for addresses in (CODED, LISTED, None):
        columns = _columns(addresses)
        assert answers_in(columns) == answers_of(columns.entries())
    assert answers_in(_columns(CODED))[-1] == (250, "db.example", "192.0.2.9")
    assert answers_in(_columns(CODED, "mdns")) == []


def test_columns_teach_names_but_for_ports_that_are_known():
    table, others = load_identities([]), load_identities([])
    learn_columns(table, _columns(CODED))
    learn_columns(others, _columns(CODED), {53})
    assert [table.resolve(f"192.0.2.{end}", 1, 500).dns for end in (7, 8, 9)] == ["api.example"] * 2 + ["db.example"]
    assert [others.resolve(f"192.0.2.{end}", 1, 500).dns for end in (7, 8, 9)] == ["", "", "db.example"]


ANSWERS = st.tuples(
    st.integers(-1, 4), st.integers(0, 1), st.sampled_from([*range(8), None]), st.sampled_from([*range(8), None])
).filter(lambda row: row[2:] != (None, None))
SAID = [
    ("a 60 192.0.2.7",),
    ("b 60 192.0.2.7", "b 60 192.0.2.8"),
    ("a 5 192.0.2.8", "c 5 ::ffff:192.0.2.7"),
    (),
    ("no address",),
]


@pytest.mark.parametrize("kept", [4, 1000])
@given(st.lists(st.lists(ANSWERS, max_size=12), max_size=4), st.sampled_from([(), (8600,)]))
def test_answers_that_repeat_each_other_teach_what_they_teach_one_by_one(kept, blocks, known_ports):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "NAMES_KEPT", kept)
        patch.setattr(identities, "REPEATED", 0)
        many, few = load_identities([]), load_identities([])
        for rows in blocks:
            columns = _answering(rows)
            learn_columns(many, columns, known_ports)
            learn(few, columns.entries(), known_ports)
    assert vars(many.names) == vars(few.names)


def _answering(rows: list[tuple[int, int, int | None, int | None]]) -> EntryColumns:
    """Make entries of what they say, their connections, and when they are asked and answered."""
    count = len(rows)
    halves = [
        SpanColumns(
            np.array([row[part] is not None for row in rows], bool),
            *[np.zeros(count, np.int64)] * 4,
            *[np.array([row[part] or 0 for row in rows], np.int64)] * 2,
            np.zeros(count, np.int64),
        )
        for part in (2, 3)
    ]
    codes = np.array([row[0] for row in rows], np.int32)
    connection = np.array([row[1] for row in rows], np.int32)
    return EntryColumns("dns", _columns(None).connections, connection, *halves, {"dns_addresses": Coded(SAID, codes)})
