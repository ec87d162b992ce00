"""What a capture tells depends neither on how its packets were carried nor on how TCP cut what they carry.

The captures are the project's own recordings, rewritten: in tunnels, with other addresses, in other pieces, repeated,
out of order, and from a later beginning on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Dissection, dissect_file
from tests.corpus.rewrap import (
    CARRIERS,
    PLAIN,
    Carrier,
    Packet,
    in_pieces,
    one_sided,
    packets_of,
    repeated,
    swapped,
    to_ipv6,
    unopened,
)

RECORDINGS = Path(__file__).parents[1] / "recordings"
CONNECTIONS = frozenset({"tcp", "udp", "tcp_conn", "udp_conn", "tcp_flow", "udp_flow"})
BEGINNINGS = 12
"""How many later beginnings of a capture are tried."""

Change = Callable[[Iterable[Packet]], Iterable[Packet]]

CHANGES: dict[str, Change] = {
    "bytes": lambda packets: in_pieces(packets, 1),
    "pieces of 100": lambda packets: in_pieces(packets, 100),
    "repeated": repeated,
    "small and repeated": lambda packets: repeated(in_pieces(packets, 7)),
    "out of order": swapped,
    "small and out of order": lambda packets: swapped(in_pieces(packets, 100)),
    "unopened": unopened,
}


def recordings() -> list[Path]:
    """Give all recordings of one capture point."""
    return [path for path in sorted(RECORDINGS.glob("*/*.pcap")) if path.parent.name != "sightings"]


def chosen() -> list[Any]:
    """Give the smallest recording of each protocol for every run, the others for long ones."""
    by_size = sorted(recordings(), key=lambda path: path.stat().st_size)
    seen: Counter[Path] = Counter()
    found = []
    for path in by_size:
        seen[path.parent] += 1
        marks = [] if seen[path.parent] == 1 else [pytest.mark.slow]
        found.append(pytest.param(path, id=f"{path.parent.name}/{path.stem}", marks=marks))
    return found


def settings_for(path: Path) -> Settings:
    keys = path.with_name(f"{path.name}.keylog")
    return Settings(secrets=tuple(keys.read_text().splitlines()) if keys.exists() else ())


@cache
def packets(path: Path) -> tuple[Packet, ...]:
    found = packets_of(path)
    assert found is not None, "a recording carries plain IP"
    return tuple(found)


def rewritten(path: Path, tmp_path: Path, change: Change = tuple, carrier: Carrier = PLAIN) -> Dissection:
    return dissect_file(carrier.write(tmp_path / "rewritten", change(packets(path))), settings=settings_for(path))


def told(result: Dissection) -> Counter[str]:
    """Give what the entries say, as text: all but packets, times and addresses."""
    return Counter(repr(outline(entry)) for entry in result.entries if entry.protocol not in CONNECTIONS)


def outline(entry: Entry) -> tuple[object, ...]:
    spans = [span and (span.offset, span.length, span.missing) for span in (entry.request, entry.response)]
    ports = entry.connection.client.port, entry.connection.server.port
    outcome = entry.summary, entry.status, entry.failed, entry.malformed
    return (
        entry.protocol,
        ports,
        spans,
        outcome,
        sorted(entry.fields.items()),
        entry.request_body,
        entry.response_body,
    )


@cache
def original(path: Path) -> Counter[str]:
    return told(dissect_file(path, settings=settings_for(path)))


@pytest.mark.parametrize("path", chosen())
def test_entries_are_the_same_however_packets_are_carried(path: Path, tmp_path: Path):
    for name, carrier in {"plain": PLAIN, **CARRIERS}.items():
        result = rewritten(path, tmp_path, carrier=carrier)
        assert (result.warnings, told(result) - original(path), original(path) - told(result)) == ([], {}, {}), name


@pytest.mark.parametrize("path", chosen())
def test_entries_are_the_same_whatever_tcp_does_with_their_bytes(path: Path, tmp_path: Path):
    for name, change in CHANGES.items():
        result = rewritten(path, tmp_path, change)
        assert (result.warnings, told(result) - original(path), original(path) - told(result)) == ([], {}, {}), name


@pytest.mark.parametrize("path", [path for path in chosen() if path.values[0].parent.name != "icmp"])
def test_entries_are_the_same_over_ipv6(path: Path, tmp_path: Path):
    assert told(rewritten(path, tmp_path, to_ipv6)) == original(path)


@pytest.mark.parametrize("path", chosen())
def test_nothing_is_taken_for_another_protocol_where_a_capture_begins_later_or_has_one_side(path: Path, tmp_path: Path):
    whole = dissect_file(path, settings=settings_for(path)).entries
    usual = {entry.protocol for entry in whole}
    servers = {entry.connection.server.port for entry in whole}
    every = packets(path)
    step = max(1, len(every) // BEGINNINGS)
    parts = {f"from packet {start + 1} on": every[start:] for start in range(step, len(every), step)}
    for client in (True, False):
        parts[f"client {client}"] = tuple(one_sided(every, servers, client=client))
    for name, part in parts.items():
        found = dissect_file(PLAIN.write(tmp_path / "part", part), settings=settings_for(path)).entries
        strangers = [(e.protocol, e.summary) for e in found if e.protocol not in usual | CONNECTIONS]
        assert strangers == [], name
