"""What is known before anything is dissected: the names that captures tell, and the numbers of connections."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from kubeshark_mcp.hub.reading import LIMITS
from kubeshark_mcp.hub.runs import Outcome, Run, Share
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.surveying import Survey, Surveying, explain_each_other, first_packets

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
    names = Surveying(Run([UDP, TCP], []), Share(0, 0, 2, 0))(nobody).names
    assert {(name, address) for _, name, address in names} == answered(tmp_path / "all", [UDP, TCP])
    assert min(time_ns for time_ns, _, _ in names) > 1_600_000_000 * 10**9


def test_a_capture_that_cannot_be_read_tells_no_names(tmp_path):
    bad = tmp_path / "bad.pcap"
    bad.write_bytes(b"no capture, but long enough to be one")
    run = Run([CaptureSource(bad, "bad"), UDP], [])
    assert Surveying(run, Share(0, 0, 1, 0))(nobody).names == []
    assert Surveying(run, Share(0, 0, 2, 0))(nobody).names == Surveying(Run([UDP], []), Share(0, 0, 1, 0))(nobody).names


def test_what_stops_the_one_who_listens_stops_the_work():
    def enough(outcome: Outcome) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        Surveying(Run([UDP], []), Share(0, 0, 1, 0))(enough)


def test_the_pieces_of_a_share_tell_together_what_the_whole_tells():
    run = Run([UDP, TCP], [])
    whole = Surveying(run, Share(0, 0, 2, 0))(nobody)
    pieces = [Surveying(run, Share(piece, 0, 2, 0, piece, 3))(nobody) for piece in range(3)]
    assert sorted(name for piece in pieces for name in piece.names) == sorted(whole.names)
    firsts = first_packets(pieces)
    assert [len(told) for told in firsts[0]] == [0, 28, 0, 0]
    assert [told.tolist() for told in firsts[1]] == [[1, 20], [], [], []]


def test_connections_are_numbered_by_their_first_packets():
    def survey(*firsts: int) -> Survey:
        return Survey(firsts={4: [np.array(firsts, np.int64)]})

    assert [told.tolist() for told in first_packets([survey(1, 8), survey(3, 5, 9)])[4]] == [[1, 3, 5, 8, 9]]


def test_keys_and_more_connections_than_are_kept_open_make_a_share_one_piece():
    many = LIMITS.open_connections // 2 + 1
    assert not explain_each_other([Survey(most_open={0: many, 1: 0}), Survey(most_open={0: 0, 1: many})])
    assert explain_each_other([Survey(most_open={0: many}), Survey(most_open={0: many})])
    assert explain_each_other([Survey(most_open={0: 1}), Survey(most_open={0: 1}, secrets=True)])


def test_ports_where_kafka_is_spoken_are_found():
    fetched = CaptureSource(RECORDED / "kafka" / "new_group.pcap", "node")
    found = Surveying(Run([fetched], []), Share(0, 0, 1, 0, 0, 2))(nobody).together
    found |= Surveying(Run([fetched], []), Share(0, 0, 1, 0, 1, 2))(nobody).together
    assert found - {9092, 9093, 9094}


def test_what_only_repeats_the_last_word_about_an_address_is_passed_over(tmp_path):
    data = UDP.path.read_bytes()
    again = tmp_path / "again.pcap"
    place, later = 24, []
    while place < len(data):
        seconds, length = struct.unpack_from("<I4xI", data, place)
        later.append(struct.pack("<I", seconds + 20) + data[place + 4 : place + 16 + length])
        place += 16 + length
    again.write_bytes(data + b"".join(later))
    once, twice = (
        Surveying(Run([CaptureSource(path, "n")], []), Share(0, 0, 1, 0))(nobody) for path in (UDP.path, again)
    )
    assert twice.names[: len(once.names)] == once.names
    assert len(twice.names) < 2 * len(once.names)


def test_the_first_piece_finds_the_names():
    first, other = (Surveying(Run([UDP], []), Share(0, 0, 1, 0, piece, 2))(nobody) for piece in range(2))
    assert first.names
    assert other.names == []
