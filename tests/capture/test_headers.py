from __future__ import annotations

import numpy as np

from kubeshark_mcp.capture import headers
from tests.capture.building import ipv4, ipv6, tcp


def test_fields_stand_where_the_rfcs_have_them():
    segment = tcp(ports=(1, 2), sequence=3, acknowledgment=4, flags=0x12)
    assert np.frombuffer(segment, headers.TCP)[0].item() == (1, 2, 3, 4, 0x5012, 512)
    assert np.frombuffer(ipv4(b"", 17), headers.IPV4)[0].item() == (
        0x45,
        20,
        7,
        0x4000,
        64,
        17,
        0x0A000001,
        0x0A000002,
    )
    high = 0x20010DB800000000
    assert np.frombuffer(ipv6(b"", 6), headers.IPV6)[0].item() == (0x60, 0, 6, 63, high, 1, high, 2)


def test_sizes_are_those_of_the_headers():
    sizes = {name: value.itemsize for name, value in vars(headers).items() if isinstance(value, np.dtype)}
    assert sizes == {
        "ETHERNET": 14,
        "VLAN": 4,
        "COOKED": 16,
        "COOKED_2": 20,
        "FAMILY": 4,
        "FIRST_BYTE": 1,
        "IPV4": 20,
        "IPV6": 40,
        "TCP": 20,
        "UDP": 8,
        "TUNNEL": 8,
    }
