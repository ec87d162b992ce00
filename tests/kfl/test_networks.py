from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.kfl import evaluate
from kubeshark_mcp.kfl.networks import network_test


@pytest.mark.parametrize(
    ("network", "test"),
    [
        ("10.0.0.0/8", 'a.startsWith("10.")'),
        ("10.1", 'a.startsWith("10.1.")'),
        ("192.168.1.0/255.255.255.0", 'a.startsWith("192.168.1.")'),
        ("10.0.0.7/32", 'a == "10.0.0.7"'),
        ("0.0.0.0/0", 'a.contains(".")'),
        ("192.168.1.64/30", 'a.matches("^192\\\\.168\\\\.1\\\\.(64|65|66|67)$")'),
    ],
)
def test_a_network_becomes_a_test_of_text(network: str, test: str):
    assert network_test("a", network) == test


@pytest.mark.parametrize("network", ["10.0.0.1/8", "10.0.0.0/33", "fe80::/10", "", "300.0.0.0/8", "10.0.0.0/9", "a/8"])
def test_what_is_no_network_or_too_wide_a_choice_has_none(network: str):
    assert network_test("a", network) is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.integers(0, 2**32 - 1))
def test_the_test_holds_for_the_addresses_of_the_network_alone(base: int, bits: int, other: int):
    network = ip_network((base >> (32 - bits) << (32 - bits), bits))
    test = network_test("a", str(network))
    if test is None:
        assert bits % 8 == 1
        return
    for address in (ip_address(other), network[0], network[-1], ip_address(base)):
        assert evaluate(test, {"a": str(address)}) is (address in network)
    assert not re.search(r"[^ -~]", test)
