"""The conversations of one capture, divided among any number of processes, come to the same entries and reports."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub import pipeline
from kubeshark_mcp.hub.crew import Crew
from kubeshark_mcp.hub.jobs import CancelledJobError
from kubeshark_mcp.hub.pipeline import Outcome, Pipeline, Run
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.surveying import Surveying
from kubeshark_mcp.stream.limits import Limits

RECORDED = Path(__file__).resolve().parents[1] / "recordings"
HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
FOLDERS = sorted(path.name for path in RECORDED.iterdir() if any(path.glob("*.pcap")))
ROUNDS_S = (0, 100, 5000)
"""Everything happens three times: after the end of what ended is forgotten, and of what was left open."""


def packets_of(path: Path) -> Iterator[tuple[int, bytes]]:
    """Give (microseconds since the first packet, record header behind its time and packet) of a recording."""
    data, place, first = path.read_bytes(), 24, -1
    while place < len(data):
        seconds, micros, length = struct.unpack_from("<III", data, place)
        time = seconds * 10**6 + micros
        first = time if first < 0 else first
        yield time - first, data[place + 8 : place + 16 + length]
        place += 16 + length


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a capture of recordings of all protocols side by side, three times over with pauses between."""
    files = [path for folder in FOLDERS for path in sorted((RECORDED / folder).glob("*.pcap"))[:2]]
    files = [path for path in files if path.stat().st_size < 30_000]
    packets = [
        (start * 10**6 + number * 40_000 + time, data)
        for start in ROUNDS_S
        for number, path in enumerate(files)
        for time, data in packets_of(path)
    ]
    packets.sort(key=lambda packet: packet[0])
    records = [struct.pack("<II", 1_700_000_000 + time // 10**6, time % 10**6) + data for time, data in packets]
    path = tmp_path_factory.mktemp("mixed") / "mixed.pcap"
    path.write_bytes(HEADER + b"".join(records))
    return path


def told(folder: Path) -> list[str]:
    """Give all entries but for their ids, which depend on who made them."""
    base = EntryBase(folder, Language(load_protocols()))
    rows: list[dict[str, Any]] = [{**row, "_id": 0, "id": 0} for row in base.rows(None, None)]
    base.close()
    for row in rows:
        row["_sightings"] = re.sub(r'"id":\d+', "", row.get("_sightings") or "")
    return sorted(repr(sorted(row.items())) for row in rows)


def run_of(path: Path, workers: int, **changes: Any) -> Run:
    return Run([CaptureSource(path, "node")], [], workers=workers, share_bytes=1, piece_bytes=1, **changes)


def pieces_of(made: Pipeline) -> int:
    return len(made._shares)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one process do all pieces, one after the other."""
    monkeypatch.setattr(pipeline, "Crew", lambda size: Crew(1))


@pytest.mark.usefixtures("here")
def test_any_number_of_pieces_comes_to_the_same(tmp_path, mixed):
    alone = Pipeline(run_of(mixed, 1), tmp_path / "1")
    outcome, entries = alone.dissect(), told(tmp_path / "1")
    assert pieces_of(alone) == 1
    assert {"http", "dns", "kafka", "tcp_flow", "udp_flow", "icmp", "tcp_conn", "udp_conn"} <= set(
        outcome.protocol_counts
    )
    for workers in (2, 3, 5):
        divided = Pipeline(run_of(mixed, workers), tmp_path / str(workers))
        assert divided.dissect() == outcome
        assert pieces_of(divided) == workers
        assert told(tmp_path / str(workers)) == entries
        assert [path for path in (tmp_path / str(workers)).iterdir() if path.name.startswith(".")] == []


def test_processes_come_to_what_one_comes_to(tmp_path):
    path = RECORDED / "sightings" / "node-a.pcap"
    outcome = Pipeline(run_of(path, 1), tmp_path / "1").dissect()
    reported: list[tuple[float, Outcome]] = []
    divided = Pipeline(run_of(path, 3), tmp_path / "3", lambda *progress: reported.append(progress))
    assert divided.dissect() == outcome
    assert told(tmp_path / "3") == told(tmp_path / "1")
    assert max(done.pcap_bytes for _, done in reported) <= path.stat().st_size
    fractions = [fraction for fraction, _ in reported]
    assert fractions == sorted(fractions)
    assert 0 < fractions[-1] <= 1.0


@pytest.mark.usefixtures("here")
def test_several_captures_are_divided_each_and_calls_seen_twice_are_counted_once(tmp_path):
    nodes = [CaptureSource(RECORDED / "sightings" / f"{name}.pcap", name) for name in ("node-a", "node-b")]
    resources = [RECORDED / "sightings" / "resources.json"]
    run = Run(nodes, resources, workers=1, share_bytes=1, piece_bytes=1)
    outcome = Pipeline(run, tmp_path / "1").dissect()
    divided = Pipeline(replace(run, workers=6), tmp_path / "6")
    assert divided.dissect() == outcome
    assert told(tmp_path / "6") == told(tmp_path / "1")
    assert pieces_of(divided) > 2
    together = Pipeline(replace(run, workers=4, share_bytes=1 << 30), tmp_path / "4")
    assert together.dissect() == outcome
    assert pieces_of(together) == 4
    assert told(tmp_path / "4") == told(tmp_path / "1")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_names_that_are_told_late_are_known_from_the_beginning(tmp_path, workers):
    answers = list(packets_of(RECORDED / "dns" / "udp.pcap"))
    told_names = Surveying(
        run_of(RECORDED / "dns" / "udp.pcap", 1),
        Pipeline(run_of(RECORDED / "dns" / "udp.pcap", 1), tmp_path / "none")._shares[0],
    )(lambda outcome: None).names
    _, name, address = next(one for one in told_names if ":" not in one[2])
    server = bytes(map(int, address.split(".")))
    tcp = struct.pack("!HHIIBBHHH", 40000, 443, 1, 0, 0x50, 2, 64240, 0, 0)
    syn = (
        b"\0" * 12
        + b"\x08\0"
        + struct.pack("!BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0)
        + b"\x0a\1\2\3"
        + server
        + tcp
    )
    early = [(0, struct.pack("<II", len(syn), len(syn)) + syn)]
    late = [(time + 10**7, data) for time, data in answers]
    path = tmp_path / "late.pcap"
    path.write_bytes(HEADER + b"".join(struct.pack("<II", 1 + t // 10**6, t % 10**6) + d for t, d in early + late))
    Pipeline(run_of(path, workers), tmp_path / "entries").dissect()
    base = EntryBase(tmp_path / "entries", Language(load_protocols()))
    assert [row["dst.dns"] for row in base.rows(f'dst.ip == "{address}" && (tcp_conn || tcp_flow)', None)] == [name] * 2
    base.close()


def with_keys(path: Path) -> bytes:
    """Give a recording as a pcapng file that holds a key log."""

    def block(kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    keys = b"CLIENT_RANDOM " + b"00" * 32 + b" " + b"11" * 48 + b"\n"
    blocks = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", 1, 0, 0))]
    blocks.append(block(10, struct.pack("<II", 0x544C534B, len(keys)) + keys))
    for time, data in packets_of(path):
        blocks.append(block(6, struct.pack("<III", 0, (10**15 + time) >> 32, (10**15 + time) & 0xFFFFFFFF) + data))
    return b"".join(blocks)


@pytest.mark.usefixtures("here")
def test_where_a_capture_holds_keys_one_process_reads_all_conversations(tmp_path):
    path = tmp_path / "keys.pcapng"
    path.write_bytes(with_keys(RECORDED / "tlsx" / "resumption.pcap"))
    alone, divided = (Pipeline(run_of(path, workers), tmp_path / str(workers)) for workers in (1, 3))
    assert pieces_of(divided) == 3
    assert divided.dissect() == alone.dissect()
    assert pieces_of(divided) == 1
    assert told(tmp_path / "3") == told(tmp_path / "1")


def test_where_keys_are_given_one_process_reads_all_conversations(tmp_path):
    path = RECORDED / "tlsx" / "resumption.pcap"
    assert pieces_of(Pipeline(run_of(path, 3, settings=Settings(secrets=["CLIENT_RANDOM 00 11"])), tmp_path)) == 1


@pytest.mark.usefixtures("here")
def test_where_connections_have_to_give_way_one_process_reads_all_conversations(tmp_path, monkeypatch):
    few = Limits(open_connections=3)
    for room in ("surveying", "dissecting"):
        monkeypatch.setattr(f"kubeshark_mcp.hub.{room}.LIMITS", few)
    path = RECORDED / "sightings" / "node-a.pcap"
    alone, divided = (Pipeline(run_of(path, workers), tmp_path / str(workers)) for workers in (1, 4))
    assert divided.dissect() == alone.dissect()
    assert pieces_of(divided) == 1
    assert told(tmp_path / "4") == told(tmp_path / "1")


@pytest.mark.parametrize("when", ["surveyed", "dissected"])
def test_a_divided_run_that_is_given_up_says_so_and_leaves_nothing_complete(tmp_path, when):
    def give_up(fraction: float, outcome: Outcome) -> None:
        if when == "surveyed" or outcome.packets_processed:
            raise CancelledJobError("cancelled")

    path = RECORDED / "sightings" / "node-a.pcap"
    with pytest.raises(CancelledJobError):
        Pipeline(run_of(path, 3), tmp_path / "entries", give_up).dissect()
    assert list((tmp_path / "entries").glob("*.json")) == []


@pytest.mark.usefixtures("here")
def test_a_capture_that_is_none_is_an_error_alone_and_one_warning_among_others(tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"this is no capture at all, though it is long enough" * 1000)
    with pytest.raises(CaptureError, match=r"bad\.pcap"):
        Pipeline(run_of(bad, 3), tmp_path / "alone").dissect()
    sources = [CaptureSource(bad, "bad"), CaptureSource(RECORDED / "redis" / "resp2.pcap", "node")]
    outcomes = [
        Pipeline(Run(sources, [], workers=workers, share_bytes=1, piece_bytes=1), tmp_path / str(workers)).dissect()
        for workers in (1, 5)
    ]
    assert outcomes[0] == outcomes[1]
    assert len([warning for warning in outcomes[1].warnings if "bad.pcap" in warning]) == 1
