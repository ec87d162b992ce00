"""What the command line hands to the engine: sources, rules, filters."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import FilterError, UsageError
from kubeshark_mcp.hub.offline import Offline, names_of, parse_decode_as, parse_source
from kubeshark_mcp.hub.sources import CaptureSource

from .conftest import SOURCES


def test_a_source_is_a_file_or_a_node_with_a_file(tmp_path: Path):
    odd = tmp_path / "a=b.pcap"
    odd.touch()
    assert parse_source("x/one.pcap", tmp_path) == CaptureSource(Path("x/one.pcap"), "one")
    assert parse_source("n1=x/one.pcap", tmp_path) == CaptureSource(Path("x/one.pcap"), "n1")
    assert parse_source(str(odd), tmp_path) == CaptureSource(odd, "a=b")


def test_rules_name_a_transport_a_port_and_a_protocol():
    assert parse_decode_as(["tcp.port==81,http", " udp.port == 5300 , dns "], {"http": "http", "dns": "dns"}) == {
        ("tcp", 81): "http",
        ("udp", 5300): "dns",
    }
    for rule in ("http", "tcp.port=81,http", "tcp.port==81", "tcp.port==x,http"):
        with pytest.raises(UsageError, match="--decode-as takes"):
            parse_decode_as([rule], {"http": "http"})


def test_protocols_are_known_by_the_names_of_other_tools_too():
    names = names_of(load_protocols())
    assert {name: names[name] for name in ("resp", "mongo", "redis")} == {
        "resp": "redis",
        "mongo": "mongodb",
        "redis": "redis",
    }


def test_a_wrong_filter_is_refused_before_anything_is_read(tmp_path: Path):
    offline = Offline([str(SOURCES[0].path)], [], [], tmp_path)
    with pytest.raises(FilterError):
        offline.check("http &&")
    offline.check(None)
    offline.check("http")
    assert list(tmp_path.iterdir()) == []
