"""join_sightings: a call seen at several places is one entry; two calls never become one."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Endpoint, Span
from kubeshark_mcp.store.files import read_manifest
from kubeshark_mcp.store.query import EntrySource, Query
from kubeshark_mcp.store.sightings import JoinStats, join_sightings

CLIENT = Endpoint("10.244.1.5", 40001)
SERVICE = Endpoint("10.96.0.20", 80)
POD = Endpoint("10.244.2.7", 8080)
NODES = ("node-a", "node-b")


def seen_at(place, make, number=0, offset=0, at_ms=0.0, elapsed_ms=5.0, **changes):
    """One call as seen at a place: (capture, point, server). Both captures number their connections themselves."""
    capture, point, server = place
    where = make.connection(
        number * 4 + point,
        capture=capture,
        point=point,
        server=server,
        client=replace(CLIENT, port=CLIENT.port + number),
        client_sequence=4_294_967_000 + number * 1_000_003,
        server_sequence=77 + number,
    )
    return make.http(where, at_ms=at_ms, elapsed_ms=elapsed_ms, offset=offset, **changes)


def places(connection, time_ns):
    """Node a holds the client, node b the server; a service's address tells the service, a pod's the pod."""
    known = {
        "node_name": NODES[connection.capture],
        "local_node_name": NODES[0],
        "src.pod.name": "web-0",
        "src.name": "web-0",
        "conn_id": connection.capture * 1000 + connection.number,
        "capture": {"file": f"{NODES[connection.capture]}.pcap"},
    }
    if connection.server == SERVICE:
        return known | {"dst.service.name": "cart", "services": ["cart"], "dst.name": "cart"}
    return known | {"dst.pod.name": "cart-0", "dst.name": "cart-0", "pods": ["cart-0"], "remote_node_name": NODES[1]}


AT_CLIENT = (0, 0, SERVICE)
AT_SERVER = (1, 0, POD)
AT_BRIDGE = (0, 1, POD)
EVERYWHERE = (AT_CLIENT, AT_BRIDGE, AT_SERVER)


def test_a_call_seen_on_both_nodes_is_one_row_that_knows_service_and_pod(write, make):
    client = seen_at(AT_CLIENT, make, at_ms=100, elapsed_ms=9, packet=10)
    server = seen_at(AT_SERVER, make, at_ms=90, elapsed_ms=4, packet=70)
    folder = write([client, server], places)
    assert join_sightings(folder) == JoinStats({"http": 1}, calls=1, sightings=2)
    source = EntrySource([folder])
    [row] = source.page(Query()).rows
    chosen = ("timestamp", "elapsed_time", "dst.ip", "dst.port", "dst.service.name", "dst.pod.name", "dst.name")
    assert {name: row[name] for name in (*chosen, "src.pod.name", "sightings", "pods", "services")} == {
        "timestamp": make.START + 100 * make.MS,
        "elapsed_time": 9000,
        "dst.ip": POD.address,
        "dst.port": POD.port,
        "dst.service.name": "cart",
        "dst.pod.name": "cart-0",
        "dst.name": "cart-0",
        "src.pod.name": "web-0",
        "sightings": 2,
        "pods": ["cart-0"],
        "services": ["cart"],
    }
    assert json.loads(row["_sightings"]) == [
        {
            "id": row["id"],
            "node": "node-a",
            "file": "node-a.pcap",
            "point": 0,
            "server": "10.96.0.20:80",
            "packets": {"request": [10, 10], "response": [11, 12]},
            "time": make.START + 100 * make.MS,
            "elapsed_us": 9000,
        },
        {
            "id": 1,
            "node": "node-b",
            "file": "node-b.pcap",
            "point": 0,
            "server": "10.244.2.7:8080",
            "packets": {"request": [70, 70], "response": [71, 72]},
            "time": make.START + 90 * make.MS,
            "elapsed_us": 4000,
        },
    ]


def test_duplicates_are_shown_apart_on_request_and_say_where_they_went(write, make):
    folder = write([seen_at(place, make, response_body=b"body") for place in EVERYWHERE], places)
    join_sightings(folder)
    apart = EntrySource([folder], keep_duplicates=True).page(Query())
    [one] = EntrySource([folder]).page(Query()).rows
    assert apart.total == 3
    assert sorted(row.get("_joined_into", row["id"]) for row in apart.rows) == [one["id"]] * 3
    joined = EntrySource([folder])
    assert {joined.get(row["id"])["id"] for row in apart.rows} == {one["id"]}
    assert {joined.bodies(row["id"]) for row in apart.rows} == {(b"", b"body")}


def test_the_most_complete_sighting_gives_the_row(write, make):
    unanswered = seen_at(AT_CLIENT, make, elapsed_ms=None)
    cut = seen_at(AT_BRIDGE, make, malformed="cut at byte 12")
    whole = seen_at(AT_SERVER, make, packet=50)
    folder = write([unanswered, cut, whole], places)
    join_sightings(folder)
    [row] = EntrySource([folder]).page(Query()).rows
    assert (row["answered"], row.get("malformed"), row["_request_first"], row["elapsed_time"]) == (True, None, 50, 5000)
    assert row["sightings"] == 3


def test_a_request_that_is_sent_again_stays_two_calls(write, make):
    lookups = []
    for at_ms in (0, 3000):
        for place in (AT_CLIENT, AT_SERVER):
            entry = seen_at(place, make, at_ms=at_ms)
            lookups.append(_as_dns(entry, "api.example.com", 7))
    folder = write(lookups, places)
    assert join_sightings(folder) == JoinStats({"dns": 2}, calls=2, sightings=4)


def test_the_same_question_to_two_servers_stays_two_calls(write, make):
    one = _as_dns(seen_at((0, 0, Endpoint("8.8.8.8", 53)), make), "example.com", 9)
    two = _as_dns(seen_at((0, 1, Endpoint("9.9.9.9", 53)), make), "example.com", 9)
    folder = write([one, two], lambda connection, time_ns: {})
    assert join_sightings(folder) == JoinStats({"dns": 2})


def test_a_datagram_to_a_service_joins_the_one_to_its_pod(write, make):
    folder = write([_as_dns(seen_at(place, make), "example.com", 9) for place in EVERYWHERE], places)
    assert join_sightings(folder) == JoinStats({"dns": 1}, calls=1, sightings=3)


def _as_dns(entry: Entry, question: str, number: int) -> Entry:
    where = replace(entry.connection, transport="udp", client_sequence=-1, server_sequence=-1)
    fields = {"dns": True, "dns_id": number, "dns_questions": [question]}
    return replace(entry, protocol="dns", connection=where, fields=fields)


def test_rows_at_one_place_or_further_apart_than_the_clocks_are_not_joined(write, make):
    same_place = [seen_at(AT_CLIENT, make), seen_at(AT_CLIENT, make)]
    assert join_sightings(write(same_place, places, "same")) == JoinStats({"http": 2})
    far = [seen_at(AT_CLIENT, make), seen_at(AT_SERVER, make, at_ms=11_000)]
    assert join_sightings(write(far, places, "far")) == JoinStats({"http": 2})
    assert join_sightings(write(far, places, "wide"), tolerance_ns=12 * 10**9).calls == 1


def test_a_response_alone_joins_the_call_that_it_answers(write, make):
    whole = seen_at(AT_CLIENT, make, offset=300)
    lone = replace(seen_at(AT_SERVER, make, offset=300), request=None)
    folder = write([whole, lone], places)
    assert join_sightings(folder) == JoinStats({"http": 1}, calls=1, sightings=2)


def test_a_call_seen_once_knows_what_its_connection_knows(write, make):
    both = [seen_at(AT_CLIENT, make), seen_at(AT_SERVER, make)]
    once = seen_at(AT_CLIENT, make, offset=500, at_ms=50)
    folder = write([*both, once], places)
    assert join_sightings(folder).protocol_counts == {"http": 2}
    rows = EntrySource([folder]).page(Query()).rows
    assert [(row["dst.pod.name"], row["dst.service.name"], row["sightings"]) for row in rows] == [
        ("cart-0", "cart", 2),
        ("cart-0", "cart", 1),
    ]


def _tcp_conn(entry: Entry, packets: int, length: int = 1000, seconds: int = 60) -> Entry:
    start = entry.start_ns
    span = Span(0, length, 1, packets, start, start + seconds * 10**9)
    return replace(
        entry,
        protocol="tcp_conn",
        request=span,
        response=span,
        fields={"tcp_conn": True, "conn_local_bytes": length, "conn_local_pkts": packets},
    )


def test_connections_join_also_when_one_place_missed_their_beginning(write, make):
    whole = _tcp_conn(seen_at(AT_CLIENT, make), packets=20)
    middle = _tcp_conn(seen_at(AT_SERVER, make, at_ms=500), packets=15)
    middle = replace(
        middle, connection=replace(middle.connection, client_sequence=(4_294_967_000 + 400) % 2**32, from_start=False)
    )
    call = seen_at(AT_SERVER, make, at_ms=900)
    folder = write([whole, middle, call], places)
    assert join_sightings(folder) == JoinStats({"http": 1, "tcp_conn": 1}, calls=1, sightings=2)
    rows = EntrySource([folder]).page(Query()).rows
    assert {row["conn_id"] for row in rows} == {0}
    assert [row["conn_local_pkts"] for row in rows if row["protocol"] == "tcp_conn"] == [20]


def test_connections_from_one_port_with_other_sequence_numbers_stay_apart(write, make):
    first = _tcp_conn(seen_at(AT_CLIENT, make), packets=20)
    second = _tcp_conn(seen_at(AT_SERVER, make), packets=20)
    second = replace(second, connection=replace(second.connection, client_sequence=2_000_000_000))
    assert join_sightings(write([first, second], places)) == JoinStats({"tcp_conn": 2})


def test_an_empty_folder_and_one_place_have_nothing_to_join(write, make, tmp_path):
    (tmp_path / "none").mkdir()
    assert join_sightings(tmp_path / "none") == JoinStats()
    folder = write([seen_at(AT_CLIENT, make, number=n) for n in range(5)], places)
    assert join_sightings(folder) == JoinStats({"http": 5})
    assert sorted(path.name for path in folder.iterdir()) == ["entries.json", "http-0-000.parquet"]
    assert read_manifest(folder)["protocol_counts"] == {"http": 5}


def test_joining_again_gives_the_same(write, make):
    folder = write([seen_at(place, make, number=n) for n in range(3) for place in EVERYWHERE], places)
    assert join_sightings(folder) == join_sightings(folder) == JoinStats({"http": 3}, calls=3, sightings=9)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.sampled_from(["tcp", "udp"]))
def test_any_sightings_of_calls_give_one_entry_a_call(write, make, tmp_path_factory, rng: random.Random, transport):
    entries, expected = [], 0
    for number in range(8):
        for call in range(10):
            sample = rng.sample(EVERYWHERE, rng.randint(1, 3))
            expected += 1
            skew = {place[0]: rng.uniform(-4000, 4000) for place in sample}
            for place in sample:
                entry = seen_at(place, make, number, call * 400, call * 20 + skew[place[0]], rng.choice([None, 3.0]))
                entries.append(entry if transport == "tcp" else _as_dns(entry, f"{call}.example.com", call))
    rng.shuffle(entries)
    folder = write(entries, places, tmp_path_factory.mktemp("property"))
    stats = join_sightings(folder)
    source = EntrySource([folder])
    assert sum(stats.protocol_counts.values()) == expected
    assert sum(row["sightings"] for row in source.page(Query(), 1000).rows) == len(entries)
    assert EntrySource([folder], keep_duplicates=True).page(Query(), 1000).total == len(entries)


@pytest.mark.parametrize("count", [2, 50])
def test_flows_count_what_joined_connections_sent_once(write, make, count):
    entries = []
    for n in range(count):
        client = _tcp_conn(seen_at(AT_CLIENT, make, number=n), packets=20)
        server = _tcp_conn(seen_at(AT_SERVER, make, number=n), packets=20)
        entries += [client, server]
    for place in (AT_CLIENT, AT_SERVER):
        flow = seen_at(place, make)
        fields = {"tcp_flow": True, "flow_local_bytes": 1000 * count}
        entries.append(replace(flow, protocol="tcp_flow", fields=fields))

    def with_flow(connection, time_ns):
        return {**places(connection, time_ns), "flow_id": 1 if connection.server == SERVICE else 2}

    folder = write(entries, with_flow)
    stats = join_sightings(folder)
    [flow] = EntrySource([folder]).page(Query("protocol = 'tcp_flow'")).rows
    assert stats.protocol_counts == {"tcp_conn": count, "tcp_flow": 1}
    assert (flow["flow_id"], flow["flow_local_bytes"]) == (2, 1000 * count)
    assert isinstance(flow["flow_local_bytes"], int)
