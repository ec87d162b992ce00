"""What sightings are recognised by."""

from __future__ import annotations

import numpy as np

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.store.hashing import value_hashes
from kubeshark_mcp.store.match import (
    MATCH_FIELDS,
    client_hashes,
    client_match,
    content_match,
    host_hashes,
    sequence_match,
)

ONE = np.array([7], np.uint64)


def numbers(*values):
    return np.array(values, np.int64)


def test_a_client_is_its_transport_address_and_port():
    one, two, other = host_hashes("tcp", ["10.0.0.1", "10.0.0.2"]).tolist() + host_hashes("udp", ["10.0.0.1"]).tolist()
    hosts = np.array([one, one, one, two, other], np.uint64)
    clients = client_hashes(hosts, numbers(4000, 4000, 4001, 4000, 4000)).tolist()
    assert clients[0] == clients[1]
    assert len(set(clients)) == 4


def test_the_same_absolute_sequence_number_matches_whatever_the_offset():
    whole = sequence_match(ONE, "http", numbers(4_294_967_290), numbers(10))
    middle = sequence_match(ONE, "http", numbers(0), numbers(4))
    assert whole == middle
    assert sequence_match(ONE, "http", numbers(0), numbers(5)) != middle
    assert sequence_match(ONE, "redis", numbers(0), numbers(4)) != middle


def test_matches_are_positive_and_scattered():
    many = sequence_match(np.zeros(10_000, np.uint64), "http", np.arange(10_000), np.zeros(10_000, np.int64))
    assert many.min() >= 0
    assert len(set(many.tolist())) == 10_000
    assert client_match(ONE, "tcp_conn") != client_match(ONE, "udp_conn")


def test_what_has_no_sequence_number_matches_by_what_it_says():
    contents = [value_hashes([5, 5, 6]), value_hashes(["a", "a", "a"])]
    first, second, third = content_match(np.repeat(ONE, 3), "dns", contents)
    assert first == second
    assert first != third
    assert content_match(np.repeat(ONE, 3), "icmp", contents)[0] != first
    assert content_match(np.repeat(ONE, 3), "dns", contents[::-1])[0] != first
    assert content_match(np.repeat(ONE, 3) + np.uint64(1), "dns", contents)[0] != first


def test_what_identifies_a_datagram_are_fields_of_its_protocol():
    declared = {protocol.name: {field.name for field in protocol.fields} for protocol in load_protocols()}
    for protocol, names in MATCH_FIELDS.items():
        assert set(names) <= declared[protocol], protocol
