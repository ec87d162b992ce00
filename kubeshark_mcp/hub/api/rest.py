"""Requests of the REST paths as arguments of tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.datastructures import QueryParams

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.api.arguments import Arguments


def plural(model: type[Arguments]) -> frozenset[str]:
    """Give the arguments that take several values, and so may come several times in a query string."""
    names = set()
    for name, schema in model.model_json_schema(by_alias=False).get("properties", {}).items():
        kinds = [one.get("type") for one in (schema, *schema.get("anyOf", ()))]
        if "array" in kinds or "object" in kinds:
            names.add(name)
    return frozenset(names)


def from_query(query: QueryParams, several: frozenset[str]) -> dict[str, Any]:
    """Give a query string as arguments; raises UsageError when one value is given twice."""
    given: dict[str, Any] = {}
    for name in query:
        values = query.getlist(name)
        if len(values) > 1 and name not in several:
            raise UsageError(f"{name[:80]!r} is given {len(values)} times: give it once.")
        given[name] = values if len(values) > 1 else values[0]
    return given


def from_body(body: bytes) -> dict[str, Any]:
    """Give a JSON body as arguments, none for an empty one, whatever its declared type; raises UsageError.

    What is null is not given.
    """
    if not body:
        return {}
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"The body is no JSON ({error}): send an object with the arguments.") from error
    if not isinstance(given, dict):
        raise UsageError(f"The body is a JSON {type(given).__name__}: send an object with the arguments.")
    return {name: value for name, value in given.items() if value is not None}


def tool_call(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Take `{"name": …, "arguments": {…}}` apart; missing or null arguments are none."""
    name, arguments = given.get("name"), given.get("arguments")
    if not isinstance(name, str) or not name:
        raise UsageError('The body names no tool: send {"name": TOOL, "arguments": {…}}.')
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        raise UsageError(f"The arguments of {name[:80]!r} are no object: send them as {{NAME: VALUE}}.")
    return name, {key: value for key, value in arguments.items() if value is not None}
