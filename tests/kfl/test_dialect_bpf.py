from __future__ import annotations

import pytest

from kubeshark_mcp.kfl.dialect_bpf import translate_bpf


@pytest.mark.parametrize(
    ("bpf", "kfl"),
    [
        ("port 80", "(src.port == 80 || dst.port == 80)"),
        ("src host 10.0.0.1 and dst port 53", 'src.ip == "10.0.0.1" && dst.port == 53'),
        ("not udp port 53", "!(src.port == 53 || dst.port == 53)"),
        ("dst port 80 or 443", "dst.port == 80 || dst.port == 443"),
        ("tcp and src port 80", "src.port == 80"),
        ("src net 10.1.0.0/16", 'src.ip.startsWith("10.1.")'),
        ("dst portrange 1-2", "dst.port >= 1 && dst.port <= 2"),
        ("src host api.example.com", 'src.dns == "api.example.com"'),
        ("(src port 1 or src port 2) && !dst port 3", "(src.port == 1 || src.port == 2) && !(dst.port == 3)"),
        ("src host fe80::1", 'src.ip == "fe80::1"'),
        ("src port 1 or src port 2 and src port 3", "(src.port == 1 || src.port == 2) && src.port == 3"),
        ("src port 1 and src port 2 or src port 3", "src.port == 1 && src.port == 2 || src.port == 3"),
    ],
)
def test_a_capture_filter_is_translated(bpf: str, kfl: str):
    assert translate_bpf(bpf) == kfl


@pytest.mark.parametrize(
    "text",
    [
        "http",
        "port == 80",
        "port",
        "port no-such-service",
        "net 10.0.0.0/9",
        "tcp[13] & 2 != 0 and port 1",
        "(port 80",
        "port 80 )",
    ],
)
def test_what_is_no_capture_filter_or_has_no_counterpart_is_not(text: str):
    assert translate_bpf(text) is None


def test_deep_nesting_ends_at_once():
    assert translate_bpf("(" * 900 + "port 80" + ")" * 900) is None
    assert translate_bpf("not " * 400 + "port 80") is None
