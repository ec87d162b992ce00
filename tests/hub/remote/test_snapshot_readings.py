"""A Hub's JSON about snapshots, dissections, databases and workloads, as the contract's shapes."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import HubError, KubesharkError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.remote import snapshot_readings as s
from kubeshark_mcp.hub.remote.reading import reading

MS = 1793534400000
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 1, 12, 10, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "nodes", "name", "stats", "ips", "cluster", "status", "snapshots", "path"]), inner
        )
    ),
    max_leaves=15,
)


def test_boundaries_come_from_the_nodes_where_the_whole_says_nothing():
    found = s.boundaries(
        {"cluster": {}, "nodes": {"b": {"oldest_ts": MS, "newest_ts": MS + 1000}, "a": {"oldest_ts": MS + 1}},
         "dissection_enabled": False},
        "t",
    )  # fmt: skip
    assert (found.oldest, found.dissection_enabled) == (NOON, False)
    assert [node.name for node in found.nodes] == ["a", "b"]


def test_boundaries_without_data_are_empty():
    found = s.boundaries({"cluster": {"oldest_ts": 0, "newest_ts": 0}, "nodes": []}, "t")
    assert found == c.Boundaries(oldest=None, newest=None)


def test_a_snapshot_is_read_and_filled_from_what_was_asked():
    asked = c.SnapshotRequest(name="incident", start=NOON, end=LATER)
    found = s.snapshot({"success": True, "id": "s1", "status": "in_progress"}, "t", asked)
    assert (found.id, found.name, found.status, found.start, found.end) == (
        "s1", "incident", c.JobStatus.IN_PROGRESS, NOON, LATER,
    )  # fmt: skip
    named = s.snapshot({"snapshot": {"id": 7, "node_count": 3, "created_at": "2026-11-01T12:00:00Z"}}, "t")
    assert (named.id, named.created_at, named.warnings) == ("7", NOON, ["3 nodes, which this Hub does not name"])


def test_snapshots_are_listed_newest_first():
    answer = {"snapshots": [{"id": "old", "created_at": MS}, {"id": "new", "created_at": MS + 5}]}
    assert [one.id for one in s.snapshots(answer)] == ["new", "old"]


@pytest.mark.parametrize(
    ("answer", "path"),
    [("/mcp/snapshots/s/pcap", "/mcp/snapshots/s/pcap"), ({"path": "/p", "packets": 3}, "/p"), ({"url": "/u"}, "/u")],
)
def test_an_export_is_a_path_in_any_form(answer, path):
    assert s.export(answer).path == path


def test_a_dissection_is_read():
    found = s.dissection(
        {"name": "d", "status": "running", "progress": 250, "errors": [{"message": "bad"}],
         "stats": {"entries_created": 5, "protocol_counts": {"http": 5}, "unknown": 1}},
        "t",
        "s1",
    )  # fmt: skip
    stats = c.DissectionStats(entries_created=5, protocol_counts={"http": 5})
    assert found == c.Dissection(
        snapshot="s1", name="d", status=c.JobStatus.RUNNING, progress=100, stats=stats, errors=["bad"]
    )


def test_databases_are_read():
    answer = {"databases": [{"type": "realtime", "node": "n1", "entry_count": 5, "first_ts": MS}]}
    assert s.databases(answer) == [c.Database(type="realtime", node="n1", entry_count=5, first=NOON)]


def test_workloads_and_addresses_are_read_as_a_list_or_alone():
    one = {"name": "web", "namespace": "shop", "kind": "pod", "ips": ["10.0.0.1", {"ip": "10.0.0.2", "timestamp": MS}]}
    ips = [c.AddressRecord(ip="10.0.0.1"), c.AddressRecord(ip="10.0.0.2", timestamp=NOON)]
    expected = [c.WorkloadRecord(name="web", namespace="shop", kind="pod", ips=ips)]
    assert s.workloads({"workloads": [one]}) == s.workloads(one) == expected
    owner = {"ip": "10.0.0.1", "records": [{"name": "web", "namespace": "shop"}]}
    owners = [c.AddressEntry(ip="10.0.0.1", records=[c.AddressOwner(name="web", namespace="shop")])]
    assert s.addresses({"ips": [owner]}) == s.addresses(owner) == owners


def test_what_did_not_succeed_says_so():
    assert s.done({"success": True, "id": "s1"}, "t", "x") == c.Deleted(success=True, id="s1")
    assert s.done(None, "t", "x") == c.Deleted(success=True, id="x")
    with pytest.raises(HubError, match="did not succeed: in use"):
        s.done({"success": False, "error": "in use"}, "t", "x")


@given(JSON)
def test_any_json_is_read_or_refused_with_a_sentence(answer):
    for read in (
        lambda: s.boundaries(answer, "t"),
        lambda: s.snapshot(answer, "t"),
        lambda: s.snapshots(answer),
        lambda: s.export(answer),
        lambda: s.dissection(answer, "t"),
        lambda: s.dissections(answer),
        lambda: s.databases(answer),
        lambda: s.workloads(answer),
        lambda: s.addresses(answer),
        lambda: s.done(answer, "t", "x"),
    ):
        with contextlib.suppress(KubesharkError), reading("t", answer):
            assert read() is not None
