from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.wire_icmp_names import code_name, type_name


@pytest.mark.parametrize(
    ("version", "number", "code", "names"),
    [
        (4, 8, 0, ("Echo Request", "")),
        (4, 3, 3, ("Destination Unreachable", "Port Unreachable")),
        (4, 3, 13, ("Destination Unreachable", "Communication Administratively Prohibited")),
        (4, 3, 16, ("Destination Unreachable", "Code 16")),
        (6, 1, 4, ("Destination Unreachable", "Port Unreachable")),
        (6, 2, 0, ("Packet Too Big", "")),
        (6, 3, 0, ("Time Exceeded", "Hop Limit Exceeded in Transit")),
        (6, 135, 0, ("Neighbor Solicitation", "")),
        (4, 200, 7, ("Type 200", "Code 7")),
    ],
)
def test_types_and_codes_go_by_their_names_or_else_by_their_numbers(
    version: int, number: int, code: int, names: tuple[str, str]
):
    assert (type_name(version, number), code_name(version, number, code)) == names
