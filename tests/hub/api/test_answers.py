"""What the tools refuse and add, beyond passing on."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fake_hub import START, FakeHub

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub.api import answers
from kubeshark_mcp.hub.api import arguments as a
from kubeshark_mcp.hub.api.calls_wire import CallWriter
from kubeshark_mcp.present.redaction import Redactor

PLAIN = CallWriter()


async def test_a_window_is_given_one_way():
    with pytest.raises(UsageError, match="were given together"):
        await answers.create_snapshot(FakeHub(), a.CreateSnapshot(name="x", duration="5m", start_time=START), PLAIN)


@pytest.mark.parametrize(("answer", "model"), [(answers.list_calls, a.Calls), (answers.get_stats, a.Stats)])
async def test_windows_and_databases_that_contradict_themselves_are_refused(answer, model):
    with pytest.raises(UsageError, match="before it starts"):
        await answer(FakeHub(), model(start=START, end=START - timedelta(seconds=1)), PLAIN)
    with pytest.raises(UsageError, match="name different snapshots"):
        await answer(FakeHub(), model(snapshot_id="a", db="b/c"), PLAIN)


async def test_the_url_of_a_file_is_relative_to_the_hub():
    found = await answers.file_url(FakeHub(), a.OnePath(path="/mcp/files/x.pcap"), PLAIN)
    assert found == {"url": "/api/mcp/files/x.pcap"}
    with pytest.raises(NotFoundError):
        await answers.file_url(FakeHub(), a.OnePath(path="elsewhere"), PLAIN)


async def test_values_of_secret_fields_are_redacted():
    hub = FakeHub()
    safe = CallWriter(Redactor(b"k" * 32))
    given = a.FieldUses(names="authorization")
    assert "GET" in str(await answers.field_use(hub, given, PLAIN))
    assert "redacted 3 chars" in str(await answers.field_use(hub, given, safe))


async def test_a_started_job_says_so():
    found = await answers.start_dissection(FakeHub(), a.OneDissection(snapshot_id="s1"), PLAIN)
    assert (found["success"], found["snapshot"], found["name"], found["status"]) == (True, "s1", "main", "pending")
