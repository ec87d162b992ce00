"""One share of a run: its captures become files of one task; the names that captures tell are found beforehand."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.errors import CaptureError
from kubeshark_mcp.hub.dissecting import Dissecting
from kubeshark_mcp.hub.runs import Outcome, Run, Share
from kubeshark_mcp.hub.sources import CaptureSource

RECORDED = Path(__file__).resolve().parents[1] / "recordings"
UDP, TCP = (CaptureSource(RECORDED / "dns" / f"{name}.pcap", "node") for name in ("udp", "tcp"))


def nobody(outcome: Outcome) -> None:
    """Listen to nothing."""


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


def test_a_lone_capture_that_is_none_is_an_error(tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture, but long enough to be one")
    with pytest.raises(CaptureError, match=r"bad\.pcap"):
        Dissecting(Run([CaptureSource(bad, "bad")], []), Share(0, 0, 1, 0), tmp_path / "entries", [])(nobody)
