"""The schemas of answers agree with the answers."""

from __future__ import annotations

from analysing_hub import AnalysingHub
from hub_server import asking
from jsonschema import Draft202012Validator

from kubeshark_mcp.hub.api import schemas as s
from kubeshark_mcp.hub.api.tools import TOOLS


def test_a_shape_has_required_and_optional_keys():
    assert s.shape({"b": s.STRING}, a=s.INTEGER) == {
        "type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a"]
    }  # fmt: skip


async def test_answers_without_any_rows_have_their_schemas_shape():
    questions = [tool for tool in TOOLS if tool.rest[0] == "GET" and "{" not in tool.rest[1]]
    async with asking(AnalysingHub(empty=True)) as client:
        for tool in questions:
            needed = {"path": "/mcp/x", "kfl": "http", "names": "path", "handle": "s1/main#1"}
            given = {name: needed[name] for name in tool.input_schema().get("required", ())}
            answer = (await client.get(f"/api{tool.rest[1]}", params=given)).json()
            assert list(Draft202012Validator(tool.result).iter_errors(answer)) == [], tool.name
