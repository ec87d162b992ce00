"""Addresses as text, warnings as sentences."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.model.packet import IPV4_MAPPED, CaptureWarning, address_text


@given(st.ip_addresses(v=4))
def test_mapped_addresses_are_written_as_ipv4(address: IPv4Address):
    assert address_text(0, IPV4_MAPPED | int(address)) == str(address)


@given(st.ip_addresses(v=6))
def test_other_addresses_are_written_as_ipv6(address: IPv6Address):
    high, low = int(address) >> 64, int(address) & (1 << 64) - 1
    expected = address.ipv4_mapped or address
    assert ip_address(address_text(high, low)) == expected


def test_a_warning_says_where():
    assert str(CaptureWarning("cut off")) == "cut off"
    assert str(CaptureWarning("cut off", packet=3, offset=120)) == "cut off (packet 3, byte 120)"
    assert str(CaptureWarning("cut off", offset=0)) == "cut off (byte 0)"
