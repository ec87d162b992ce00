"""The columnar path and the plain one must say the same of every packet."""

from __future__ import annotations

import gc
import random
import weakref
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.capture import columnar
from kubeshark_mcp.capture.columnar import Columnar
from kubeshark_mcp.capture.decode import Decoder
from kubeshark_mcp.capture.merge import as_records
from kubeshark_mcp.capture.records import Findings
from tests.capture.building import copy, ethernet, ipv4, ipv6, tcp, udp


def decoded(packets: list[tuple[int, int, bytes, int]], *, plainly: bool = False) -> tuple[dict[str, Any], bytes]:
    with pytest.MonkeyPatch.context() as patch:
        if plainly:
            patch.setattr(columnar, "LINKS", {})
        block = Decoder(Findings()).decode(as_records(packets))
    return copy(block), block.data.tobytes()


def samples() -> list[bytes]:
    inner = ethernet(ipv4(tcp(b"inner payload")))
    return [
        ethernet(ipv4(tcp(b"data", options=b"\1\1\1\1"))),
        ethernet(ipv4(udp(b"data"), 17, options=b"\1\1\1\1"), tags=(0x8100,)),
        ethernet(ipv6(tcp(b"data")), 0x86DD),
        ethernet(ipv4(udp(b"\x08" + bytes(7) + inner, ports=(1, 4789)), 17)),
        ethernet(ipv4(udp(b"\x01\0\x65\x58" + bytes(8) + inner, ports=(1, 6081)), 17)),
        ethernet(ipv4(ipv4(tcp(b"x")), 4)),
        ethernet(ipv6(ipv4(udp(b"x"), 17), 4), 0x86DD),
        ethernet(ipv4(ipv6(udp(b"x"), 17), 41)),
        ethernet(ipv6(b"\x3a\0" + bytes(6) + b"ping", 0), 0x86DD),
        ethernet(ipv4(b"x" * 16, 132)),
        ethernet(ipv4(tcp(b"x" * 24)[:24], flags=0x2000)),
    ]


@settings(deadline=None, max_examples=300)
@given(seed=st.integers(0, 2**32), link_type=st.sampled_from([1, 1, 1, 0, 12, 101, 108, 113, 276]))
def test_both_paths_agree_on_damaged_packets(seed, link_type):
    generator = random.Random(seed)
    packets = []
    for number in range(30):
        packet = bytearray(generator.choice(samples()))
        if link_type != 1:
            packet = packet[generator.choice([0, 10, 12, 14]) :]
        for _ in range(generator.choice([0, 1, 1, 4])):
            packet[generator.randrange(min(len(packet), 90))] = generator.choice([0, 255, generator.randrange(256)])
        if generator.random() < 0.3:
            del packet[generator.randrange(len(packet)) :]
        original = len(packet) + generator.choice([0, 0, 50, 2**32 - 1 - len(packet)])
        packets.append((number, original, bytes(packet), link_type))
    assert decoded(packets) == decoded(packets, plainly=True)


def test_common_packets_do_not_need_the_plain_path(monkeypatch):
    def refuse(self, rows):
        raise AssertionError("left to the plain path")

    monkeypatch.setattr(Columnar, "leave", refuse)
    packets = [(0, len(packet), packet, 1) for packet in samples()[:8]]
    columns, _ = decoded(packets)
    assert columns["source_port"] == [40000] * 8


def test_a_block_is_freed_when_it_is_done_with():
    packets = [(0, len(packet), packet, 1) for packet in samples()]
    gc.collect()
    gc.disable()
    try:
        block = Decoder(Findings()).decode(as_records(packets))
        freed = weakref.ref(block.ttl)
        del block
        assert freed() is None
    finally:
        gc.enable()
