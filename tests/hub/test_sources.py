"""Raw captures, their nodes, and the Kubernetes objects beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.sources import CaptureSource, node_of, raw_sources, read_resources, resource_files
from kubeshark_mcp.hub.workspace import Workspace


@pytest.mark.parametrize(
    ("name", "node"),
    [("node-a.pcap", "node-a"), ("w1.pcapng.gz", "w1"), ("X.CAP", "X"), ("dump", "dump"), ("a.b.pcap", "a.b")],
)
def test_a_file_name_suggests_a_node(name: str, node: str):
    assert node_of(Path("/captures") / name) == node


def test_captures_of_the_workspace_come_behind_those_that_were_named(tmp_path: Path):
    workspace = Workspace(tmp_path)
    for name in ("n1/b.pcap", "n1/a.pcapng", "n2/c.pcap.gz", "n2/notes.txt"):
        path = workspace.raw / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    named = CaptureSource(Path("x.pcap"), "n0")
    found = raw_sources(workspace, [named])
    assert [(source.node, source.path.name) for source in found] == [
        ("n0", "x.pcap"), ("n1", "a.pcapng"), ("n1", "b.pcap"), ("n2", "c.pcap.gz"),
    ]  # fmt: skip


def test_objects_beside_a_capture_are_taken_unless_others_are_named(tmp_path: Path):
    source = CaptureSource(tmp_path / "a.pcap", "a")
    assert resource_files([source], []) == []
    (tmp_path / "resources.json").write_text("{}")
    assert resource_files([source, source], []) == [tmp_path / "resources.json"]
    assert resource_files([source], [Path("other.json")]) == [Path("other.json")]


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), ("{", "is not JSON"), ("[]", "holds a list, not a Kubernetes List")],
)
def test_what_is_no_objects_file_is_refused_with_how_to_make_one(content, says, tmp_path: Path):
    path = tmp_path / "resources.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match=says):
        read_resources(path)
