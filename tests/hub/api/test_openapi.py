"""The OpenAPI document: complete, and true, as schemathesis finds by asking what it generates from it."""

from __future__ import annotations

import pytest
import schemathesis
from analysing_hub import AnalysingHub
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from kubeshark_mcp.hub.api import ApiSettings, build_app
from kubeshark_mcp.hub.api.openapi import document
from kubeshark_mcp.hub.api.tools import TOOLS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
FEW = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
OPERATIONS = sorted(
    one["operationId"]
    for path in document(TOOLS)["paths"].values()
    for one in path.values()
    if one["operationId"] != "openapi"  # schemathesis leaves out the path that it read the document from
)


@pytest.fixture(scope="module")
def operations():
    app = build_app(AnalysingHub(), ApiSettings(allow_destructive=True, allowed_hosts=("testserver",)))
    described = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    found = [result.ok() for result in described.get_all_operations()]
    return {one.definition.raw["operationId"]: one for one in found}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_is_asked_is_answered_as_the_document_says(operations, name, mode):
    operation = operations[name]
    if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
        return  # what takes nothing cannot be asked wrongly

    @FEW
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(checks=CHECKS)

    ask()


def test_every_tool_has_an_operation_of_its_name_with_all_its_arguments():
    operations = {one["operationId"]: one for path in document(TOOLS)["paths"].values() for one in path.values()}
    for tool in TOOLS:
        operation = operations[tool.name]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        arguments = {one["name"] for one in operation["parameters"]} | set(body.get("properties", ()))
        assert arguments == set(tool.input_schema()["properties"]), tool.name
        assert operation["responses"]["200"]["content"]["application/json"]["schema"] is tool.result


def test_what_a_body_need_not_hold_may_be_null_in_it():
    for path in document(TOOLS)["paths"].values():
        for one in path.values():
            schema = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            for name, argument in schema.get("properties", {}).items():
                nullable = {"type": "null"} in argument.get("anyOf", ()) or "null" in argument.get("type", ())
                assert nullable is (name not in schema["required"]), (one["operationId"], name)
