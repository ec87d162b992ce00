"""Calls and connections as tables."""

from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from kubeshark_mcp.store.coded import Coded, files_of
from kubeshark_mcp.store.tables import load_calls, load_connections

LABELS = {"app": "basket", "k8s-app": "old"}
POD = {"pod.namespace": "s", "pod.name": "cart-1"}
ENDS = [
    ({"service.namespace": "s", "service.name": "shop"} | POD, "s/shop", "s/cart-1"),
    ({"service.name": "cart"}, "10.0.0.1", ""),
    ({"pod.namespace": "s", "pod.name": "cart-7d9f8b6c5d-abcde"}, "s/cart", "s/cart-7d9f8b6c5d-abcde"),
    ({"pod.namespace": "s", "pod.name": "db-12"}, "s/db", "s/db-12"),
    ({"pod.namespace": "s", "pod.name": "agent-x2x4z"}, "s/agent", "s/agent-x2x4z"),
    ({"pod.namespace": "s", "pod.name": "cart-1", "labels": LABELS}, "s/basket", "s/cart-1"),
    ({"pod.namespace": "s", "pod.name": "cart-1", "labels": {"other": "x"}}, "s/cart", "s/cart-1"),
    ({"pod.name": "cart-1", "dns": "cart.example"}, "cart.example", ""),
    ({"namespace": "s", "name": "node-a"}, "s/node-a", ""),
    ({"name": "node-a"}, "/node-a", ""),
    ({"dns": "rates.example.net"}, "rates.example.net", ""),
    ({}, "10.0.0.1", ""),
]  # fmt: skip
"""What is known of an end, its label, and its pod."""


def plain(table):
    return {
        name: [column.values[code] for code in column.codes] if isinstance(column, Coded) else column.tolist()
        for name, column in table.items()
    }


def known(number):
    told, _, _ = ENDS[number % len(ENDS)]
    sides = {"src": "local_labels", "dst": "remote_labels"}
    return {
        (labels if name == "labels" else f"{side}.{name}"): value
        for side, labels in sides.items()
        for name, value in told.items()
    }


def test_an_end_is_named_by_service_labels_pod_name_or_address(write, make):
    calls = [make.http(make.connection(number), at_ms=number) for number in range(len(ENDS))]
    folder = write(calls, lambda where, time_ns=0: known(where.number))
    found = plain(load_calls(files_of(folder, False)))
    assert found["client"] == [label for _, label, _ in ENDS]
    assert found["client_pod"] == found["server_pod"] == [pod for _, _, pod in ENDS]
    assert found["server"] == [label.replace("10.0.0.1", "10.96.0.9") for _, label, _ in ENDS]
    inside = [label.startswith(("s/", "/")) for _, label, _ in ENDS]
    assert found["outside"] == [not one for one in inside]


def test_a_call_is_a_row_with_all_its_columns(write, make):
    folder = write([make.http(make.connection(3), at_ms=2), make.http(make.connection(4), 5, None)])
    first, second = (
        {name: column[row] for name, column in plain(load_calls(files_of(folder, False))).items()} for row in (0, 1)
    )
    assert first.pop("connection") != second.pop("connection")
    assert first == {
        "id": 1, "start_ns": make.START + 2 * make.MS, "elapsed_us": 5000, "answered": True, "failed": False,
        "server_port": 80, "request_bytes": 100, "response_bytes": 200, "outside": True, "protocol": "http",
        "client_address": "10.0.0.1", "server_address": "10.96.0.9", "endpoint": "GET /orders", "status": "200",
        "node": "node-0", "client": "10.0.0.1", "server": "10.96.0.9", "client_pod": "", "server_pod": "",
    }  # fmt: skip
    unanswered = {"elapsed_us": -1, "answered": False, "response_bytes": 0, "status": ""}
    assert second == first | unanswered | {"id": 2, "start_ns": make.START + 5 * make.MS}


def test_rows_of_several_protocols_and_groups_come_in_order_of_time_and_id(write, make):
    times = [7, 3, 3, 9, 1, 3]
    calls = [make.http(make.connection(number), at_ms=at) for number, at in enumerate(times)]
    calls[2] = Entry("dns", calls[2].connection, calls[2].request, None, {"dns": True}, "A x", "", False)
    folder = write(calls, batch=2)
    found = plain(load_calls(files_of(folder, False)))
    order = sorted(range(6), key=lambda row: (found["start_ns"][row], found["id"][row]))
    assert order == list(range(6))
    assert [(start - make.START) // make.MS for start in found["start_ns"]] == sorted(times)
    assert sorted(found["protocol"]) == ["dns", *["http"] * 5]


def test_a_window_has_both_its_ends(write, make):
    folder = write([make.http(make.connection(), at_ms=at) for at in range(5)])
    found = load_calls(files_of(folder, False), (make.START + make.MS, make.START + 3 * make.MS))
    assert plain(found)["start_ns"] == [make.START + at * make.MS for at in (1, 2, 3)]


def test_connections_have_their_counters_and_what_stands_for_none(write, make):
    span = Span(0, 0, 1, 1, make.START, make.START)
    fields = {"conn": True, "tcp_conn": True, "conn_state": "refused", "conn_local_bytes": 7}
    udp = make.connection(1, transport="udp")
    entries = [
        Entry("tcp_conn", make.connection(), span, None, fields, "", "", False),
        Entry("udp_conn", udp, span, None, {"conn": True, "udp_conn": True}, "", "", False),
        Entry("tcp_flow", make.connection(2), span, None, {"flow": True}, "", "", False),
        make.http(make.connection()),
    ]  # fmt: skip
    found = plain(load_connections(files_of(write(entries), False)))
    assert found["transport"] == ["tcp", "udp"]
    assert found["state"] == ["refused", ""]
    assert (found["bytes_out"], found["bytes_in"], found["handshake_us"]) == ([7, 0], [0, 0], [-1, -1])
    assert (found["client_port"], found["sightings"]) == ([40000, 40001], [1, 1])


def test_texts_take_one_byte_a_row_while_they_are_few(write, make):
    calls = [make.http(make.connection(number % 300), at_ms=number, path=f"/{number}x") for number in range(300)]
    found = load_calls(files_of(write(calls), False))
    kinds = {name: column.codes.dtype for name, column in found.items() if isinstance(column, Coded)}
    assert kinds["protocol"] == np.int8
    assert len(found["endpoint"].values) < 128 or kinds["endpoint"] == np.int16


def test_without_entries_every_column_is_there_and_empty():
    for load in (load_calls, load_connections):
        assert {len(column) for column in plain(load({})).values()} == {0}


def test_a_file_that_is_no_parquet_is_told_in_a_sentence(tmp_path):
    path = tmp_path / "http-0-000.parquet"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(StoreError, match="dissect the captures again"):
        load_calls({"http": [path]})
    with pytest.raises(StoreError, match="does not exist"):
        load_calls({"http": [tmp_path / "gone.parquet"]})
