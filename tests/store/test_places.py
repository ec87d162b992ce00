"""What connections that come one by one tell of the rows of a batch."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import replace

import numpy as np
import pytest

from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.model.stream import Endpoint
from kubeshark_mcp.store.places import ConnectionPlaces, connection_key, nearness, server_kind, server_text

TIMES = np.array([5, 6, 7], np.int64)


def test_a_row_tells_what_its_connection_and_the_place_of_it_say(make):
    one, two = make.connection(1), make.connection(2, transport="udp", server=Endpoint("fd00::1", 53))
    common = {"node_name": "a", "local_node_name": "a"}

    def place(connection, time_ns):
        return ChainMap({"stream": str(connection.number), "conn_id": time_ns}, common)

    places = ConnectionPlaces.of_rows([one, two, one], TIMES, place)
    assert places.codes.tolist() == [0, 1, 0]
    assert list(places.shared) == [common]
    assert places.told("stream", FieldType.STRING).to_pylist() == ["1", "2", "1"]
    assert places.told("node_name", FieldType.STRING).to_pylist() == ["a"] * 3
    assert places.told("absent", FieldType.STRING).null_count == 3
    assert [places.knows(name) for name in ("stream", "node_name", "absent")] == [True, True, False]
    assert places.fact("conn_id").to_pylist() == [5, 6, 5]
    assert places.fact("_connection").to_pylist() == [connection_key(c) for c in (one, two, one)]
    assert places.fact("_server").to_pylist() == ["10.96.0.9:80", "[fd00::1]:53", "10.96.0.9:80"]
    assert places.derived("_near", nearness, FieldType.INT).to_pylist() == [0, 0, 0]
    assert places.over_tcp().tolist() == [True, False, True]
    assert [part.tolist() for part in places.sequences()] == [[2000, 3000, 2000], [18000, 27000, 18000]]


def test_places_need_not_tell_the_same_of_all(make):
    one, two = make.connection(1), make.connection(2)
    told = {1: {"src.ip": "1.2.3.4", "dst.pod.name": "cart-0"}, 2: {}}
    places = ConnectionPlaces.of_rows([one, two], TIMES[:2], lambda connection, time_ns: told[connection.number])
    assert places.fact("src.ip").to_pylist() == ["1.2.3.4", "10.0.0.1"]
    assert places.told("dst.pod.name", FieldType.STRING).to_pylist() == ["cart-0", None]
    assert places.derived("_server_kind", server_kind, FieldType.STRING).to_pylist() == ["pod", ""]


def test_the_server_plays_no_part_in_the_hash_of_a_client(make):
    one = make.connection(1)
    other = replace(one, server=Endpoint("10.244.0.9", 8080), capture=3, point=2, number=99)
    rows = [one, other, replace(one, client=Endpoint("10.0.0.1", 1)), replace(one, transport="udp")]
    hashes = ConnectionPlaces.of_rows(rows, np.arange(4), make.place).client_hashes().tolist()
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3


@pytest.mark.parametrize(
    ("place", "near", "kind"),
    [
        ({"node_name": "a", "local_node_name": "a", "dst.pod.name": "cart-0", "dst.service.name": "cart"}, 0, "pod"),
        ({"node_name": "b", "local_node_name": "a", "remote_node_name": "b", "dst.service.name": "c"}, 2, "service"),
        ({"node_name": "c", "dst.service.name": "cart", "dst.pod.name": "cart"}, 1, "service"),
        ({}, 1, ""),
    ],
)
def test_nearness_and_the_kind_of_server_follow_from_a_place(place, near, kind):
    assert (nearness(place), server_kind(place)) == (near, kind)


def test_an_endpoint_is_written_as_people_do():
    assert [server_text("10.0.0.1", 80), server_text("fd00::1", 443)] == ["10.0.0.1:80", "[fd00::1]:443"]
