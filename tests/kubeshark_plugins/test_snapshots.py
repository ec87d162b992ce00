"""Raw capture and snapshots of it."""

from __future__ import annotations

from fake_hub import END, START, FakeHub

from kubeshark_mcp.hub.contract import SnapshotRequest

ONE = (
    "Snapshot s1 (incident): completed\n"
    "window: 2026-11-01T13:00:00Z to 2026-11-01T13:10:00Z (10m)\n"
    "1,000 packets, 123 kB, nodes: node-a, node-b\n"
    "created: 2026-11-01T13:10:00Z\n"
    'Next: start_snapshot_dissection(snapshot_id="s1", wait=true)'
)


async def test_boundaries_name_the_window_of_each_node(ask):
    answer = await ask("get_data_boundaries")
    assert answer.text == (
        "Raw capture: 2026-11-01T13:00:00Z to 2026-11-01T13:10:00Z (10m)\n"
        "all: oldest=2026-11-01T13:00:00Z, newest=2026-11-01T13:10:00Z, packets=500\n"
        "node\nnode-a\nnode-b\n"
        "warning: 2 packets were cut (packet 7)\n"
        'Next: create_snapshot(name="incident", wait=true)'
    )


async def test_no_capture_is_said_plainly(ask):
    assert (await ask("get_data_boundaries", FakeHub(empty=True))).text == "Raw capture: no data"


async def test_a_snapshot_of_a_window_is_asked_for_as_given(ask):
    answer = await ask(
        "create_snapshot", name="x", start_time="2026-11-01T13:00:00Z", end_time=1793538600000, nodes=["node-a"]
    )
    assert answer.asked == [("create_snapshot", SnapshotRequest(name="x", start=START, end=END, nodes=["node-a"]))]
    assert answer.facts["status"] == "in_progress"
    assert answer.text.endswith('Next: get_snapshot(id="s1")')


async def test_a_snapshot_of_the_last_minutes_is_asked_for_in_seconds(ask):
    answer = await ask("create_snapshot", name="x", duration="30m")
    assert answer.asked == [("create_snapshot", SnapshotRequest(name="x", duration_seconds=1800))]


async def test_waiting_gives_the_whole_snapshot(ask):
    assert (await ask("create_snapshot", FakeHub(steps=1), name="incident", wait=True)).text == ONE


async def test_a_window_that_ends_before_it_begins_creates_nothing(ask):
    answer = await ask("create_snapshot", name="x", start_time="-1m", end_time="-2m")
    assert answer.text.startswith("start_time (")
    assert answer.asked == []


async def test_a_duration_and_a_window_together_create_nothing(ask):
    answer = await ask("create_snapshot", name="x", duration="1m", start_time="-2m")
    assert answer.text == "duration and start_time or end_time were given together; give one of them."
    assert answer.asked == []


async def test_one_snapshot_and_all_of_them(ask):
    assert (await ask("get_snapshot", id="s1")).text == ONE
    assert (await ask("list_snapshots")).text == (
        "id|name|status|start|end|nodes|packets|size|created\n"
        "s1|incident|completed|2026-11-01T13:00:00Z|2026-11-01T13:10:00Z|node-a,node-b|1000|123 kB"
        "|2026-11-01T13:10:00Z\n"
        "1 snapshots"
    )


async def test_no_snapshot_says_where_to_begin(ask):
    answer = await ask("list_snapshots", FakeHub(empty=True))
    assert answer.text == "There is no snapshot yet.\nNext: get_data_boundaries()"


async def test_deleting_gives_the_id(ask):
    answer = await ask("delete_snapshot", id="s1")
    assert answer.text == "Snapshot s1 is deleted."
    assert answer.asked == [("snapshot", "s1"), ("delete_snapshot", "s1")]


async def test_an_unknown_snapshot_is_not_deleted(ask):
    answer = await ask("delete_snapshot", id="s9")
    assert answer.is_error
    assert answer.asked == [("snapshot", "s9")]
