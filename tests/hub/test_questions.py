"""Questions and answers as data, there and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.questions import METHODS, answers_in_one_place, plain, question, restored, told
from kubeshark_mcp.model.field import Field, FieldType

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary(max_size=20)
    | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5))])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=3), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.text(), values, max_size=4))
def test_rows_survive_with_times_and_bytes(row):
    page = c.CallPage(
        rows=[row], total=1, cursor="x", empty=c.EmptyReason(code="clause", sentence="s", clauses=[("a", 0)])
    )
    kept = orjson.loads(orjson.dumps(plain(page)))
    assert restored("calls", kept) == page


def test_every_kind_of_answer_survives():
    moment = datetime(2026, 11, 1, 13, tzinfo=UTC)
    snapshot = c.Snapshot(id="s", name="n", status=c.JobStatus.COMPLETED, created_at=moment, nodes=["a"])
    field = Field("status_code", FieldType.INT, "the status", "status_code == 200", aliases=("code",), default=-1)
    detail = c.CallDetail(entry={"timestamp": moment}, request_body=b"\xff\x00", pcap=b"\xd4")
    answers = {"snapshot": snapshot, "snapshots": [snapshot], "fields": [field], "call": detail, "fetch_file": 7}
    answers |= {"dissection_enabled": False, "file_url": "file:///x", "call_tool": {"any": [1, None]}}
    for method, answer in answers.items():
        assert restored(method, orjson.loads(orjson.dumps(plain(answer)))) == answer


def test_an_answer_of_another_shape_is_refused():
    with pytest.raises(StoreError, match="recorded answer to snapshot does not have the shape"):
        restored("snapshot", {"id": 1})
    with pytest.raises(StoreError):
        restored("snapshot", {"$time": "yesterday"})


def test_a_destination_is_no_part_of_a_question():
    assert question({"path": "/x", "destination": Path("/tmp/y"), "report": print}) == {"path": "/x"}


def test_a_question_is_told_without_what_was_not_given():
    asked = question({"query": c.CallQuery(kfl="http", start=datetime(2026, 11, 1, tzinfo=UTC), limit=5)})
    assert told("calls", asked) == 'calls(kfl="http", start=2026-11-01T00:00:00+00:00, limit=5)'
    assert told("status", {}) == "status()"
    assert len(told("check_filter", {"kfl": "x" * 9999})) < 300


async def test_every_question_of_the_interface_reaches_the_one_place():
    @answers_in_one_place
    class One(Hub):
        async def answer(self, method, arguments):
            return method, dict(arguments)

        async def close(self):
            return None

        async def file_url(self, path):
            return "mine"

    hub = One()
    assert await hub.dissection("s1") == ("dissection", {"snapshot_id": "s1", "name": None})
    assert await hub.dissection(name="n", snapshot_id="s1") == ("dissection", {"snapshot_id": "s1", "name": "n"})
    assert await hub.file_url("/x") == "mine"
    assert {"calls", "call", "status", "tools", "prompts", "fetch_file"} <= set(METHODS)
    assert not {"close", "edition"} & set(METHODS)
