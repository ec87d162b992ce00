"""Shapes of what only some Hubs have, and the answers of a Hub that has none of it."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import NotFoundError, UnsupportedError, UsageError
from kubeshark_mcp.hub import contract_remote as c
from kubeshark_mcp.hub.cloud.answers import NEED_STORAGE
from kubeshark_mcp.hub.embedded import EmbeddedHub


async def test_a_hub_on_this_machine_has_no_tools_or_prompts_of_its_own_and_is_not_started(tmp_path):
    hub = EmbeddedHub(tmp_path, environment={})
    plan = c.Plan(action="start", command=("kubeshark",), lines=(), release_namespace="default")

    async def report(done, total, message):
        raise AssertionError(message)

    assert await hub.tools() == c.HubTools(lacking=NEED_STORAGE, extra=())
    assert await hub.prompts() == []
    for asked in (hub.plan_start(c.StartRequest()), hub.plan_stop(), hub.carry_out(plan, report)):
        with pytest.raises(UnsupportedError, match="--cluster"):
            await asked
    with pytest.raises(NotFoundError, match='no tool "x"'):
        await hub.call_tool("x", {})
    with pytest.raises(NotFoundError, match='no prompt "x"'):
        await hub.prompt("x", {})
    with pytest.raises(UsageError, match='"shop" means a Kubeshark in a cluster'):
        await hub.status_in("shop")
    await hub.close()


def test_the_command_of_a_plan_is_not_in_its_text():
    plan = c.Plan(action="start", command=("kubeshark", "license=secret"), lines=(), release_namespace="default")
    assert "secret" not in repr(plan)


def test_an_unknown_shape_keeps_the_answer():
    error = c.UnknownShapeError("Odd.", {"a": 1})
    assert (str(error), error.answer) == ("Odd.", {"a": 1})
