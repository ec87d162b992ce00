"""Captures of other projects and what is true of them: found beside the checkout, never copied into it."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.dissect.base import ConnectionProtocol, Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.hub.offline import names_of
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import ConnectionStats
from kubeshark_mcp.stream.engine import StreamEngine

CAPTURES = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures")
MISSING = f"no captures in {CAPTURES}: set KUBESHARK_CAPTURES to a folder with manifest.json"


@dataclass(frozen=True)
class Case:
    """One capture with what tshark says of it. summary: messages by protocol. lists: rows by kind of message."""

    file: str
    protocol: str
    decode_as: tuple[str, ...]
    summary: dict[str, dict[str, int]]
    lists: dict[str, list[dict[str, Any]]]
    recognised_by_tshark: bool
    packets: int

    @property
    def path(self) -> Path:
        return CAPTURES / self.file

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return self.lists.get(kind, [])


@dataclass
class Dissection:
    """What came of one capture."""

    entries: list[Entry] = field(default_factory=list)
    stats: list[ConnectionStats] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    packets: int = 0
    bytes_fed: int = 0
    bytes_dissected: int = 0
    bytes_recognised: int = 0
    bytes_unknown: int = 0

    def of(self, protocol: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.protocol == protocol]


@cache
def cases(protocol: str = "") -> tuple[Case, ...]:
    """Give the captures of one protocol's folder, or all; none where the folder is absent."""
    manifest = CAPTURES / "manifest.json"
    if not manifest.exists():
        return ()
    found = json.loads(manifest.read_text())["files"]
    return tuple(case(item) for item in found if protocol in {"", item["protocol"]})


def case(item: dict[str, Any]) -> Case:
    """Take the larger of the two truths for each kind of message."""
    lists = dict(item.get("truth", {}).get("lists", {}))
    for kind, rows in item.get("truth_alt", {}).get("lists", {}).items():
        if len(rows) > len(lists.get(kind, [])):
            lists[kind] = rows
    return Case(
        item["file"],
        item["protocol"],
        tuple(json.loads(item["decode_as"]) if isinstance(item["decode_as"], str) else item["decode_as"] or ()),
        item.get("summary") or {},
        lists,
        bool(item.get("recognised_by_tshark")),
        item["packets"],
    )


def parameters(protocol: str = "") -> list[Any]:
    """Give pytest parameters: one for each capture, or one that skips with the reason."""
    found = [pytest.param(each, id=each.file) for each in cases(protocol)]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=MISSING), id="absent")]


def decode_as(rules: Iterable[str]) -> dict[tuple[str, int], str]:
    """Read tshark's -d rules (`tcp.port==27017,mongo`), as far as the named protocol is installed."""
    known = names_of(load_protocols())
    found = {}
    for rule in rules:
        match = re.fullmatch(r"(tcp|udp)\.port==(\d+),(\w+)", rule)
        assert match is not None, rule
        if name := known.get(match[3]):
            found[match[1], int(match[2])] = name
    return found


def dissect_file(path: Path, rules: Iterable[str] = (), settings: Settings | None = None) -> Dissection:
    """Take one capture through capture, stream and dissect."""
    protocols = load_protocols()
    result = Dissection()
    streams = StreamEngine(columns=True)
    engine = DissectionEngine(protocols, settings or Settings(decode_as=decode_as(rules)), result.entries.append)
    with open_capture(path) as capture:
        for block in capture.blocks():
            result.packets += len(block)
            for event in streams.feed(block):
                engine.feed(event)
        for event in streams.finish():
            engine.feed(event)
    engine.finish()
    result.stats = [engine.described(stats) for stats in streams.stats()]
    result.bytes_fed, result.bytes_dissected = engine.bytes_fed, engine.bytes_dissected
    result.bytes_recognised, result.bytes_unknown = engine.bytes_recognised, engine.bytes_unknown
    result.warnings = [str(warning) for warning in engine.warnings]
    for protocol in protocols:
        if isinstance(protocol, ConnectionProtocol):
            result.entries += protocol.entries(result.stats)
    return result


@cache
def of_file(file: str, rules: tuple[str, ...] = ()) -> Dissection:
    """Take a capture of the corpus through capture, stream and dissect, once for all tests of it."""
    return dissect_file(CAPTURES / file, rules)


@cache
def expected() -> dict[str, Any]:
    """Give what the projects that the captures come from expect of them, by file."""
    found: dict[str, Any] = json.loads((CAPTURES / "expected.json").read_text())
    return found


def differences(name: str, ours: Iterable[Any], theirs: Iterable[Any]) -> list[str]:
    """Say what one side has and the other has not, as multisets; empty when both agree."""
    mine, other = Counter(ours), Counter(theirs)
    lines = [f"{name}: only here {count} x {value!r}" for value, count in (mine - other).items()]
    return lines + [f"{name}: only there {count} x {value!r}" for value, count in (other - mine).items()]
