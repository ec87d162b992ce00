from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.kfl import Duration, EvaluationError, Timestamp
from kubeshark_mcp.kfl.times import duration_text, parse_duration, parse_timestamp, timestamp_text, zone


@given(st.integers(-62_135_596_800 * 10**9, 253_402_300_800 * 10**9 - 1))
def test_a_time_reads_back_from_its_text_to_the_nanosecond(ns: int):
    assert parse_timestamp(timestamp_text(ns)) == Timestamp(ns)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_duration_reads_back_from_its_text_to_the_nanosecond(ns: int):
    assert parse_duration(duration_text(ns)) == Duration(ns)


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1h30m", 5400 * 10**9),
        ("-1.5s", -15 * 10**8),
        ("1us1ns", 1001),
        ("0", 0),
        ("+2ms", 2 * 10**6),
        (".5s", 5 * 10**8),
    ],
)
def test_durations_have_units_and_signs(text: str, ns: int):
    assert parse_duration(text) == Duration(ns)


@pytest.mark.parametrize("text", ["", "-", "1", "1x", "s", ".s", "1s ", "9" * 300 + "s", "1h" * 5000])
def test_what_is_no_duration_is_refused(text: str):
    with pytest.raises(EvaluationError):
        parse_duration(text)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "Europe", "a\0b", "+25:00", "x" * 5000])
def test_what_is_no_time_zone_is_refused(name: str):
    with pytest.raises(EvaluationError):
        zone(name)
