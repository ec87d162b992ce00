"""Times and durations: what is accepted, what is printed, and that what is printed is accepted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.present.times import Clock, format_duration, format_time, parse_duration, parse_time

NOW = datetime(2026, 11, 1, 13, 3, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("given_time", "expected"),
    [
        ("2026-11-01T14:03:05+01:00", NOW),
        ("2026-11-01t13:03:05z", NOW),
        ("2026-11-01 14:03:05", NOW),
        ("2026-11-01T14:03:05.123456789+01:00", NOW.replace(microsecond=123456)),
        ("2026-11-01", datetime(2026, 10, 31, 23, tzinfo=UTC)),
        (1793538185, NOW),
        ("1793538185", NOW),
        (1793538185000, NOW),
        ("1793538185000", NOW),
        (1793538185000000, NOW),
        (1793538185000000000, NOW),
        (1793538185.5, NOW.replace(microsecond=500000)),
        ("-15m", NOW - timedelta(minutes=15)),
        ("now-15m", NOW - timedelta(minutes=15)),
        ("10m ago", NOW - timedelta(minutes=10)),
        ("1h 30m ago", NOW - timedelta(minutes=90)),
        (" now ", NOW),
        (NOW, NOW),
    ],
)
def test_times_are_read_in_all_forms(given_time, expected):
    assert parse_time(given_time, NOW, BERLIN) == expected


@pytest.mark.parametrize(
    "nonsense",
    ["", "yesterday", "-", "-15", "ago", "10 ago", True, None, [], -5, float("nan"), float("inf"), 10**30, "9" * 40,
     "-99999999999d", "2026-13-01", "x" * 1000, "25:00", "-15m; rm"],
)  # fmt: skip
def test_a_time_that_is_none_is_refused_with_a_sentence(nonsense):
    with pytest.raises(UsageError, match=r"^start is .*, which is no time; give RFC 3339 .*\.$"):
        parse_time(nonsense, NOW, BERLIN, "start")


@given(
    st.integers(31_536_000 * 10**6, 7_258_118_400 * 10**6),
    st.sampled_from([UTC, BERLIN, ZoneInfo("America/St_Johns"), timezone(timedelta(hours=-9, minutes=-30)), None]),
)
def test_every_time_that_is_printed_is_accepted_as_input(microseconds, zone):
    aware = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    assert parse_time(format_time(aware, zone), NOW, zone) == aware


def test_times_are_printed_in_the_users_zone_as_precisely_as_they_are():
    assert format_time(NOW, BERLIN) == "2026-11-01T14:03:05+01:00"
    assert format_time(NOW.replace(microsecond=120000), BERLIN) == "2026-11-01T14:03:05.120+01:00"
    assert format_time(NOW.replace(microsecond=123456), UTC) == "2026-11-01T13:03:05.123456Z"


def test_daylight_saving_is_that_of_the_moment_and_not_of_today():
    assert format_time(datetime(2026, 7, 1, tzinfo=UTC), BERLIN) == "2026-07-01T02:00:00+02:00"


def test_an_offset_with_seconds_is_printed_as_utc():
    assert format_time(datetime(1880, 1, 1, tzinfo=UTC), ZoneInfo("Europe/Amsterdam")) == "1880-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30m", 1800), ("1h30m", 5400), ("90s", 90), ("500ms", 0.5), ("2d", 172800),
     ("PT30M", 1800), ("1w", 604800), ("1.5h", 5400)],
)  # fmt: skip
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "nonsense", ["", "30", 30, "m", "-5m", "0s", "5 parsecs", "P", "PT", None, "9" * 100 + "s", "5m!"]
)
def test_a_duration_without_a_unit_or_sense_is_refused(nonsense):
    with pytest.raises(UsageError, match=r"^duration is .*; give a length of time with its unit"):
        parse_duration(nonsense)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0ms"), (0.25, "250ms"), (42, "42s"), (723, "12m 3s"), (7200, "2h"), (12000, "3h 20m"), (187200, "2d 4h")],
)
def test_durations_are_printed_in_two_units(seconds, text):
    assert format_duration(seconds) == text


def test_a_clock_reads_and_prints_in_its_zone():
    clock = Clock(BERLIN, lambda: NOW)
    assert clock.parse("-15m", "start") == NOW - timedelta(minutes=15)
    assert clock.text(NOW) == "2026-11-01T14:03:05+01:00"
    assert clock.text(None) == "-"


def test_the_systems_clock_is_aware():
    assert Clock().now().utcoffset() == timedelta(0)


def test_times_inside_a_sentence_are_moved_to_the_users_zone():
    clock = Clock(BERLIN)
    assert clock.localise("The data covers 2026-11-01T13:03:05+00:00 to 2026-11-01T13:03:05.5Z.") == (
        "The data covers 2026-11-01T14:03:05+01:00 to 2026-11-01T14:03:05.500+01:00."
    )
    assert clock.localise("9999-99-99T99:99:99Z and 10:00") == "9999-99-99T99:99:99Z and 10:00"
