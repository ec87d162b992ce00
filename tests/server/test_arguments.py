"""Signatures become schemas; bad input becomes sentences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.plugin import Clock, Duration, Field, Limit, Time, ToolContext, Toolset, tool
from kubeshark_mcp.server.arguments import Arguments

NOW = datetime(2026, 11, 1, 13, 0, tzinfo=UTC)
CLOCK = Clock(UTC, lambda: NOW)


class Sample(Toolset):
    """A toolset."""

    name = "sample"

    @tool(title="Probe")
    async def probe(
        self,
        context: ToolContext,
        id: str,
        start: Time | None = None,
        last: Annotated[Duration | None, Field(description="how long")] = None,
        limit: Limit = 100,
        kind: Literal["pod", "service"] | None = None,
        labels: dict[str, str] | None = None,
        nodes: list[str] | None = None,
        wait: bool = False,
    ) -> str:
        """Probe."""
        return ""

    @tool(title="Nothing")
    async def nothing(self, context: ToolContext) -> str:
        """Take nothing."""
        return ""


PROBE, NOTHING = (Arguments.of(made) for made in Sample.tools())


def test_a_schema_holds_what_a_model_needs_and_no_more():
    assert PROBE.schema == {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "start": {"type": "string", "description": "RFC 3339, Unix ms, or -15m"},
            "last": {"type": "string", "description": "how long"},
            "limit": {"default": 100, "maximum": 1000, "minimum": 1, "type": "integer"},
            "kind": {"enum": ["pod", "service"], "type": "string"},
            "labels": {"additionalProperties": {"type": "string"}, "type": "object"},
            "nodes": {"items": {"type": "string"}, "type": "array"},
            "wait": {"default": False, "type": "boolean"},
        },
        "required": ["id"],
        "additionalProperties": False,
    }
    assert NOTHING.schema == {"type": "object", "properties": {}, "additionalProperties": False}


def test_arguments_arrive_as_what_they_mean():
    given_arguments = {
        "id": "a",
        "start": "-15m",
        "last": "30m",
        "limit": "7",
        "nodes": '["n"]',
        "labels": None,
        "wait": "true",
    }
    assert PROBE.read(given_arguments, CLOCK) == {
        "id": "a",
        "start": NOW - timedelta(minutes=15),
        "last": 1800.0,
        "limit": 7,
        "kind": None,
        "labels": None,
        "nodes": ["n"],
        "wait": True,
    }


def test_a_text_that_looks_like_json_stays_a_text():
    assert PROBE.read({"id": '["a"]'}, CLOCK)["id"] == '["a"]'


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, 'probe needs "id".'),
        ({"id": None}, "id is null; give text."),
        ({"id": "a", "limit": 2.5}, "limit is 2.5; give a whole number."),
        ({"id": "a", "limit": 1001}, "limit is 1001; give at most 1000."),
        ({"id": "a", "wait": "maybe"}, 'wait is "maybe"; give true or false.'),
        ({"id": "a", "kind": "node"}, "kind is \"node\"; give one of 'pod' or 'service'."),
        ({"id": "a", "nodes": "a"}, 'nodes is "a"; give a list, such as ["a", "b"].'),
        ({"id": "a", "labels": "app=web"}, 'labels is "app=web"; give an object of texts, such as {"app": "web"}.'),
        ({"id": "a", "last": 30}, 'last is 30; give a length of time with its unit, such as "30m", "90s" or "2h".'),
        ({"id": "a", "start": [1]}, "start is [1], which is no time; give "),
        ({"id": 1, "limit": 0}, "id is 1; give text. limit is 0; give at least 1."),
        (
            {"id": "a", "lable": {}},
            '"lable" is no argument of probe. Did you mean "labels"? Valid: id, start, last, limit, kind, labels,',
        ),
        ({"id": "a", "x": 1, "y": 2}, '"x", "y" are no arguments of probe.'),
    ],
)
def test_bad_input_becomes_a_sentence(arguments, sentence):
    with pytest.raises(UsageError) as caught:
        PROBE.read(arguments, CLOCK)
    assert str(caught.value).startswith(sentence)


def test_a_tool_without_arguments_says_so():
    with pytest.raises(UsageError, match=r'^"x" is no argument of nothing\. Valid: none\.$'):
        NOTHING.read({"x": 1}, CLOCK)


def test_long_input_is_quoted_short():
    with pytest.raises(UsageError) as caught:
        PROBE.read({"id": ["x" * 5000]}, CLOCK)
    assert len(str(caught.value)) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(list(PROBE.model.model_fields)) | st.text(max_size=5), json_values, max_size=4))
def test_any_input_is_read_or_refused_with_a_sentence(arguments):
    refused = ""
    try:
        PROBE.read(arguments, CLOCK)
    except UsageError as error:
        refused = str(error)
    assert refused == "" or refused.endswith(".")
    assert "pydantic" not in refused
