"""Which dissection a question is about."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import ConflictError, NotFoundError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub

from .conftest import SOURCES, ended


@pytest.mark.parametrize("form", ["{snapshot}/default", "{snapshot}", None])
async def test_a_dissection_is_named_in_full_by_its_snapshot_or_not_at_all(incident, form):
    name = form and form.format(snapshot=incident.snapshot)
    page = await incident.hub.calls(c.CallQuery(database=name, kfl="redis", limit=1))
    assert page.database == incident.database


async def test_an_unknown_one_is_not_found(incident):
    with pytest.raises(NotFoundError, match="no snapshot 'nope'"):
        await incident.hub.calls(c.CallQuery(database="nope"))
    with pytest.raises(NotFoundError, match="has no dissection 'nope': start one"):
        await incident.hub.calls(c.CallQuery(database=f"{incident.snapshot}/nope"))


async def test_databases_are_listed_with_their_window_and_size(incident):
    (database,) = await incident.hub.databases()
    assert (database.snapshot, database.name, database.status) == (incident.snapshot, "default", "completed")
    assert database.entry_count == sum(
        (await incident.hub.dissection(incident.snapshot)).stats.protocol_counts.values()
    )
    assert database.first < database.last


async def test_a_running_or_missing_dissection_is_said_so(tmp_path):
    hub = EmbeddedHub(tmp_path, SOURCES[:1])
    made = await hub.create_snapshot(c.SnapshotRequest(name="x"))
    await ended(lambda: hub.snapshot(made.id))
    with pytest.raises(NotFoundError, match=r"Nothing is dissected yet \(L7\), although there are snapshots"):
        await hub.calls(c.CallQuery())
    await hub.start_dissection(made.id)
    with pytest.raises(ConflictError, match="its calls can be listed when it is completed"):
        await hub.calls(c.CallQuery(database=made.id))
    await ended(lambda: hub.dissection(made.id))
    assert (await hub.calls(c.CallQuery(kfl="http"))).total > 0
    await hub.close()


async def test_what_was_answered_is_forgotten_with_its_dissection(tmp_path):
    hubs = [EmbeddedHub(tmp_path, SOURCES[:1]) for _ in range(2)]
    made = await hubs[0].create_snapshot(c.SnapshotRequest(name="x"))
    await ended(lambda: hubs[0].snapshot(made.id))
    query = c.CallQuery(database=made.id, kfl="http", limit=5)
    for _ in range(2):
        await hubs[0].start_dissection(made.id)
        await ended(lambda: hubs[0].dissection(made.id))
        answers = [await hub.calls(query) for hub in (*hubs, *hubs)]
        assert answers[0].total > 5
        assert answers == [answers[0]] * 4
        await hubs[1].delete_dissection(made.id, "default")
        for hub in hubs:
            with pytest.raises(NotFoundError, match=f"{made.id}.* has no dissection"):
                await hub.calls(query)
    for hub in hubs:
        await hub.close()


async def test_an_edition_lasts_as_long_as_the_files_and_is_of_full_names_only(tmp_path):
    hub = EmbeddedHub(tmp_path, SOURCES[:1])
    made = await hub.create_snapshot(c.SnapshotRequest(name="x"))
    await ended(lambda: hub.snapshot(made.id))
    full = f"{made.id}/default"
    editions = [await hub.edition(full)]
    for _ in range(2):
        await hub.start_dissection(made.id)
        await ended(lambda: hub.dissection(made.id))
        await hub.calls(c.CallQuery(database=full))
        editions += [await hub.edition(full), await hub.edition(full)]
        await hub.delete_dissection(made.id, "default")
        editions.append(await hub.edition(full))
    assert [bool(edition) for edition in editions] == [False, True, True, False, True, True, False]
    assert editions[1] == editions[2] != editions[4] == editions[5]
    for name in (made.id, f"{made.id}/", "../x/default", "nope/default", ""):
        assert await hub.edition(name) == ""
    await hub.close()


async def test_what_is_known_of_a_dissection_is_read_again_when_a_file_of_it_changes(tmp_path):
    hub = EmbeddedHub(tmp_path, SOURCES[:1])
    made = await hub.create_snapshot(c.SnapshotRequest(name="x"))
    await ended(lambda: hub.snapshot(made.id))
    await hub.start_dissection(made.id)
    await ended(lambda: hub.dissection(made.id))
    full = c.CallQuery(database=f"{made.id}/default", kfl="http", limit=3)
    first = await hub.calls(full)
    assert await hub.calls(full) == first
    done = tmp_path / "snapshots" / made.id / "dissections" / "default" / "dissection.json"
    whole = done.read_bytes()
    done.write_bytes(b"{")
    with pytest.raises(ConflictError, match="cannot be read: delete this dissection"):
        await hub.calls(full)
    assert await hub.edition(f"{made.id}/default") == ""
    done.write_bytes(whole)
    assert await hub.calls(full) == first
    (tmp_path / "snapshots" / made.id / "snapshot.json").unlink()
    assert await hub.edition(f"{made.id}/default") == ""
    await hub.close()
