"""Timestamps and durations: texts (RFC 3339; `1h30m`), and their getters with time zones.

Source: Common Expression Language specification, "Timestamp and duration"; RFC 3339, section 5.6.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from kubeshark_mcp.kfl.diagnostics import EvaluationError, quoted
from kubeshark_mcp.kfl.overloads import Overload, Overloads
from kubeshark_mcp.kfl.types import INT
from kubeshark_mcp.kfl.values import (
    SECOND,
    Duration,
    Timestamp,
    checked_duration,
    checked_timestamp,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?(?:([Zz])|([+-])(\d\d):(\d\d))\Z", re.ASCII
)
_PART = re.compile(r"(\d{0,30})(?:\.(\d{0,30}))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_OFFSET = re.compile(r"([+-]?)(\d{1,2}):(\d\d)\Z", re.ASCII)
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}


def parse_timestamp(text: str) -> Timestamp:
    """Read an RFC 3339 time (`2025-01-31T12:00:00.5Z`, `…+02:00`). Raises EvaluationError."""
    match = _RFC3339.match(text)
    if match is None:
        raise EvaluationError(f"{quoted(text)} is not a time: write RFC 3339, such as `2025-01-31T12:00:00Z`")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise EvaluationError(f"{quoted(text)} is out of range: {error}") from None
    fraction = int((match[7] or "0")[:9].ljust(9, "0"))
    offset = 0
    if match[9]:
        if int(match[10]) > 23 or int(match[11]) > 59:
            raise EvaluationError(f"{quoted(text)} has an offset out of range: {match[9]}{match[10]}:{match[11]}")
        offset = (int(match[10]) * 3600 + int(match[11]) * 60) * (1 if match[9] == "+" else -1)
    return checked_timestamp((_seconds(moment) - offset) * SECOND + fraction)


def _seconds(moment: datetime) -> int:
    passed = moment - _EPOCH
    return passed.days * 86_400 + passed.seconds


def timestamp_text(ns: int) -> str:
    """Write Unix nanoseconds as RFC 3339 in UTC, the fraction as long as it must be."""
    moment = _EPOCH + timedelta(seconds=ns // SECOND)
    fraction = f".{ns % SECOND:09d}".rstrip("0") if ns % SECOND else ""
    return f"{moment:%Y}".zfill(4) + f"{moment:-%m-%dT%H:%M:%S}{fraction}Z"


def parse_duration(text: str) -> Duration:
    """Read a duration: numbers with ns, us, ms, s, m, h (`1h30m`, `-1.5s`). Raises EvaluationError."""
    body = text[1:] if text[:1] in {"+", "-"} else text
    if body == "0":
        return Duration(0)
    total = position = 0
    while position < len(body) and len(body) <= 200:
        match = _PART.match(body, position)
        if match is None or not (match[1] or match[2]):
            break
        unit = _UNITS[match[3]]
        fraction = match[2] or ""
        total += int(match[1] or "0") * unit + int(fraction or "0") * unit // 10 ** len(fraction)
        position = match.end()
    if not body or position < len(body):
        raise EvaluationError(
            f"{quoted(text)} is not a duration: write numbers with ns, us, ms, s, m, h, as in `1h30m`"
        )
    return checked_duration(-total if text[0] == "-" else total)


def duration_text(ns: int) -> str:
    """Write a duration in seconds, the fraction as long as it must be (`90s`, `-0.5s`)."""
    whole, rest = divmod(abs(ns), SECOND)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if ns < 0 else ''}{whole}{fraction}s"


def zone(name: str) -> tzinfo:
    """Find a time zone by IANA name (`Europe/Berlin`) or offset (`+02:00`, `-09:30`). Raises EvaluationError."""
    match = _OFFSET.match(name)
    if match is not None and int(match[2]) < 24 and int(match[3]) < 60:
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset)
    if name in {"UTC", "Z"}:
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise EvaluationError(
            f"{quoted(name)} is not a time zone: write an IANA name (`Europe/Berlin`) or an offset (`+02:00`)"
        ) from None


def _at(stamp: Timestamp, where: str = "UTC") -> datetime:
    try:
        return (_EPOCH + timedelta(seconds=stamp.ns // SECOND)).astimezone(zone(where))
    except (OverflowError, ValueError):
        raise EvaluationError("timestamp out of range in this time zone") from None


def _getter(read: Callable[[datetime], int]) -> dict[tuple[type, ...], Overload]:
    return {
        (Timestamp,): Overload(INT, lambda stamp: read(_at(stamp))),
        (Timestamp, str): Overload(INT, lambda stamp, where: read(_at(stamp, where))),
    }


def _milliseconds(stamp: Timestamp, where: str = "UTC") -> int:
    zone(where)
    return stamp.ns % SECOND // 1_000_000


def _toward_zero(ns: int, unit: int) -> int:
    return ns // unit if ns >= 0 else -(-ns // unit)


def _duration_milliseconds(value: Duration) -> int:
    """Give the milliseconds within the second, as CEL does, not the whole duration in milliseconds."""
    return _toward_zero(value.ns, 1_000_000) - _toward_zero(value.ns, SECOND) * 1000


TIME_METHODS: dict[str, Overloads] = {
    "getFullYear": _getter(lambda moment: moment.year),
    "getMonth": _getter(lambda moment: moment.month - 1),
    "getDate": _getter(lambda moment: moment.day),
    "getDayOfMonth": _getter(lambda moment: moment.day - 1),
    "getDayOfWeek": _getter(lambda moment: moment.isoweekday() % 7),
    "getDayOfYear": _getter(lambda moment: moment.timetuple().tm_yday - 1),
    "getHours": _getter(lambda moment: moment.hour)
    | {(Duration,): Overload(INT, lambda value: _toward_zero(value.ns, 3600 * SECOND))},
    "getMinutes": _getter(lambda moment: moment.minute)
    | {(Duration,): Overload(INT, lambda value: _toward_zero(value.ns, 60 * SECOND))},
    "getSeconds": _getter(lambda moment: moment.second)
    | {(Duration,): Overload(INT, lambda value: _toward_zero(value.ns, SECOND))},
    "getMilliseconds": {
        (Timestamp,): Overload(INT, _milliseconds),
        (Timestamp, str): Overload(INT, _milliseconds),
        (Duration,): Overload(INT, _duration_milliseconds),
    },
}
