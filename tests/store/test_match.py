"""What sightings are recognised by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.model.stream import Endpoint
from kubeshark_mcp.store.match import (
    MATCH_FIELDS,
    client_hash,
    client_hashes,
    client_match,
    content_match,
    sequence_match,
    text_of,
)

ONE = np.array([7], np.uint64)


def numbers(*values):
    return np.array(values, np.int64)


def test_the_server_plays_no_part(make):
    leg = make.connection(1)
    other = replace(leg, server=Endpoint("10.244.0.9", 8080), capture=3, point=2, number=99)
    assert client_hash(leg) == client_hash(other)
    assert client_hash(leg) != client_hash(replace(leg, client=Endpoint("10.0.0.1", 1)))
    assert client_hash(leg) != client_hash(replace(leg, transport="udp"))


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
    first, second, third = content_match(np.repeat(ONE, 3), "dns", [("5", "a"), ("5", "a"), ("6", "a")])
    assert first == second
    assert first != third
    assert content_match(ONE, "icmp", [("5", "a")])[0] != first
    assert content_match(ONE + np.uint64(1), "dns", [("5", "a")])[0] != first


def test_values_are_written_so_that_lists_stay_apart_from_texts():
    assert [text_of(value) for value in (5, None, "a", ["a", "b"], ("a",))] == ["5", "None", "a", "a\x1eb", "a"]


def test_clients_are_hashed_many_at_once_as_one_by_one(make):
    leg = make.connection(1)
    assert client_hashes([leg, leg]).tolist() == [client_hash(leg)] * 2


def test_what_identifies_a_datagram_are_fields_of_its_protocol():
    declared = {protocol.name: {field.name for field in protocol.fields} for protocol in load_protocols()}
    for protocol, names in MATCH_FIELDS.items():
        assert set(names) <= declared[protocol], protocol
