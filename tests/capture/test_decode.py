from __future__ import annotations

from kubeshark_mcp.capture.decode import Decoder
from kubeshark_mcp.capture.merge import as_records
from kubeshark_mcp.capture.records import Findings
from tests.capture.building import copy, ethernet, ipv4, udp


def test_reassembled_bytes_lie_behind_those_of_the_window():
    whole = udp(b"A" * 24)
    packets = [ethernet(ipv4(whole[:16], 17, flags=0x2000)), ethernet(ipv4(whole[16:], 17, flags=2))]
    records = as_records([(number, len(packet), packet, 1) for number, packet in enumerate(packets)])
    block = Decoder(Findings()).decode(records)
    start = block.payload_offset.tolist()[1]
    assert start == sum(map(len, packets)) + 8
    assert block.data[start : start + 24].tobytes() == b"A" * 24
    assert block.network_offset.tolist()[1] == len(packets[0]) + 14


def test_an_empty_block_decodes_to_nothing():
    block = Decoder(Findings()).decode(as_records([]))
    assert len(block) == 0
    assert not any(copy(block).values())
