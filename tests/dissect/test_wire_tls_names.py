from __future__ import annotations

import pytest

from kubeshark_mcp.dissect import wire_tls_names as n


@pytest.mark.parametrize(
    ("number", "name", "weakness"),
    [
        (0x0002, "SSL 2.0", "SSL 2.0 (RFC 6176)"),
        (0x0300, "SSL 3.0", "SSL 3.0 (RFC 7568)"),
        (0x0301, "TLS 1.0", "TLS 1.0 (RFC 8996)"),
        (0x0302, "TLS 1.1", "TLS 1.1 (RFC 8996)"),
        (0x0303, "TLS 1.2", ""),
        (0x0304, "TLS 1.3", ""),
        (0x7F17, "TLS 1.3 (draft 23)", ""),
        (0xFEFD, "DTLS 1.2", ""),
        (0x3A3A, "GREASE", ""),
        (0x0405, "0x0405", ""),
    ],
)
def test_versions_have_names_and_the_old_ones_a_weakness(number: int, name: str, weakness: str):
    assert (n.version_name(number), n.version_weakness(number)) == (name, weakness)


@pytest.mark.parametrize(
    ("offered", "best"),
    [
        ([0x3A3A, 0x0303, 0x0304], 0x0304),
        ([0x0303, 0x7F17, 0x7F12], 0x7F17),
        ([0x0301], 0x0301),
        ([0xFEFF, 0xFEFD], 0xFEFD),
        ([0x0A0A, 0x9999], 0),
        ([], 0),
    ],
)
def test_the_newest_of_offered_versions_is_found(offered: list[int], best: int):
    assert n.newest(offered) == best


def test_drafts_are_version_13():
    assert [n.is_tls13(number) for number in (0x0303, 0x0304, 0x7F10)] == [False, True, True]


def test_groups_and_alerts_have_names():
    assert [n.group_name(number) for number in (29, 0x11EC, 0x1A1A, 0x9999)] == [
        "x25519",
        "X25519MLKEM768",
        "GREASE",
        "0x9999",
    ]
    assert [n.alert_name(number) for number in (48, 200)] == ["unknown_ca", "alert_200"]
