"""The plugin API: one screen, and all that a toolset needs."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

import kubeshark_mcp.plugin as api
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.plugin import Clock, Duration, Limit, Time, Tool, ToolContext, Toolset, check_window, tool
from kubeshark_mcp.present.fencing import Fence
from kubeshark_mcp.present.presenter import Presenter
from kubeshark_mcp.present.redaction import Redactor

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 11, 1, 13, tzinfo=UTC)


class Greetings(Toolset):
    """Say hello."""

    name = "greetings"

    @tool(title="Greet", read_only=True)
    async def greet(self, context: ToolContext, who: str) -> str:
        """Greet
        somebody.
        """
        return f"Hello {who}"

    @tool(title="Forget", destructive=True, open_world=True)
    async def forget(self, context: ToolContext) -> str:
        """Forget everybody."""
        return "Who?"

    async def helper(self) -> None:
        """Be no tool."""


def context(*registered: str, reports: list | None = None) -> ToolContext:
    async def report(done: float, total: float | None, message: str) -> None:
        if reports is not None:
            reports.append((done, total, message))

    async def confirm(question: str) -> None:
        raise UsageError(question)

    show = Presenter(Clock(UTC), Redactor(b"k"), Fence(b"k"))
    return ToolContext(
        hub=None,  # type: ignore[arg-type]
        clock=Clock(UTC),
        show=show,
        paths=None,  # type: ignore[arg-type]
        registered=frozenset(registered),
        confirm=confirm,
        report=report,
    )


def test_tools_are_the_marked_methods_in_the_order_in_which_they_are_written():
    greet, forget = Greetings.tools()
    assert greet == Tool("greet", "Greet", "Greet somebody.", Greetings.greet, read_only=True, idempotent=True)
    assert forget == Tool("forget", "Forget", "Forget everybody.", Greetings.forget, destructive=True, open_world=True)


async def test_a_tool_is_still_a_plain_method():
    assert await Greetings().greet(context(), "Ann") == "Hello Ann"


def test_a_time_is_read_with_the_clock_of_the_call():
    clock = Clock(UTC, lambda: NOW)
    assert TypeAdapter(Time).validate_python("now", context={"clock": clock}) == NOW
    assert TypeAdapter(Time).validate_python("2026-11-01T13:00:00Z") == NOW
    with pytest.raises(UsageError):
        TypeAdapter(Time).validate_python("soon")


def test_a_duration_arrives_in_seconds_and_a_limit_has_bounds():
    assert TypeAdapter(Duration).validate_python("2m") == 120
    with pytest.raises(ValidationError):
        TypeAdapter(Limit).validate_python(1001)


def test_a_window_may_be_open_but_not_reversed():
    check_window(NOW, None)
    check_window(NOW, NOW)
    with pytest.raises(UsageError, match=r"^from \(2026-11-01T13:00:00\+00:00\) is after to \("):
        check_window(NOW, NOW.replace(hour=12), ("from", "to"))


def test_hints_name_registered_tools_only():
    assert context("greet").hint("greet", who="Ann") == 'Next: greet(who="Ann")'
    assert context("greet").hint("greet", "Or: ", name="x") == 'Or: greet(name="x")'
    assert context().hint("greet", who="Ann") == ""
    assert context("greet").has_tool("greet")


async def test_waiting_looks_until_the_job_has_ended():
    states, reports = iter([2, 3]), []

    async def look() -> int:
        return next(states)

    last = await context(reports=reports).wait_for(
        1, ended=lambda state: state == 3, look=look, progress=lambda state: (state * 33.0, f"at {state}")
    )
    assert last == 3
    assert reports == [(33.0, 100, "at 1"), (66.0, 100, "at 2"), (99.0, 100, "at 3")]


async def test_waiting_gives_up_in_time_and_leaves_the_job():
    async def look() -> int:
        return 1

    assert await context().wait_for(1, lambda state: False, look, lambda state: (0.0, ""), seconds=0.1) == 1


def test_the_api_fits_on_a_screen_and_says_what_it_exports():
    assert len(Path(api.__file__).read_text().splitlines()) < 260
    assert len(api.__all__) == len(set(api.__all__))
    assert all(hasattr(api, name) for name in api.__all__)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "plugins" / "kubeshark_plugins").glob("*.py")), ids=lambda path: path.stem
)
def test_the_shipped_toolsets_import_what_the_api_exports(path):
    imported = {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("kubeshark_mcp")
        for alias in node.names
    }
    assert imported <= set(api.__all__)


def test_the_example_of_the_documentation_works():
    space: dict = {}
    docstring = api.__doc__ or ""
    code = [line[4:] for line in docstring.splitlines() if line.startswith("    ")]
    exec("\n".join(code), space)
    assert [made.name for made in space["Clocks"].tools()] == ["tell_time"]


def test_the_example_of_the_readme_works():
    readme = (ROOT / "plugins" / "README.md").read_text()
    space: dict = {}
    exec(readme.partition("```python\n")[2].partition("```")[0], space)
    (made,) = space["SlowToolset"].tools()
    assert (made.name, made.read_only) == ("list_slow_calls", True)
