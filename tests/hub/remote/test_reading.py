"""Values of a Hub's JSON: odd ones become defaults, never exceptions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.contract_remote import UnknownShapeError
from kubeshark_mcp.hub.remote import reading as r

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "value",
    [1793534400, 1793534400000, 1793534400000000, 1793534400000000000, "1793534400000", "2026-11-01T12:00:00Z",
     "2026-11-01T13:00:00+01:00", "2026-11-01T12:00:00"],
)  # fmt: skip
def test_a_time_is_read_in_any_unit(value):
    assert r.moment(value) == NOON


@pytest.mark.parametrize("value", [0, -1, None, "soon", True, [], {}, float("nan"), 1e300, ""])
def test_what_is_no_time_is_none(value):
    assert r.moment(value) is None


@given(JSON)
def test_nothing_that_json_can_be_raises(value):
    r.text(value)
    r.number(value)
    r.real(value)
    r.flag(value)
    r.moment(value)
    r.job_status(value)
    r.texts(value)
    r.labels(value)
    r.records(value)
    r.warnings(value)


@pytest.mark.parametrize(
    ("word", "status"),
    [("completed", JobStatus.COMPLETED), ("Ready", JobStatus.COMPLETED), ("in-progress", JobStatus.IN_PROGRESS),
     ("error", JobStatus.FAILED), ("dancing", JobStatus.RUNNING), (None, JobStatus.RUNNING)],
)  # fmt: skip
def test_states_of_jobs_are_known_by_several_words(word, status):
    assert r.job_status(word) is status


def test_a_list_is_found_under_its_names_or_is_the_answer():
    assert r.listed({"calls": [{"a": 1}]}, "t", "calls") == [{"a": 1}]
    assert r.listed([{"a": 1}], "t", "calls") == [{"a": 1}]
    assert r.listed({"calls": None}, "t", "calls") == []
    assert r.listed(None, "t", "calls") == []


@pytest.mark.parametrize("answer", [{"other": []}, "text", 5, {"calls": [1]}, [1], {"calls": {"a": 1}}])
def test_another_shape_is_an_error_that_keeps_the_answer(answer):
    with pytest.raises(UnknownShapeError, match="The Hub's t answered in a shape that is not known here") as caught:
        r.listed(answer, "t", "calls")
    assert caught.value.answer == answer


def test_what_still_goes_wrong_while_reading_becomes_that_error():
    with pytest.raises(UnknownShapeError), r.reading("t", [1]):
        raise OverflowError


def test_an_envelope_is_opened_only_when_it_holds_nothing_else():
    assert r.unwrapped({"result": [1]}) == [1]
    assert r.unwrapped({"result": [1], "total": 1}) == {"result": [1], "total": 1}
