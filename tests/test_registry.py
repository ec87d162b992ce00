"""Which toolsets there are, and which tools a server has."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from kubeshark_mcp import registry
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.plugin import Toolset, tool
from kubeshark_mcp.registry import Selection, choose, find_toolsets


class Reading(Toolset):
    """Reads."""

    name = "reading"

    @tool(title="Look", read_only=True)
    async def look(self, context) -> str:
        """Look."""
        return ""

    @tool(title="Burn", destructive=True)
    async def burn(self, context) -> str:
        """Burn."""
        return ""


class Writing(Toolset):
    """Writes."""

    name = "writing"

    @tool(title="Write")
    async def write(self, context) -> str:
        """Write."""
        return ""


BOTH = [Reading, Writing]


def names(**selection) -> list[str]:
    return list(choose(BOTH, Selection(**selection)))


def test_all_but_the_destructive_tools_are_there_by_default():
    assert names() == ["look", "write"]
    assert names(allow_destructive=True) == ["look", "burn", "write"]


def test_toolsets_are_chosen_by_name_and_tools_left_out():
    assert names(toolsets=("writing",)) == ["write"]
    assert names(exclude_tools=("look",)) == ["write"]


def test_an_excluded_tool_stays_out_even_when_destruction_is_allowed():
    assert names(allow_destructive=True, exclude_tools=("burn",)) == ["look", "write"]


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (
            {"toolsets": ("writin",)},
            "There is no toolset 'writin'. Did you mean 'writing'? Toolsets: reading, writing.",
        ),
        ({"toolsets": ("zzz",)}, "There is no toolset 'zzz'. Toolsets: reading, writing."),
        ({"exclude_tools": ("lock",)}, "There is no tool 'lock' to exclude. Did you mean 'look'?"),
        ({"toolsets": ()}, "No tool is left: choose other toolsets, or exclude fewer tools."),
        ({"exclude_tools": ("look", "write")}, "No tool is left: choose other toolsets, or exclude fewer tools."),
    ],
)
def test_unknown_names_and_nothing_left_are_refused(selection, sentence):
    with pytest.raises(UsageError) as caught:
        names(**selection)
    assert str(caught.value) == sentence


def test_a_second_tool_of_a_name_is_left_out_and_said_so(caplog):
    class Again(Toolset):
        """Reads again."""

        name = "again"
        look = Reading.look

    assert choose([Reading, Again], Selection())["look"].toolset.name == "reading"
    assert "A second tool named 'look', from toolset 'again', is left out." in caplog.text


def test_the_shipped_toolsets_are_found_by_entry_point():
    assert [toolset.name for toolset in find_toolsets()] == [
        "analysis", "api_calls", "cloud", "dissection", "files", "kfl", "l4_flows", "lifecycle", "pcap", "snapshots",
        "status", "tcp_insights",
        "workloads",
    ]  # fmt: skip


def found(monkeypatch, *points: tuple[str, str]) -> list[str]:
    made = EntryPoints(EntryPoint(name, value, registry.GROUP) for name, value in points)
    monkeypatch.setattr(registry, "entry_points", lambda group: made)
    return [toolset.name for toolset in find_toolsets()]


def test_a_strangers_package_module_or_class_is_found_too(monkeypatch, tmp_path):
    source = "from kubeshark_mcp.plugin import Toolset\nclass Mine(Toolset):\n    '''Mine.'''\n    name = '{}'\n"
    package = tmp_path / "strange_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text(source.format("one"))
    (tmp_path / "strange_module.py").write_text(source.format("two"))
    monkeypatch.syspath_prepend(tmp_path)
    points = [("a", "strange_package"), ("b", "strange_module"), ("c", "strange_module:Mine")]
    assert found(monkeypatch, *points) == ["one", "two"]
    for name in ("strange_package", "strange_package.one", "strange_module"):
        sys.modules.pop(name)


def test_a_strangers_package_that_is_broken_does_not_break_the_server(monkeypatch, caplog):
    with caplog.at_level(logging.ERROR):
        assert found(monkeypatch, ("stranger", "no_such_module_anywhere"), ("builtin", "kubeshark_plugins.status")) == [
            "status"
        ]
    assert "'stranger' (no_such_module_anywhere) cannot be imported" in caplog.text


def test_our_own_package_must_work(monkeypatch):
    with pytest.raises(ModuleNotFoundError):
        found(monkeypatch, ("builtin", "no_such_module_anywhere"))
