"""The OpenAPI document, made from the table of tools."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kubeshark_mcp import __version__
from kubeshark_mcp.hub.api import rest
from kubeshark_mcp.hub.api import schemas as s
from kubeshark_mcp.hub.api.tools import ApiTool

Json = dict[str, Any]

_SENTENCE = {"text/plain": {"schema": {"type": "string"}}}
_REFUSALS = {
    "400": "An argument cannot be used",
    "401": "No token, or another one",
    "403": "Not permitted here",
    "404": "There is no such thing",
    "405": "Another method is meant",
    "409": "It clashes with the present state",
    "413": "The request is too large",
    "421": "The Hub does not answer to this name",
    "422": "The capture cannot be read",
    "501": "This Hub cannot do it",
    "503": "At its limit; Retry-After says when to ask again",
    "504": "It took too long",
}


def document(tools: Sequence[ApiTool]) -> Json:
    """Give the OpenAPI 3.1 document of a served Hub."""
    paths: dict[str, Json] = {}
    for tool in tools:
        method, path = tool.rest
        paths.setdefault(f"/api{path}", {})[method.lower()] = _operation(tool)
    paths.setdefault("/api/snapshots/{id}/pcap", {})["get"] = _pcap(next(t for t in tools if "pcap" in t.name))
    paths |= {
        "/api/mcp": {"get": _simple("discover", "Give all tools and prompts.", s.OBJECT)},
        "/api/mcp/tools/call": {"post": _tool_call()},
        "/api/openapi.json": {"get": _simple("openapi", "Give this document.", s.OBJECT)},
        "/api/mcp/files/{name}": {"get": _file()},
        "/healthz": {"get": _probe("alive", "Tell that the process lives.")},
        "/readyz": {"get": _probe("ready", "Tell whether the Hub answers.")},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "kubeshark-mcp Hub", "version": __version__, "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "security": [{"token": []}, {"bearer": []}, {}],
        "components": {
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "X-Kubeshark-Authorization"},
                "bearer": {"type": "http", "scheme": "bearer"},
            }
        },
    }


def _operation(tool: ApiTool) -> Json:
    method, path = tool.rest
    in_path = re.findall(r"\{(\w+)\}", path)
    schema = tool.input_schema()
    operation: Json = {
        "operationId": tool.name,
        "summary": tool.description,
        "parameters": [_parameter(name, {"type": "string", "minLength": 1}, "path", True) for name in in_path],
        "responses": _responses(tool.result),
    }
    rest_of_it = {name: one for name, one in schema.get("properties", {}).items() if name not in in_path}
    required = [name for name in schema.get("required", ()) if name not in in_path]
    if method == "POST":
        properties = {name: one if name in required else _or_null(one) for name, one in rest_of_it.items()}
        body = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        operation["requestBody"] = {"required": bool(required), "content": {"application/json": {"schema": body}}}
        return operation
    several = rest.plural(tool.arguments)
    operation["parameters"] += [
        _parameter(name, _in_query(one, name in several), "query", name in required) for name, one in rest_of_it.items()
    ]
    return operation


def _or_null(schema: Json) -> Json:
    """Give the schema of an argument of a body that need not be given: null says so too."""
    return {"anyOf": [schema, {"type": "null"}]}


def _parameter(name: str, schema: Json, place: str, required: bool) -> Json:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _in_query(schema: Json, several: bool) -> Json:
    """Give the schema of an argument in a query string: several values as repeated ones, maps as `key=value`."""
    if several:
        return {"type": "array", "items": {"type": "string"}, "description": schema.get("description", "")}
    return schema


def _responses(result: s.Schema) -> Json:
    answered: Json = {"200": {"description": "The answer", "content": {"application/json": {"schema": result}}}}
    return answered | {code: {"description": text, "content": _SENTENCE} for code, text in _REFUSALS.items()}


def _simple(name: str, summary: str, result: s.Schema) -> Json:
    return {"operationId": name, "summary": summary, "responses": _responses(result)}


def _probe(name: str, summary: str) -> Json:
    responses = {
        "200": {"description": "Yes", "content": _SENTENCE},
        "503": {"description": "No", "content": _SENTENCE},
    }
    return {"operationId": name, "summary": summary, "security": [{}], "responses": responses}


def _tool_call() -> Json:
    body = {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 1}, "arguments": {"type": ["object", "null"]}},
        "required": ["name"],
    }
    return {
        "operationId": "call_tool",
        "summary": "Call a tool by its name.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": _responses({}),
    }


def _bytes() -> Json:
    content: Json = {"application/vnd.tcpdump.pcap": {"schema": {}}, "application/octet-stream": {"schema": {}}}
    return {
        **_responses({}),
        "200": {"description": "The file", "content": content},
        "206": {"description": "The asked-for range of it", "content": content},
        "416": {"description": "The range lies outside the file"},
    }


def _file() -> Json:
    return {
        "operationId": "download",
        "summary": "Give a file whose path a tool returned; one Range is honoured, ETag and If-Range resume.",
        "parameters": [_parameter("name", {"type": "string", "minLength": 1}, "path", True)],
        "responses": _bytes(),
    }


def _pcap(tool: ApiTool) -> Json:
    """Give the operation that exports and sends in one request, with the arguments of the tool that exports."""
    several = rest.plural(tool.arguments)
    properties = {name: one for name, one in tool.input_schema()["properties"].items() if name != "id"}
    return {
        "operationId": "download_snapshot_pcap",
        "summary": "Give packets of a snapshot as a capture file.",
        "parameters": [
            _parameter("id", {"type": "string", "minLength": 1}, "path", True),
            *(_parameter(name, _in_query(one, name in several), "query", False) for name, one in properties.items()),
        ],
        "responses": _bytes(),
    }
