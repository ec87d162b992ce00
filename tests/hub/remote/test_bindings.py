"""Our arguments under a Hub's names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubeshark_mcp.errors import UnsupportedError, UsageError
from kubeshark_mcp.hub.remote.bindings import FORMS, bound, found_under, misfit, takes
from kubeshark_mcp.hub.remote.discovery import ToolSchema

MOMENT = datetime(2026, 11, 1, 12, 0, 0, 1500, tzinfo=UTC)


def schema(required: tuple[str, ...] = (), **properties) -> ToolSchema:
    return ToolSchema("theirs", "", {"type": "object", "properties": properties, "required": list(required)})


@pytest.mark.parametrize("name", ["id", "snapshot_id", "snapshot"])
def test_a_snapshot_goes_under_the_name_that_the_hub_has(name):
    assert bound("get_snapshot", schema(**{name: {"type": "string"}}), {"snapshot": "s1"}) == {name: "s1"}


def test_a_hub_that_declares_nothing_gets_the_contracts_names():
    declared = ToolSchema("theirs")
    assert bound("get_snapshot", declared, {"snapshot": "s1"}) == {"id": "s1"}
    assert bound("get_snapshot_dissection_status", declared, {"snapshot": "s1", "name": "d"}) == {
        "snapshot_id": "s1",
        "name": "d",
    }


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        ({"type": "integer"}, 1793534400001),
        ({}, 1793534400001),
        ({"type": "string"}, "1793534400001"),
        ({"type": "string", "format": "date-time"}, "2026-11-01T12:00:00.001500Z"),
        (
            {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": "RFC 3339"},
            "2026-11-01T12:00:00.001500Z",
        ),
    ],
)
def test_a_time_goes_in_the_form_that_is_declared(declared, value):
    assert bound("list_api_calls", schema(start=declared), {"start": MOMENT}) == {"start": value}


def test_an_end_is_rounded_up_so_that_nothing_is_lost():
    assert bound("list_api_calls", schema(end={"type": "integer"}), {"end": MOMENT}) == {"end": 1793534400002}


def test_lists_and_labels_become_text_where_text_is_declared():
    declared = schema(namespaces={"type": "string"}, labels={"type": "string"})
    given = {"namespaces": ["a", "b"], "labels": {"app": "web", "tier": "1"}}
    assert bound("list_workloads", declared, given) == {"namespaces": "a,b", "labels": "app=web,tier=1"}


def test_what_was_asked_for_and_has_no_place_is_never_dropped():
    with pytest.raises(UnsupportedError, match="This Hub's theirs has no argument for newest_first; leave it out"):
        bound("list_api_calls", schema(kfl={}), {"kfl": "http", "newest_first": True})


def test_what_changes_nothing_in_the_answer_may_be_left_out():
    assert bound("list_api_calls", schema(kfl={}), {"kfl": "http", "format": "full", "start": None}) == {"kfl": "http"}


def test_a_value_outside_the_declared_ones_is_refused():
    with pytest.raises(UsageError, match="group_by is 'pod', but this Hub's theirs takes one of node, ns"):
        bound("get_api_stats", schema(group_by={"enum": ["node", "ns"]}), {"group_by": "pod"})


def test_what_the_hub_needs_and_was_not_given_is_asked_for():
    with pytest.raises(UsageError, match="needs db"):
        bound("get_api_stats", schema(("db",), db={}), {})


def test_a_tool_that_needs_what_we_never_give_does_not_fit():
    assert misfit("get_snapshot", schema(("tenant", "id"), tenant={}, id={})) == "it needs tenant"
    assert misfit("get_snapshot", schema(number={})) == "it has no argument for snapshot"
    assert misfit("get_snapshot", schema(("id",), id={})) == ""


def test_a_former_name_of_a_tool_is_known():
    old = schema()
    assert found_under("get_api_call", {"get_api_call_details": old}) is old
    assert found_under("get_api_call", {}) is None
    assert takes("list_api_calls", schema(filter={}), "kfl")
    assert not takes("list_api_calls", None, "kfl")


def test_every_needed_argument_has_a_name():
    assert [name for name, form in FORMS.items() if not set(form.needed) <= set(form.names)] == []
