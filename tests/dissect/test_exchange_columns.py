"""What columns of requests and answers keep from one block to the next, and what they give back."""

from __future__ import annotations

import struct

import numpy as np

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.exchange_columns import Batch
from kubeshark_mcp.dissect.protocols.icmp import Icmp
from kubeshark_mcp.model.stream import Connection, Endpoint
from tests.dissect.datagram_building import Counter, block, sent


def hosts(number: int = 0) -> Connection:
    return Connection(number, "icmp", Endpoint("10.0.0.1", 0), Endpoint("10.0.0.2", 0))


def echo(kind: int = 8, sequence: int = 1) -> bytes:
    return struct.pack(">BBHHH", kind, 0, 0, 1, sequence) + b"abcdefgh"


def test_what_waits_is_told_when_its_connection_ends():
    reader = Icmp().columns(Settings())
    assert reader is not None
    everything = np.ones(2, bool)
    taken = reader.feed(block([sent(hosts(0), 0, echo(), 1), sent(hosts(1), 0, echo(), 2)]), everything, everything)
    assert taken.kept.tolist() == [True, True]
    assert (taken.entries, taken.returned) == (None, None)
    assert reader.close(np.array([7])) is None
    waited = reader.close(np.array([0]))
    assert waited is not None
    assert [(entry.connection.number, entry.response) for entry in waited.entries()] == [(0, None)]
    rest = reader.finish()
    assert rest is not None
    assert [entry.connection.number for entry in rest.entries()] == [1]
    assert reader.finish() is None
    assert reader.close(np.array([1])) is None


def test_what_was_held_of_a_conversation_that_turns_unusual_is_given_back():
    reader = Icmp().columns(Settings())
    assert reader is not None
    before: Counter[tuple[int, int]] = Counter()
    yes, no = np.ones(1, bool), np.zeros(1, bool)
    asked = [sent(hosts(), 0, echo(), 1), sent(hosts(), 0, echo(sequence=2), 2)]
    reader.feed(block(asked, before), yes, yes)
    reader.feed(block([sent(hosts(), 1, echo(0), 3)], before), yes, no)
    taken = reader.feed(block([sent(hosts(), 1, echo(0, sequence=9), 4)], before), yes, no)
    assert (taken.kept.tolist(), taken.entries) == ([False], None)
    assert taken.returned is not None
    [returned] = taken.returned.datagrams()
    assert returned.data == echo(sequence=2)
    assert taken.returned.before.tolist() == [[16, 16]]
    assert reader.finish() is None


def test_nothing_is_kept_of_conversations_that_are_not_offered():
    reader = Icmp().columns(Settings())
    assert reader is not None
    nobody = np.zeros(1, bool)
    taken = reader.feed(block([sent(hosts(), 0, echo(), 1)]), nobody, nobody)
    assert (taken.kept.tolist(), taken.entries, taken.returned) == ([False], None, None)


def test_a_batch_gives_numbers_in_network_order_and_connections_as_their_requesters_see_them():
    of, other = hosts(3), hosts(4)
    batch = Batch(block([sent(of, 0, b"\x01\x02", 1), sent(of, 1, b"\x03\x04", 2), sent(other, 1, b"\5\6", 3)]), None)
    rows = np.arange(3)
    assert batch.words(rows, 0).tolist() == [0x102, 0x304, 0x506]
    connections, codes = batch.asked_by(rows)
    made = [connections.connections()[code] for code in codes.tolist()]
    turned = (Endpoint("10.0.0.2", 0), Endpoint("10.0.0.1", 0))
    assert made[0] == of
    assert [(one.number, one.client, one.server) for one in made[1:]] == [(3, *turned), (4, *turned)]
    assert batch.spans(np.array([1, -1])).spans() == [sent(of, 1, b"\x03\x04", 2).span, None]
