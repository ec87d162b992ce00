"""What sightings know together."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.stream import Endpoint
from kubeshark_mcp.store.query import EntrySource, Query
from kubeshark_mcp.store.sightings import join_sightings

SERVICE, POD = Endpoint("10.96.0.1", 80), Endpoint("10.244.0.9", 8080)


@pytest.fixture
def joined(write, make):
    """Join one call seen with each of these places; give its row."""

    def _joined(*known):
        client = Endpoint("10.0.0.1", 5)
        entries = []
        for n in range(len(known)):
            server = SERVICE if n == 0 else POD
            where = make.connection(n, capture=n, client=client, client_sequence=1, server=server)
            entries.append(make.http(where))
        folder = write(entries, lambda connection, time_ns: known[connection.capture])
        join_sightings(folder)
        [row] = EntrySource([folder]).page(Query()).rows
        return row

    return _joined


def test_the_client_is_taken_whole_from_the_sighting_that_knows_most(joined):
    row = joined(
        {"src.name": "edge", "src.dns": "edge.example", "local_labels": {"from": "dns"}},
        {"src.pod.name": "web-0", "src.name": "web-0", "local_labels": {"app": "web"}},
    )
    assert (row["src.pod.name"], row["src.name"], row["local_labels"]) == ("web-0", "web-0", {"app": "web"})
    assert "src.dns" not in row


def test_the_server_is_the_pod_and_the_service_is_that_of_the_service_leg(joined):
    row = joined(
        {"dst.service.name": "cart", "dst.service.namespace": "shop", "dst.name": "cart"},
        {"dst.service.name": "cart-headless", "dst.pod.name": "cart-0", "dst.name": "cart-0", "remote_node_name": "b"},
    )
    told = {name: row.get(name) for name in ("dst.ip", "dst.port", "dst.name", "dst.service.name", "remote_node_name")}
    assert told == {
        "dst.ip": POD.address,
        "dst.port": POD.port,
        "dst.name": "cart-0",
        "dst.service.name": "cart",
        "remote_node_name": "b",
    }


def test_without_any_identity_the_address_behind_the_translation_is_the_farthest_from_the_client(joined):
    row = joined({"_near": 0}, {"_near": 2})
    assert (row["dst.ip"], row["dst.port"]) == (POD.address, POD.port)


def test_lists_are_united(joined):
    row = joined({"namespaces": ["edge", "shop"], "pods": ["web-0"]}, {"namespaces": ["shop"], "pods": ["cart-0"]})
    assert (row["namespaces"], row["pods"]) == (["edge", "shop"], ["cart-0", "web-0"])
    assert "services" not in row


def test_connections_that_are_linked_in_a_chain_are_one(write, make):
    """Call 1 was seen at a and b, call 2 at b and c: all three connections get one identity."""

    def seen(capture, offset):
        where = make.connection(number=capture, capture=capture, client=Endpoint("10.0.0.1", 5), client_sequence=1)
        return make.http(where, offset=offset, at_ms=offset)

    known = [{"dst.pod.name": "cart-0"}, {}, {"src.pod.name": "web-0"}]
    folder = write(
        [seen(0, 0), seen(1, 0), seen(1, 100), seen(2, 100), seen(0, 200)],
        lambda connection, time_ns: known[connection.capture],
    )
    join_sightings(folder)
    rows = EntrySource([folder]).page(Query()).rows
    assert [(row.get("src.pod.name"), row.get("dst.pod.name")) for row in rows] == [("web-0", "cart-0")] * 3
