"""Starting and stopping Kubeshark, as tools."""

from __future__ import annotations

from datetime import UTC

import pytest
from fake_hub import FakeHub
from mcp import Client
from mcp_types import ElicitResult

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.contract_remote import Outcome, Plan, StartRequest
from kubeshark_mcp.plugin import Clock
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, build_server

PLAN = Plan(action="start", command=("x",), lines=("Start it", "captured: all"), release_namespace="default")


class Cluster(FakeHub):
    """A Hub that remembers what it was to do."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        super().__init__()
        self.outcome = outcome or Outcome(
            success=True, exit_code=0, output="token=hunter2-secret", lines=("Kubeshark runs.",)
        )
        self.requests: list[StartRequest | str | None] = []
        self.done: list[Plan] = []

    async def plan_start(self, request: StartRequest) -> Plan:
        self.requests.append(request)
        if request.pod_regex == "(":
            raise UsageError("pod_regex '(' is no regular expression.")
        return PLAN

    async def plan_stop(self, release_namespace: str | None = None) -> Plan:
        self.requests.append(release_namespace)
        return PLAN.model_copy(update={"action": "stop", "lines": ("Stop it",)})

    async def carry_out(self, plan, report) -> Outcome:
        self.done.append(plan)
        await report(50, 100, "1 of 2 pods are ready")
        return self.outcome


async def ask(tool: str, arguments: dict, hub: Cluster, answer: bool | None = None, mode: str = "auto"):
    asked: list[str] = []
    progress: list[tuple[float, str | None]] = []

    async def elicit(context, params) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": answer})

    async def report(done: float, total: float | None, message: str | None) -> None:
        progress.append((done, message))

    selection = Selection(allow_destructive=True, elsewhere=True, cluster=True)
    server = build_server(hub, ServerOptions(selection=selection, clock=Clock(UTC), key=b"key"))
    async with Client(server, mode=mode, elicitation_callback=None if answer is None else elicit) as client:
        result = await client.call_tool(tool, arguments, progress_callback=report)
    return result.is_error, result.content[0].text, asked, progress


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_starting_asks_reports_and_tells_what_came_of_it(mode):
    hub = Cluster()
    is_error, text, asked, progress = await ask(
        "start_kubeshark",
        {"namespaces": "shop, pay,", "pod_regex": "^web", "values": {"tap.delayedDissection.storageSize": "5Gi"}},
        hub,
        answer=True,
        mode=mode,
    )
    assert not is_error
    assert hub.requests[-1] == StartRequest(
        namespaces=("shop", "pay"), pod_regex="^web", values={"tap.delayedDissection.storageSize": "5Gi"}
    )
    assert asked == ["Start it\ncaptured: all\nDo it?"]
    assert progress == [(50, "1 of 2 pods are ready")]
    assert text.startswith("Kubeshark runs.\nplan: Start it\nplan: captured: all\nexit code: 0\noutput:\n[captured ")
    assert "hunter2" not in text
    assert "Next: check_kubeshark_status()" in text


async def test_a_no_changes_nothing():
    hub = Cluster()
    is_error, text, _, _ = await ask("stop_kubeshark", {"release_namespace": "sharks"}, hub, answer=False)
    assert is_error
    assert text.startswith("Nothing was changed")
    assert hub.done == []
    assert hub.requests[-1] == "sharks"


async def test_a_client_that_cannot_ask_goes_on_because_the_operator_gave_leave():
    hub = Cluster()
    is_error, _, asked, _ = await ask("stop_kubeshark", {}, hub)
    assert (is_error, asked) == (False, [])
    assert [plan.action for plan in hub.done] == ["stop"]


async def test_a_failure_is_an_error_with_exit_code_and_output():
    hub = Cluster(Outcome(success=False, exit_code=3, output="no rights", lines=("Kubeshark was not started.",)))
    is_error, text, _, _ = await ask("start_kubeshark", {}, hub)
    assert is_error
    assert text.startswith("Kubeshark was not started.")
    assert "exit code: 3" in text
    assert "no rights" in text


async def test_a_bad_argument_is_refused_before_anybody_is_asked():
    hub = Cluster()
    is_error, text, asked, _ = await ask("start_kubeshark", {"pod_regex": "("}, hub, answer=True)
    assert is_error
    assert "no regular expression" in text
    assert (asked, hub.done) == ([], [])


async def test_the_tools_are_described_as_destructive_and_reaching_outside():
    selection = Selection(toolsets=("lifecycle",), allow_destructive=True, cluster=True)
    async with Client(build_server(Cluster(), ServerOptions(selection=selection))) as client:
        tools = (await client.list_tools()).tools
    assert {tool.name: sorted(tool.input_schema["properties"]) for tool in tools} == {
        "start_kubeshark": ["namespaces", "pod_regex", "release_namespace", "values"],
        "stop_kubeshark": ["release_namespace"],
    }
    assert all(tool.annotations.destructive_hint and tool.annotations.open_world_hint for tool in tools)
    assert all(len(tool.description or "") <= 300 for tool in tools)
