from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.capture.blocks import (
    SectionState,
    read_interface,
    read_names,
    read_secrets,
    read_statistics,
    report_drops,
)
from kubeshark_mcp.capture.records import Findings, Interface
from tests.capture.building import option


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_interface_is_read_with_its_options(order):
    body = (
        struct.pack(f"{order}HHI", 113, 0, 96)
        + option(2, b"any", order)
        + option(3, "übersicht".encode(), order)
        + option(9, b"\x89", order)
        + option(13, b"\x04", order)
        + option(14, struct.pack(f"{order}q", -3600), order)
        + option(0, b"", order)
    )
    assert read_interface(memoryview(body), order) == (Interface(113, "any", 96, 512, "übersicht", 4), -3600)


def test_a_damaged_interface_keeps_what_was_read():
    body = struct.pack("<HHI", 1, 0, 0) + option(2, b"eth0") + struct.pack("<HH", 3, 500)
    assert read_interface(memoryview(body), "<") == (Interface(1, "eth0"), 0)
    assert read_interface(memoryview(b"12"), "<") == (Interface(-1), 0)


@given(
    ticks=st.integers(0, 2**64 - 1),
    resolution=st.one_of(st.integers(0, 127).map(lambda n: 10**n), st.integers(1, 127).map(lambda n: 2**n)),
    offset=st.integers(-(2**40), 2**40),
)
def test_times_are_exact_in_every_resolution(ticks, resolution, offset):
    state = SectionState("<")
    state.add(Interface(1, ticks_per_second=resolution), offset, 0)
    found = state.nanoseconds(np.array([ticks], np.uint64), np.zeros(1, np.int64)).tolist()[0]
    exact = Fraction(ticks, resolution) * 10**9 // 1 + offset * 10**9
    assert found == (exact + 2**63) % 2**64 - 2**63


def test_names_are_read_for_both_versions_and_damage_ends_them():
    body = (
        option(1, bytes([10, 0, 0, 1]) + b"web.shop\0web\0")
        + option(2, bytes(15) + b"\1" + b"local\0")
        + option(9, b"other")
        + option(1, b"\1\2")
        + struct.pack("<HH", 1, 999)
    )
    findings = Findings()
    read_names(memoryview(body), "<", findings)
    assert findings.names == [("10.0.0.1", "web.shop"), ("10.0.0.1", "web"), ("::1", "local")]


def test_secrets_are_kept():
    findings = Findings()
    read_secrets(memoryview(struct.pack("<II", 0x544C534B, 6) + b"secretXX"), "<", findings)
    read_secrets(memoryview(b"123"), "<", findings)
    assert findings.secrets == [b"secret"]


def test_drops_that_the_capture_reports_become_warnings():
    def statistics(interface: int, *options: bytes) -> memoryview:
        return memoryview(struct.pack("<III", interface, 0, 0) + b"".join(options))

    state = SectionState("<")
    for _ in range(3):
        state.add(Interface(1), 0, 0)
    read_statistics(statistics(2, option(5, struct.pack("<Q", 3)), option(4, struct.pack("<Q", 9))), state, 100)
    read_statistics(statistics(2, option(5, struct.pack("<Q", 7)), option(7, struct.pack("<Q", 0))), state, 200)
    read_statistics(statistics(9, option(5, struct.pack("<Q", 7))), state, 300)
    findings = Findings()
    report_drops(state, findings)
    report_drops(state, findings)
    assert [str(warning) for warning in findings.warnings] == [
        "interface 2: the interface dropped 7 packets (byte 200)"
    ]


def test_a_guess_needs_the_same_length_at_both_ends():
    block = struct.pack("<II", 6, 36) + bytes(24) + struct.pack("<I", 36)
    state = SectionState("<")
    assert state.guess(bytearray(b"junk" + struct.pack("<I", 6) + b"junk" + block), 0, 60) == 12
    assert state.guess(bytearray(block[:-4] + bytes(4)), 0, 40) == -1
