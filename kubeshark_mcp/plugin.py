'''The plugin API: all that a toolset may import, on one screen.

    from kubeshark_mcp.plugin import Time, ToolContext, Toolset, tool

    class Clocks(Toolset):
        """Tell the time."""

        name = "clocks"

        @tool(title="What time is it", read_only=True)
        async def tell_time(self, context: ToolContext, of: Time | None = None) -> str:
            """Print a time in the user's zone."""
            return context.show.time(of or context.clock.now())

A module of the package `kubeshark_plugins`, or of a package of your own that names it in the entry-point group
`kubeshark_mcp.toolsets`, is found by itself. Arguments are plain typed parameters; pydantic's Field in Annotated gives
descriptions and bounds. The docstring is the description that the model reads: keep it under 300 characters.
Errors of `kubeshark_mcp.errors` (here: UsageError and its kin) reach the model as their sentence.
'''

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol, TypeVar

from pydantic import BeforeValidator, Field, ValidationInfo, WithJsonSchema

from kubeshark_mcp.analyse.tcp_health import Verdict
from kubeshark_mcp.analyse.tcp_health import judge as judge_connection
from kubeshark_mcp.errors import ConflictError, KubesharkError, NotFoundError, UnsupportedError, UsageError
from kubeshark_mcp.hub import contract, contract_analysis, contract_cloud, contract_remote, contract_views
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.present.hints import call_text
from kubeshark_mcp.present.presenter import Presenter
from kubeshark_mcp.present.times import Clock, parse_duration

__all__ = [
    "Answer",
    "Clock",
    "ConflictError",
    "Duration",
    "Field",
    "Hub",
    "KubesharkError",
    "Limit",
    "NotFoundError",
    "Presenter",
    "Time",
    "Tool",
    "ToolContext",
    "Toolset",
    "UnsupportedError",
    "UsageError",
    "Verdict",
    "check_window",
    "contract",
    "contract_analysis",
    "contract_cloud",
    "contract_remote",
    "contract_views",
    "judge_connection",
    "tool",
]

Function = Callable[..., Awaitable["Answer | str"]]
State = TypeVar("State")


def _time(value: object, info: ValidationInfo) -> datetime:
    clock: Clock = (info.context or {}).get("clock") or Clock()
    return clock.parse(value, info.field_name or "time")


def _duration(value: object, info: ValidationInfo) -> float:
    return parse_duration(value, info.field_name or "duration")


Time = Annotated[
    datetime, BeforeValidator(_time), WithJsonSchema({"type": "string", "description": "RFC 3339, Unix ms, or -15m"})
]
"""An argument that is a time, however it is given; arrives as an aware datetime."""

Duration = Annotated[float, BeforeValidator(_duration), WithJsonSchema({"type": "string"})]
"""An argument that is a length of time (`30m`); arrives as seconds."""

Limit = Annotated[int, Field(ge=1, le=1000)]
"""How many rows at most."""


def check_window(start: datetime | None, end: datetime | None, names: tuple[str, str] = ("start", "end")) -> None:
    """Raise UsageError when a window ends before it begins."""
    if start is not None and end is not None and start > end:
        first, last = names
        raise UsageError(
            f"{first} ({start.isoformat()}) is after {last} ({end.isoformat()}); exchange them, or leave one out."
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool gives: text for the model, and small facts for programs (ids, counts, cursor).

    facts travel in the result's `_meta`, under `kubeshark/facts`, and not as structured content: clients that receive
    structured content show the model that alone, and the text, which is the answer, would be lost.
    """

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool as it was declared. The four hints are those of MCP's tool annotations."""

    name: str
    title: str
    description: str
    function: Function
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = False
    open_world: bool = False


def tool(
    *,
    title: str,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = False,
    open_world: bool = False,
) -> Callable[[Function], Function]:
    """Make an async method a tool of its name; its docstring is the description.

    read_only: changes nothing. destructive: deletes or stops something; registered with --allow-destructive only, and
    must ask with `context.confirm` before it acts. idempotent: a second call changes nothing more. open_world: reaches
    beyond this Hub.
    """

    def mark(function: Function) -> Function:
        description = " ".join((function.__doc__ or "").split())
        made = Tool(
            name=function.__name__,
            title=title,
            description=description,
            function=function,
            read_only=read_only,
            destructive=destructive,
            idempotent=idempotent or read_only,
            open_world=open_world,
        )
        function.tool = made  # type: ignore[attr-defined]
        return function

    return mark


class Toolset:
    """A group of tools that is switched on or off together. The class's docstring says what it is for.

    cluster_only: its tools exist only where the server works on a cluster.
    """

    name: ClassVar[str] = ""
    cluster_only: ClassVar[bool] = False

    @classmethod
    def tools(cls) -> list[Tool]:
        """Give the tools in the order in which they are written."""
        return [made for member in vars(cls).values() if isinstance(made := getattr(member, "tool", None), Tool)]


class Paths(Protocol):
    """Where files may be written."""

    def resolve_destination(self, dest: str | None, default_name: str, overwrite: bool = False) -> Path:
        """Give the path to write to; raises UsageError when it lies outside, or exists and `overwrite` is not set."""


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool works with; one for each call.

    hub: answers questions. clock: the time and the user's zone. show: turns answers into text (redacted, fenced).
    paths: where files may be written. registered: names of the tools that this server has.
    confirm: asks the person, where the client can, before something is destroyed; raises UsageError on a no. It may run
        the tool from its beginning a second time with the answer, so ask before you act.
    report: sends progress (done, total, message) to the client.
    """

    hub: Hub
    clock: Clock
    show: Presenter
    paths: Paths
    registered: frozenset[str]
    confirm: Callable[[str], Awaitable[None]]
    report: Callable[[float, float | None, str], Awaitable[None]]

    def has_tool(self, name: str) -> bool:
        """Tell whether this server has that tool; one that it has not is never named in an answer."""
        return name in self.registered

    def hint(self, tool_name: str, lead: str = "Next: ", /, **arguments: Any) -> str:
        """Suggest a call: `Next: get_api_call(id="…")`, or nothing when that tool is not registered."""
        return f"{lead}{call_text(tool_name, arguments)}" if self.has_tool(tool_name) else ""

    async def wait_for(
        self,
        state: State,
        ended: Callable[[State], bool],
        look: Callable[[], Awaitable[State]],
        progress: Callable[[State], tuple[float, str]],
        seconds: float = 50.0,
    ) -> State:
        """Look again until the job has ended, reporting progress (0..100, message); give the last state seen.

        Stops after `seconds`, below the minute that clients commonly wait; the job goes on.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        pause = 0.05
        while not ended(state) and asyncio.get_running_loop().time() < deadline:
            done, message = progress(state)
            await self.report(done, 100, message)
            await asyncio.sleep(pause)
            pause = min(1.0, pause * 1.5)
            state = await look()
        done, message = progress(state)
        await self.report(done, 100, message)
        return state
