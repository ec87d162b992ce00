"""Requests of REST paths as arguments."""

from __future__ import annotations

import pytest
from starlette.datastructures import QueryParams

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.api import arguments as a
from kubeshark_mcp.hub.api import rest


def test_lists_and_maps_may_come_several_times():
    assert rest.plural(a.Workloads) == {"namespaces", "labels"}
    assert rest.plural(a.Calls) == frozenset()
    assert rest.plural(a.FieldUses) == {"names"}


def test_a_query_string_is_read_as_arguments():
    query = QueryParams("kfl=a%20%26%26%20b&nodes=x&nodes=y&one=1")
    assert rest.from_query(query, frozenset({"nodes"})) == {"kfl": "a && b", "nodes": ["x", "y"], "one": "1"}
    with pytest.raises(UsageError, match="'nodes' is given 2 times"):
        rest.from_query(query, frozenset())


@pytest.mark.parametrize("body", [b"[1]", b'"x"', b"{", b"\xff", b"[" * 5000, b'{"a": "\\ud800"}'])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(UsageError, match="send an object with the arguments"):
        rest.from_body(body)


def test_what_is_null_in_a_body_is_not_given():
    assert rest.from_body(b'{"name": null, "limit": 0, "nodes": []}') == {"limit": 0, "nodes": []}
    assert rest.from_body(b"") == {}


def test_a_call_is_a_name_with_arguments():
    assert rest.tool_call({"name": "x"}) == ("x", {})
    assert rest.tool_call({"name": "x", "arguments": None}) == ("x", {})
    assert rest.tool_call({"name": "x", "arguments": {"a": None, "b": 0}}) == ("x", {"b": 0})
    for bad in ({}, {"name": 1}, {"name": ""}, {"name": "x", "arguments": "{}"}):
        with pytest.raises(UsageError):
            rest.tool_call(bad)
