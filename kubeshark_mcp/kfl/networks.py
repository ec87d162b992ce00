"""Networks as tests of addresses, which are text: `10.0.0.0/8` is what begins with `10.`."""

from __future__ import annotations

import re
from ipaddress import IPv4Network

from kubeshark_mcp.kfl.literals import write_literal

_SHORT = re.compile(r"\d{1,3}(?:\.\d{1,3}){0,3}")


def network_test(field: str, network: str) -> str | None:
    """Write the KFL test that an IPv4 address lies in a network; None where the text is no such network.

    network: `10.0.0.0/8`, `172.16.0.0/12`, `192.168.1.0/255.255.255.0`, or the octets alone: `10.1`.
    """
    address, slash, mask = network.partition("/")
    if not _SHORT.fullmatch(address):
        return None
    octets = address.split(".")
    try:
        whole = ".".join([*octets, *["0"] * (4 - len(octets))])
        found = IPv4Network(f"{whole}/{mask if slash else 8 * len(octets)}")
    except ValueError:
        return None
    bits = found.prefixlen
    kept = str(found.network_address).split(".")
    if bits == 32:
        return f"{field} == {write_literal(str(found.network_address))}"
    if bits == 0:
        return f'{field}.contains(".")'
    if bits % 8 == 1:
        return None
    if bits % 8 == 0:
        return f"{field}.startsWith({write_literal('.'.join(kept[: bits // 8]) + '.')})"
    first = int(kept[bits // 8])
    values = "|".join(str(value) for value in range(first, first + (1 << (8 - bits % 8))))
    before = "".join(f"{octet}\\." for octet in kept[: bits // 8])
    after = "\\." if bits < 24 else "$"
    return f"{field}.matches({write_literal(f'^{before}({values}){after}')})"
