"""The pods' own logs: cut to the window, by app, narrowed step by step."""

from __future__ import annotations

import json

import pytest

from evals.lab.logs import Logs


@pytest.fixture
def logs(tmp_path):
    def write(pod, *rows):
        (tmp_path / f"{pod}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def call(t, protocol="http", seconds=0.1, **more):
        return {"t": t, "end": t + seconds, "protocol": protocol, **more}

    write("cart-1", call(5, status=200), call(12, status=503, url="/a"), call(11, "redis", status="ok"))
    write("cart-2", call(10, status=503, url="/b", seconds=2))
    write("front-1", call(12, status=503, upstream_status="503"))
    write("dns-1", call(12, "dns", rcode=3))
    write("prober-node-a", call(13, status=200))
    apps = {"cart-1": "cart", "cart-2": "cart", "front-1": "front", "dns-1": "dns"}
    return Logs(tmp_path, apps, 10, 20, fault=11.5)


def test_calls_outside_the_window_are_left_out_and_pods_of_an_app_are_one(logs):
    assert [(row["pod"], row["t"]) for row in logs.of("cart")] == [("cart-2", 10), ("cart-1", 11), ("cart-1", 12)]


def test_calls_are_narrowed_by_value_pattern_and_duration(logs):
    calls = logs.of("cart", "http").where(status=503)
    assert len(calls) == 2
    assert [row["pod"] for row in calls.matching(url="^/b")] == ["cart-2"]
    assert [row["pod"] for row in calls.longer_than(1)] == ["cart-2"]
    assert [row["pod"] for row in calls.that(lambda row: row["t"] > logs.fault)] == ["cart-1"]


def test_all_calls_are_counted_once_by_their_callers(logs):
    assert sorted(row["pod"] for row in logs.all("http")) == ["cart-1", "cart-2", "prober-node-a"]
    assert len(logs.all("dns")) == 0


def test_the_first_of_none_is_told(logs):
    assert logs.of("cart").first == 10
    with pytest.raises(ValueError, match="No such call"):
        _ = logs.of("nobody").first
