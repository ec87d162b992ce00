"""Which toolsets there are, and which tools a server has: found by entry point, chosen by the operator."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from types import ModuleType

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.plugin import Tool, Toolset

GROUP = "kubeshark_mcp.toolsets"
"""Entry-point group: each names a module or package whose Toolset classes are taken."""

HUB_TOOLSET = "hub"
"""The name under which `--toolsets` chooses the tools that only the Hub has."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Registered:
    """A tool with the toolset that it belongs to."""

    tool: Tool
    toolset: Toolset


@dataclass(frozen=True, slots=True)
class Selection:
    """What the operator chose. toolsets: None for all. A tool in exclude_tools, or a destructive one, loses always.

    elsewhere: the Hub is not in this process and may have tools of its own, so that names cannot all be known here.
    cluster: it is found in a Kubernetes cluster, so that the toolsets that need one are there.
    """

    toolsets: tuple[str, ...] | None = None
    exclude_tools: tuple[str, ...] = ()
    allow_destructive: bool = False
    elsewhere: bool = False
    cluster: bool = False


def find_toolsets() -> list[type[Toolset]]:
    """Import what the entry points name and give the toolset classes by name.

    A package of somebody else that cannot be imported is reported in the log and left out; ours must work.
    """
    found: dict[str, type[Toolset]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name != "builtin", point.name)):
        try:
            classes = list(_toolsets_of(point.load()))
        except Exception:
            if point.name == "builtin":
                raise
            log.exception(
                "The toolsets of entry point %r (%s) cannot be imported; they are left out.", point.name, point.value
            )
            continue
        for toolset in classes:
            if toolset.name in found:
                log.warning("A second toolset named %r, from %s, is left out.", toolset.name, toolset.__module__)
            else:
                found[toolset.name] = toolset
    return [found[name] for name in sorted(found)]


def _toolsets_of(loaded: object) -> Iterable[type[Toolset]]:
    if inspect.isclass(loaded) and issubclass(loaded, Toolset):
        yield loaded
    elif isinstance(loaded, ModuleType):
        names = [module.name for module in pkgutil.iter_modules(getattr(loaded, "__path__", []))]
        for module in [loaded, *(importlib.import_module(f"{loaded.__name__}.{name}") for name in names)]:
            for member in vars(module).values():
                if inspect.isclass(member) and issubclass(member, Toolset) and member.__module__ == module.__name__:
                    yield member


def choose(toolsets: Sequence[type[Toolset]], selection: Selection) -> dict[str, Registered]:
    """Give the tools that a server has, by name, in a stable order.

    Raises UsageError for a toolset or tool that does not exist, and when nothing is left.
    """
    chosen = _chosen(toolsets, selection)
    every = {tool.name for toolset in toolsets for tool in toolset.tools()}
    for name in selection.exclude_tools:
        if name not in every and not selection.elsewhere:
            raise UsageError(f"There is no tool {name!r} to exclude.{_did_you_mean(name, every)}")
    tools: dict[str, Registered] = {}
    for toolset in chosen:
        instance = toolset()
        for tool in toolset.tools():
            if tool.name in selection.exclude_tools or (tool.destructive and not selection.allow_destructive):
                continue
            if tool.name in tools:
                log.warning("A second tool named %r, from toolset %r, is left out.", tool.name, toolset.name)
                continue
            tools[tool.name] = Registered(tool, instance)
    if not tools and not (selection.elsewhere and HUB_TOOLSET in (selection.toolsets or ())):
        raise UsageError("No tool is left: choose other toolsets, or exclude fewer tools.")
    return tools


def _chosen(toolsets: Sequence[type[Toolset]], selection: Selection) -> list[type[Toolset]]:
    if selection.toolsets is None:
        return [toolset for toolset in toolsets if selection.cluster or not toolset.cluster_only]
    known = {toolset.name: toolset for toolset in toolsets}
    for name in selection.toolsets:
        if name == HUB_TOOLSET and selection.elsewhere:
            continue
        if name not in known:
            valid = ", ".join(known)
            raise UsageError(f"There is no toolset {name!r}.{_did_you_mean(name, known)} Toolsets: {valid}.")
        if known[name].cluster_only and not selection.cluster:
            raise UsageError(f"The toolset {name!r} works on a cluster: start the server with --cluster.")
    return [toolset for toolset in toolsets if toolset.name in selection.toolsets]


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
