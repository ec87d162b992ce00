"""1,000 mutations of the project's own recordings of each protocol, and noise: nothing raised, slow, or kept."""

from __future__ import annotations

import random
import resource
import time
from functools import cache
from pathlib import Path

import pytest

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.dissect.base import ConnectionProtocol, Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.engine import DissectionEngine
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.model.stream import Closing, Datagram, Window
from kubeshark_mcp.stream.engine import StreamEngine
from tests.corpus.mutations import run
from tests.dissect.conversation import CLIENT, SERVER, START_NS, Talk, connection, packets, windows
from tests.dissect.test_laws import damage
from tests.stream.building import one_by_one

RECORDINGS = Path(__file__).parents[1] / "recordings"
MUTATIONS = 1000
LONGEST = 6000
"""Bytes of a conversation that are mutated; its beginning where it is longer."""
READERS = {found.name: found for found in load_protocols() if not isinstance(found, ConnectionProtocol)}
FOLDERS = sorted({"grpc", *READERS} & {path.name for path in RECORDINGS.iterdir()})
IN_COLUMNS = sorted(
    name for name, found in READERS.items() if found.columns(Settings()) or found.stream_columns(Settings())
)
FLAGS = {"grpc": "http2", "gql": "http"}
"""What a folder's captures are, where its name is no protocol that claims bytes."""


@cache
def conversations(folder: str) -> list[tuple[str, Talk]]:
    """Give the conversations of a protocol's recordings with their transports."""
    found: dict[tuple[str, str, int], list[tuple[object, bytes]]] = {}
    for path in sorted((RECORDINGS / folder).glob("*.pcap")):
        streams = StreamEngine()
        with open_capture(path) as capture:
            events = [event for block in capture.blocks() for event in one_by_one(streams.feed(block), {})]
        for event in (*events, *one_by_one(streams.finish(), {})):
            if isinstance(event, Closing):
                continue
            of = event.connection
            talk = found.setdefault((path.name, of.transport, of.number), [])
            pieces = event.pieces if isinstance(event, Window) else [event]
            talk += [(piece.direction, piece.data) for piece in pieces]
    return [(transport, cut(talk)) for (_, transport, _), talk in found.items()]


def cut(talk: Talk) -> Talk:
    left, kept = LONGEST, []
    for direction, data in talk:
        if left > 0:
            kept.append((direction, data[:left]))
            left -= len(data)
    return kept


def feed(engine: DissectionEngine, number: int, transport: str, talk: Talk) -> None:
    """Play a conversation as one more connection of the same run."""
    of = connection(transport, 40080, number=number)
    if transport == "tcp":
        for window in windows(of, packets(talk)):
            engine.feed(window)
    else:
        for at, (direction, data) in enumerate(talk, 1):
            engine.feed(Datagram(of, direction, data, at, START_NS + at))
    engine.feed(Closing(of, "fin", START_NS + 10**9))


@pytest.mark.parametrize("folder", FOLDERS)
def test_mutations_of_recordings_raise_nothing_and_take_neither_long_nor_much(folder: str):
    name = FLAGS.get(folder, folder)
    known = conversations(folder)
    emitted: list[str] = []
    found = [type(protocol)() for protocol in READERS.values()]
    engine = DissectionEngine(found, Settings(), lambda entry: emitted.append(entry.protocol))
    declared = {(transport, 40080): name for transport in READERS[name].transports}
    reading = DissectionEngine(
        [type(READERS[name])()], Settings(decode_as=declared), lambda entry: emitted.append(entry.protocol)
    )
    before, slowest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0.0
    for number in range(MUTATIONS):
        choice = random.Random(number)
        transport, talk = known[number % len(known)]
        mutant = [(direction, damage(data, choice)) for direction, data in talk]
        begun = time.process_time()
        feed(reading if number % 2 and transport in READERS[name].transports else engine, number, transport, mutant)
        slowest = max(slowest, time.process_time() - begun)
    for one in (engine, reading):
        one.finish()
        assert [str(warning) for warning in one.warnings] == []
    assert slowest < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    assert emitted


@pytest.mark.parametrize("name", IN_COLUMNS)
def test_mutated_captures_of_what_is_read_as_columns_raise_nothing_and_stay_small(name: str, tmp_path: Path):
    files = [(path.name, path.read_bytes()) for path in sorted((RECORDINGS / name).glob("*.pcap"))]
    report = run(MUTATIONS, 1, tmp_path, files=files)
    assert report.faults == []
    assert report.runs == MUTATIONS
    assert report.entries > MUTATIONS


@pytest.mark.parametrize("name", [name for name, found in READERS.items() if not isinstance(found, Enricher)])
def test_64_kilobytes_of_noise_declared_to_be_a_protocol_are_survived(name: str):
    noise = random.Random(name)
    for transport in READERS[name].transports:
        size = 64 * 1024 if transport == "tcp" else 1400
        settings = Settings(decode_as={(transport, 40080): name})
        engine = DissectionEngine([type(READERS[name])()], settings, lambda entry: None)
        begun = time.process_time()
        for number in range(4):
            parts = [noise.randbytes(size) for _ in range(1 if transport == "tcp" else 46)]
            feed(engine, number, transport, [((CLIENT, SERVER)[at % 2], part) for at, part in enumerate(parts, number)])
        engine.finish()
        assert engine.warnings == []
        assert time.process_time() - begun < 4.0
