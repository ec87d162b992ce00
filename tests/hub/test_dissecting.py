"""One share of a run: its captures become files of one task; the names that captures tell are found beforehand."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub.dissecting import Dissecting, Naming, few_collections, ports_of
from kubeshark_mcp.hub.runs import Outcome, Run, Share
from kubeshark_mcp.hub.sources import CaptureSource

RECORDED = Path(__file__).resolve().parents[1] / "recordings"
UDP, TCP = (CaptureSource(RECORDED / "dns" / f"{name}.pcap", "node") for name in ("udp", "tcp"))


def nobody(outcome: Outcome) -> None:
    """Listen to nothing."""


def answered(path: Path, captures: list[CaptureSource]) -> set[tuple[int, str, str]]:
    """Give the names that the whole dissection finds in DNS answers."""
    from kubeshark_mcp.hub.offline import Offline

    path.mkdir()
    offline = Offline([str(source.path) for source in captures], [], [], path)
    offline.dissect(lambda fraction: None)
    found = set()
    for row in offline.entries("dns", None, True):
        for line in row.get("dns_addresses") or ():
            name, _, address = line.rsplit(" ", 2)
            found.add((name, address))
    return found


def test_the_names_of_dns_answers_are_those_that_its_entries_tell(tmp_path):
    names = Naming(Run([UDP, TCP], []), Share(0, 0, 2, 0))(nobody)
    assert {(name, address) for _, name, address in names} == answered(tmp_path / "all", [UDP, TCP])
    assert min(time_ns for time_ns, _, _ in names) > 1_600_000_000 * 10**9


def test_a_capture_that_cannot_be_read_tells_no_names(tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture, but long enough to be one")
    run = Run([CaptureSource(bad, "bad"), UDP], [])
    assert Naming(run, Share(0, 0, 1, 0))(nobody) == []
    assert Naming(run, Share(0, 0, 2, 0))(nobody) == Naming(Run([UDP], []), Share(0, 0, 1, 0))(nobody)


def test_a_share_writes_files_of_its_task_and_tells_how_far_it_is(tmp_path):
    told: list[Outcome] = []
    done = Dissecting(Run([UDP, TCP], []), Share(3, 1, 2, 0), tmp_path / "entries", [])(told.append)
    assert {path.name.split("-")[1] for path in (tmp_path / "entries").glob("*.parquet")} == {"3"}
    assert [quality.name for quality in done.qualities] == ["tcp.pcap"]
    assert len(done.tallies) == done.outcome.pcap_files == 1
    assert told[-1].packets_processed == done.outcome.packets_processed > 0
    assert done.outcome.entries_created > 0
    assert done.outcome.pcap_bytes == TCP.path.stat().st_size


def test_what_stops_the_one_who_listens_stops_the_work(tmp_path):
    def enough(outcome: Outcome) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Dissecting(Run([UDP], []), Share(0, 0, 1, 0), tmp_path / "entries", [])(enough)
    with pytest.raises(InterruptedError):
        Naming(Run([UDP], []), Share(0, 0, 1, 0))(enough)


def test_a_lone_capture_that_is_none_is_an_error(tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture, but long enough to be one")
    with pytest.raises(CaptureError, match=r"bad\.pcap"):
        Dissecting(Run([CaptureSource(bad, "bad")], []), Share(0, 0, 1, 0), tmp_path / "entries", [])(nobody)


def test_names_are_looked_for_on_the_ports_of_dns():
    assert ports_of(load_protocols()) == {53, 5353, 5355}


def test_the_collector_is_as_it_was_afterwards():
    before = gc.get_threshold()
    with few_collections():
        assert gc.get_threshold() != before
    assert gc.get_threshold() == before
