from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.capture import fragments as module
from kubeshark_mcp.capture.fragments import Fragments
from kubeshark_mcp.capture.records import Findings
from tests.capture.building import ethernet, ipv4, ipv6, pcap, read, seen, tcp, udp

KEY = (4, 1, 2, 3, 17)
SECOND = 10**9


def make() -> tuple[Fragments, Findings]:
    findings = Findings()
    return Fragments(findings), findings


@given(data=st.binary(min_size=1, max_size=400), seed=st.integers(0, 99), twice=st.booleans())
def test_fragments_in_any_order_give_the_datagram_once(data, seed, twice):
    generator = random.Random(seed)
    cuts = sorted({0, *(generator.randrange(0, len(data), 8) for _ in range(5))})
    parts = [(start, end < len(data), data[start:end]) for start, end in zip(cuts, [*cuts[1:], len(data)], strict=True)]
    generator.shuffle(parts)
    if twice:
        parts = [parts[0], *parts]
    fragments, _ = make()
    found = [fragments.add(KEY, at, more, part, 0) for at, more, part in parts]
    wholes = [whole for whole in found if whole is not None]
    assert wholes[0] == data
    assert len(wholes) == 1 or (twice and len(parts) == 2)


def test_where_fragments_overlap_the_first_one_counts():
    fragments, _ = make()
    assert fragments.add(KEY, 0, True, b"A" * 16, 0) is None
    assert fragments.add(KEY, 8, True, b"B" * 16, 0) is None
    assert fragments.add(KEY, 16, False, b"C" * 12, 0) == b"A" * 16 + b"B" * 8 + b"C" * 4


def test_a_second_end_elsewhere_is_ignored():
    fragments, _ = make()
    assert fragments.add(KEY, 8, False, b"end", 0) is None
    assert fragments.add(KEY, 16, False, b"END", 0) is None
    assert fragments.add(KEY, 0, True, b"beginnin", 0) == b"beginninend"


@pytest.mark.parametrize(("offset", "more", "data"), [(65528, True, b"x" * 16), (0, True, b"x" * 7), (8, False, b"")])
def test_impossible_fragments_are_refused(offset, more, data):
    fragments, findings = make()
    assert fragments.add(KEY, offset, more, data, 0) is None
    fragments.finish()
    assert findings.warnings == []


def test_datagrams_that_never_become_whole_are_reported():
    fragments, findings = make()
    fragments.add(KEY, 0, True, b"x" * 8, 0)
    fragments.add((4, 1, 2, 4, 17), 0, True, b"x" * 8, 40 * SECOND)
    assert fragments.add(KEY, 8, False, b"late", 41 * SECOND) is None
    fragments.finish()
    assert [str(warning) for warning in findings.warnings] == [
        "3 fragmented IP datagram(s) could not be completed from this capture"
    ]


def test_count_and_bytes_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_DATAGRAMS", 3)
    monkeypatch.setattr(module, "MOST_BYTES", 200_000)
    fragments, _ = make()
    for number in range(1000):
        fragments.add((4, 1, 2, number, 17), 65_000, False, b"x", 0)
        assert len(fragments._open) <= 3
        assert fragments._bytes <= 200_000 + module.MOST_DATAGRAM_BYTES


def fragmented(payload: bytes, protocol: int, size: int) -> list[bytes]:
    return [
        ethernet(ipv4(payload[at : at + size], protocol, flags=at // 8 | (0x2000 if at + size < len(payload) else 0)))
        for at in range(0, len(payload), size)
    ]


def test_the_last_fragment_of_a_capture_shows_the_whole_datagram(tmp_path):
    payload = bytes(range(256)) * 10
    first, second, third = fragmented(udp(payload), 17, 1000)
    rows, warnings = read(tmp_path / "a.pcap", pcap(third, first, second))
    assert [(row["fragment"], row["source_port"], row["payload"]) for row in rows] == [
        (True, 0, b""),
        (True, 0, b""),
        (False, 40000, payload),
    ]
    assert warnings == []


def test_fragments_are_joined_across_blocks(tmp_path):
    packets = fragmented(tcp(b"z" * 3000), 6, 1480)
    rows, _ = read(tmp_path / "a.pcap", pcap(*packets), size=1)
    assert [seen(row) for row in rows[-1:]] == [(6, "10.0.0.1", 40000, "10.0.0.2", 80, b"z" * 3000)]


def test_ipv6_fragments_are_joined_and_atomic_ones_are_none(tmp_path):
    def piece(data: bytes, at: int, more: int) -> bytes:
        head = bytes([17, 0, *(at | more).to_bytes(2, "big"), 0, 0, 0, 9])
        return ethernet(ipv6(head + data, 44), 0x86DD)

    whole = udp(b"q" * 100)
    packets = [piece(whole[:64], 0, 1), piece(whole[64:], 64, 0), piece(whole, 0, 0)]
    rows, warnings = read(tmp_path / "a.pcap", pcap(*packets))
    expected = (17, "2001:db8::1", 40000, "2001:db8::2", 53, b"q" * 100)
    assert [row["fragment"] for row in rows] == [True, False, False]
    assert [seen(row) for row in rows[1:]] == [expected, expected]
    assert warnings == []


def test_a_fragment_that_was_cut_by_the_snap_length_cannot_complete(tmp_path):
    first, second = fragmented(udp(b"x" * 1992), 17, 1000)
    from tests.capture.building import pcap_head, record

    content = pcap_head() + record(first) + record(second[:200], original=len(second))
    rows, warnings = read(tmp_path / "a.pcap", content)
    assert [row["fragment"] for row in rows] == [True, True]
    assert warnings == ["1 fragmented IP datagram(s) could not be completed from this capture"]
