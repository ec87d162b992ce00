"""Completion of arguments, through the SDK's own client."""

from __future__ import annotations

from datetime import UTC

import pytest
from fake_hub import FakeHub
from mcp import Client
from mcp_types import PromptReference, ResourceTemplateReference

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub.contract_filters import FieldUse
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.server import ServerOptions, build_server

PROMPT = PromptReference(name="investigate")
FIELDS = [
    Field("http", FieldType.BOOL, "an HTTP request", "http"),
    Field("method", FieldType.STRING, "method of the request", 'method == "GET"'),
    Field("status_code", FieldType.INT, "status of the response", "status_code >= 500"),
    Field("request.headers", FieldType.STRING_MAP, "headers", '"a" in request.headers'),
]
LONG = "x" * 59 + "…"


class Hub(FakeHub):
    """With fields, and values of them."""

    nothing_dissected = False

    async def fields(self) -> list[Field]:
        return FIELDS

    async def field_use(self, names: list[str], database: str | None = None) -> list[FieldUse]:
        if self.nothing_dissected:
            raise NotFoundError("Nothing is dissected yet.")
        self._note("field_use", (names, database))
        commonest = [("GET", 20), ("POST", 7), ("PUT?password=hunter2-secret", 3), (LONG, 2), ("GE\x1b[2J", 1)]
        return [FieldUse(name=name, filled=27, total=30, commonest=commonest) for name in names]


async def completed(name: str, value: str, hub: FakeHub | None = None, **context: str) -> list[str]:
    options = ServerOptions(clock=Clock(UTC), key=b"key")
    async with Client(build_server(hub or Hub(), options)) as client:
        found = await client.complete(PROMPT, {"name": name, "value": value}, context_arguments=context or None)
    assert found.completion.total is not None
    assert found.completion.total >= len(found.completion.values)
    return found.completion.values


async def test_a_filter_is_completed_whole_with_fields_by_prefix_and_by_meaning():
    assert await completed("kfl", "http && stat") == ["http && status_code"]
    assert await completed("kfl", "http && verb") == ["http && method"]


async def test_after_a_comparison_come_the_commonest_values_of_the_database():
    hub = Hub()
    values = await completed("kfl", "method == ", hub, db="s1/main")
    assert values[:2] == ['method == "GET"', 'method == "POST"']
    assert hub.asked[-1] == ("field_use", (["method"], "s1/main"))


async def test_a_value_that_is_cut_or_secret_or_hostile_is_not_offered():
    values = await completed("kfl", 'method == "')
    assert values == ['method == "GET"', 'method == "POST"']


async def test_after_a_dot_come_functions_by_type():
    values = await completed("kfl", 'request.headers["a"].sta')
    assert values == ['request.headers["a"].startsWith(']


async def test_without_data_fields_are_still_completed():
    hub = Hub()
    hub.nothing_dissected = True
    assert "method == method" in await completed("kfl", "method == ", hub)


async def test_namespaces_snapshots_and_databases_are_completed_by_prefix():
    assert await completed("namespace", "SH") == ["shop"]
    assert await completed("snapshot_id", "") == ["s1"]
    assert await completed("snapshot_id", "x") == []
    assert "s1/main" in await completed("db", "s1/")


@pytest.mark.parametrize(("name", "value"), [("question", "why"), ("kfl", "x" * 2001), ("kfl", '"' * 1999)])
async def test_what_cannot_be_completed_gives_nothing(name: str, value: str):
    assert await completed(name, value) == []


async def test_arguments_of_resource_templates_are_completed_too():
    async with Client(build_server(Hub(), ServerOptions(clock=Clock(UTC), key=b"key"))) as client:
        reference = ResourceTemplateReference(uri="kubeshark://calls/{kfl}")
        found = await client.complete(reference, {"name": "kfl", "value": "htt"})
        assert client.server_capabilities is not None
        assert client.server_capabilities.completions is not None
    assert found.completion.values[0] == "http"


async def test_services_and_workloads_are_completed_with_and_without_their_namespace():
    assert await completed("service", "shop/") == ["shop/cart-1"]
    assert await completed("server", "car") == ["cart-1"]
    assert await completed("client", "", namespace="shop") == ["shop/cart-1", "cart-1"]


async def test_zones_are_completed_by_their_beginning_and_by_their_place():
    assert "Europe/Berlin" in await completed("time_zone", "europe/b")
    assert await completed("time_zone", "new york") == ["America/New_York"]
    assert await completed("time_zone", "Nowhere") == []


async def test_windows_are_what_is_dissected_and_captured_and_the_usual_ones():
    windows = await completed("window", "")
    assert windows[0] == "2026-11-01T13:00:00Z to 2026-11-01T13:10:00Z"
    assert windows[-2:] == ["last 15 minutes", "last hour"]


async def test_both_sides_of_a_comparison_are_databases():
    assert "s1/main" in await completed("before", "s1/")
    assert "s1/main" in await completed("after", "s1/")
