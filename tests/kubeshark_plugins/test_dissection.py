"""Dissections: jobs, their state, and the databases they made."""

from __future__ import annotations

from fake_hub import FakeHub

DONE = (
    "Dissection main of snapshot s1: completed, 100 %\n"
    "1,000 packets of 2 files (123 kB), 42 entries\n"
    "http 40, dns 2\n"
    'Next: get_api_stats(db="s1/main", group_by="endpoint")'
)


async def test_the_dissected_window_and_the_switch(ask):
    assert (await ask("get_l7_data_boundaries")).text.startswith(
        "Dissected: 2026-11-01T13:00:00Z to 2026-11-01T13:10:00Z (10m)\nDissection of new capture is on.\n"
    )
    assert (await ask("get_l7_data_boundaries", FakeHub(empty=True))).text == (
        "Dissected: no data\nDissection of new capture is off.\nTo dissect a snapshot, find it first: list_snapshots()"
    )


async def test_a_dissection_is_begun_with_the_name_given(ask):
    answer = await ask("start_snapshot_dissection", snapshot_id="s1", name="mine")
    assert answer.asked == [("start_dissection", ("s1", "mine"))]
    assert answer.facts == {"db": "s1/mine", "status": "pending", "progress": 0, "entries": 0}


async def test_waiting_gives_what_came_out(ask):
    assert (await ask("start_snapshot_dissection", FakeHub(steps=1), snapshot_id="s1", wait=True)).text == DONE


async def test_the_state_of_a_dissection(ask):
    assert (await ask("get_snapshot_dissection_status", snapshot_id="s1")).text == DONE
    running = await ask("get_snapshot_dissection_status", FakeHub(steps=1), snapshot_id="s1")
    assert running.text.startswith("Dissection main of snapshot s1: running, 50 %")


async def test_dissections_are_listed_or_it_is_said_how_to_begin(ask):
    assert (await ask("list_snapshot_dissections")).text == (
        "snapshot|name|status|progress|entries\ns1|main|completed|100|42\n1 dissections"
    )
    assert (await ask("list_snapshot_dissections", FakeHub(empty=True), snapshot_id="s1")).text == (
        'Snapshot s1 has no dissection yet.\nNext: start_snapshot_dissection(snapshot_id="s1")'
    )


async def test_stopping_and_deleting(ask):
    stopped = await ask("stop_snapshot_dissection", snapshot_id="s1", name="main")
    assert stopped.asked == [("stop_dissection", ("s1", "main"))]
    deleted = await ask("delete_snapshot_dissection", snapshot_id="s1", name="main")
    assert deleted.asked == [("dissection", ("s1", "main")), ("delete_dissection", ("s1", "main"))]
    assert deleted.text == "Dissection main of snapshot s1 is deleted."


async def test_the_switch_for_new_capture(ask):
    hub = FakeHub()
    assert (await ask("enable_dissection", hub)).facts == {"enabled": True}
    assert (await ask("get_dissection_status", hub)).text == "Dissection of new raw capture is on."
    assert (await ask("disable_dissection", hub)).facts == {"enabled": False}


async def test_databases_are_named_as_the_call_tools_want_them(ask):
    answer = await ask("list_databases")
    assert answer.text == (
        "db|type|entries|status|first|last\n"
        "s1/main|dissection|42|completed|2026-11-01T13:00:00Z|2026-11-01T13:10:00Z\n"
        "1 databases"
    )
    assert (
        await ask("list_databases", FakeHub(empty=True))
    ).text == "Nothing is dissected yet.\nNext: list_snapshots()"
