"""Dissectors switched on and off, and their ports."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.dissectors import dissectors_by_name, parse_dissectors, settings_from
from kubeshark_mcp.hub.offline import Offline

from .conftest import SOURCES

KNOWN = {"http": {"http", "http2"}, "redis": {"redis"}, "resp": {"redis"}}


def test_settings_bear_the_names_that_kubeshark_gives_them():
    assert parse_dissectors("http, resp", ["http=8080,8081", "redis=7000"], KNOWN) == {
        "enabledDissectors": ["http", "http2", "redis"],
        "portMapping": {"http": [8080, 8081], "redis": [7000]},
    }
    assert parse_dissectors(None, [], KNOWN) == {}


def test_they_become_settings_of_the_engine():
    values = parse_dissectors("http", ["redis=7000,7001"], KNOWN)
    assert settings_from(values) == Settings(enabled=frozenset({"http", "http2"}), ports={7000: "redis", 7001: "redis"})
    assert settings_from({}) == Settings()


def test_a_flag_means_every_protocol_whose_entries_bear_it():
    known = dissectors_by_name(load_protocols())
    assert {"http", "http2"} <= known["http"]
    assert known["grpc"] == {"http2"}
    assert known["resp"] == {"redis"}


@pytest.mark.parametrize(
    ("enabled", "mappings", "says"),
    [
        ("http,telnet", [], "'telnet' is no dissector; there are http, http2, redis"),
        (None, ["http"], "takes PROTOCOL=PORT,PORT"),
        (None, ["http=x"], "'x' is no port"),
        (None, ["http=70000"], "'70000' is no port"),
        (None, ["gopher=70"], "'gopher' is no dissector"),
    ],
)
def test_wrong_ones_are_refused(enabled, mappings, says):
    with pytest.raises(UsageError, match=says):
        parse_dissectors(enabled, mappings, KNOWN)


def test_a_dissector_that_is_off_claims_nothing(tmp_path):
    offline = Offline([str(SOURCES[0].path)], [], [], tmp_path, dissectors={"enabledDissectors": ["dns"]})
    counts = offline.dissect(lambda fraction: None).protocol_counts
    assert "dns" in counts
    assert "http" not in counts
