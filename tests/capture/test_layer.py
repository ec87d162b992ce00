from __future__ import annotations

from kubeshark_mcp.capture.fragments import Fragments
from kubeshark_mcp.capture.layer import Packet
from kubeshark_mcp.capture.records import Findings


def packet(data: bytes, wire: int | None = None) -> Packet:
    wire_stop = len(data) if wire is None else wire
    return Packet(data, len(data), wire_stop, 0, 0, Fragments(Findings()), [], 1000)


def test_a_payload_knows_what_was_cut_off():
    one = packet(bytes(50), wire=80)
    one.set_payload(20)
    assert (one.payload_offset, one.payload_length, one.payload_missing) == (20, 30, 30)
    one.set_payload(20, 70)
    assert (one.payload_offset, one.payload_length, one.payload_missing) == (20, 30, 20)
    one.set_payload(60)
    assert (one.payload_offset, one.payload_length, one.payload_missing) == (50, 0, 20)


def test_trimming_never_makes_a_layer_longer():
    one = packet(bytes(50), wire=80)
    one.trim(60)
    assert (one.stop, one.wire_stop) == (50, 60)
    one.trim(99)
    assert (one.stop, one.wire_stop) == (50, 60)
    one.trim(40)
    assert (one.stop, one.wire_stop) == (40, 40)
    assert one.has(36, 4)
    assert not one.has(37, 4)


def test_an_inner_header_forgets_the_outer_ones():
    one = packet(bytes(50))
    one.source_port = one.sequence = one.ip_id = 5
    one.fragment = True
    one.begin_network(6, 10, 1 << 64 | 2, 3)
    assert (one.source_port, one.sequence, one.ip_id, one.fragment) == (0, 0, 0, False)
    assert (one.source_high, one.source_low, one.destination_high, one.destination_low) == (1, 2, 0, 3)


def test_reassembled_bytes_are_appended_behind_the_block():
    one = packet(bytes(50))
    one.go_on_in(b"whole")
    one.set_payload(1)
    assert (one.payload_offset, one.payload_length, one.appended, one.appended_at) == (1001, 4, [b"whole"], 1005)
