"""What sightings are recognised by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.model.stream import Endpoint
from kubeshark_mcp.store.match import MATCH_FIELDS, client_hash, client_match, content_match, sequence_match

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


def test_datagrams_match_by_the_fields_that_identify_them_else_by_what_they_say(make):
    entry = make.http(make.connection(), fields={"dns_id": 5, "dns_questions": ["a", "b"], "dns_answers": ["x"]})
    names = ("dns_id", "dns_questions")
    same = replace(entry, fields={**entry.fields, "dns_answers": []}, summary="other")
    other = replace(entry, fields={**entry.fields, "dns_id": 6})
    first, second, third = (content_match(ONE, "dns", [each], names)[0] for each in (entry, same, other))
    assert first == second
    assert first != third
    by_text = content_match(np.array([7, 7], np.uint64), "icmp", [entry, same], None)
    assert by_text[0] != by_text[1]
    lone = replace(entry, request=None)
    assert content_match(ONE, "icmp", [lone], None)[0] != by_text[0]


def test_what_identifies_a_datagram_are_fields_of_its_protocol():
    declared = {protocol.name: {field.name for field in protocol.fields} for protocol in load_protocols()}
    for protocol, names in MATCH_FIELDS.items():
        assert set(names) <= declared[protocol], protocol
