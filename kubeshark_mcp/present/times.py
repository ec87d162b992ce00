"""Times and durations as people write them, and as answers print them: RFC 3339 in the user's zone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from kubeshark_mcp.errors import UsageError

FORMS = "RFC 3339 (2026-11-01T14:03:05+01:00), Unix milliseconds or seconds, or relative (-15m, 10m ago, now)"
"""How a time can be given; for messages."""

_SECONDS = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hr": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s{0,3}(ms|sec|s|min|m|hr|h|d|w)\s{0,3}", re.IGNORECASE)
_ISO_DURATION = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?)?")
_RELATIVE = re.compile(r"(?:now\s{0,3})?-\s{0,3}(?P<minus>.+)|(?P<ago>.+?)\s{1,3}ago", re.IGNORECASE)
_LONGEST = 64


def parse_duration(text: object, name: str = "duration") -> float:
    """Read a length of time (`30m`, `1h30m`, `90s`, `500ms`, `PT30M`) as seconds, more than 0.

    Raises UsageError with a sentence that names the argument.
    """
    seconds = _duration_seconds(text) if isinstance(text, str) and len(text) <= _LONGEST else None
    if seconds is None or not 0 < seconds < 1e11:
        raise UsageError(
            f'{name} is {_quote(text)}; give a length of time with its unit, such as "30m", "90s" or "2h".'
        )
    return seconds


def _duration_seconds(text: str) -> float | None:
    stripped = text.strip()
    if iso := _ISO_DURATION.fullmatch(stripped.upper()):
        if not any(iso.groups()):
            return None
        days, hours, minutes, seconds = (float(part or 0) for part in iso.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + seconds
    total, position = 0.0, 0
    while position < len(stripped):
        part = _PART.match(stripped, position)
        if part is None:
            return None
        total += float(part[1]) * _SECONDS[part[2].lower()]
        position = part.end()
    return total if position else None


def parse_time(value: object, now: datetime, zone: tzinfo | None, name: str = "time") -> datetime:
    """Read a time in any of FORMS; one without an offset is in `zone` (None: the system's).

    Every time that `format_time` prints is accepted. Raises UsageError with a sentence that names the argument.
    """
    try:
        parsed = _parse(value, now, zone)
    except (ValueError, OverflowError):
        parsed = None
    if parsed is None:
        raise UsageError(f"{name} is {_quote(value)}, which is no time; give {FORMS}.")
    return parsed


def _parse(value: object, now: datetime, zone: tzinfo | None) -> datetime | None:
    if isinstance(value, datetime):
        return in_zone(value, zone)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int | float):
        return _from_unix(value)
    text = value.strip()
    if not text or len(text) > _LONGEST:
        return None
    if text.lower() == "now":
        return now
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return _from_unix(float(text) if "." in text else int(text))
    if relative := _RELATIVE.fullmatch(text):
        seconds = _duration_seconds(relative["minus"] or relative["ago"])
        return None if seconds is None else now - timedelta(seconds=seconds)
    return in_zone(datetime.fromisoformat(text.upper()), zone)


def _from_unix(number: float) -> datetime | None:
    """Tell seconds, milliseconds, microseconds and nanoseconds apart by size: each covers the years 1973 to 5138."""
    if not math.isfinite(number) or number < 0:
        return None
    for scale, above in ((10**9, 1e17), (10**6, 1e14), (1000, 1e11)):
        if number >= above:
            whole, rest = divmod(number, scale)
            return datetime.fromtimestamp(whole, UTC) + timedelta(microseconds=rest * 1_000_000 / scale)
    return datetime.fromtimestamp(number, UTC)


def in_zone(moment: datetime, zone: tzinfo | None) -> datetime:
    """Give the moment in `zone`; a naive one is taken to be in it. None is the system's zone."""
    if moment.tzinfo is None and zone is not None:
        return moment.replace(tzinfo=zone)
    return moment.astimezone(zone)


def format_time(moment: datetime, zone: tzinfo | None) -> str:
    """Print RFC 3339 with the zone's offset, as precise as the moment is (seconds, milli- or microseconds)."""
    local = in_zone(moment, zone)
    offset = local.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        local = local.astimezone(UTC)
    precision = "microseconds" if local.microsecond % 1000 else "milliseconds" if local.microsecond else "seconds"
    return local.isoformat(timespec=precision).removesuffix("+00:00") + ("" if local.utcoffset() else "Z")


def format_duration(seconds: float) -> str:
    """Print a length of time in at most two units: `250ms`, `42s`, `12m 3s`, `3h 20m`, `2d 4h`."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    whole = round(seconds)
    for position, (unit, size) in enumerate(units):
        if whole >= size:
            first, rest = divmod(whole, size)
            if position + 1 < len(units) and (second := rest // units[position + 1][1]):
                return f"{first}{unit} {second}{units[position + 1][0]}"
            return f"{first}{unit}"
    return "0s"


def _quote(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _system_now() -> datetime:
    return datetime.now(UTC)


_PRINTED = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)(?![\d:])")


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is, and where: the zone in which times are read and printed (None: the system's)."""

    zone: tzinfo | None = None
    tick: Callable[[], datetime] = _system_now

    def now(self) -> datetime:
        """Give the present time, aware."""
        return self.tick()

    def parse(self, value: object, name: str = "time") -> datetime:
        """Read a time; see `parse_time`."""
        return parse_time(value, self.now(), self.zone, name)

    def text(self, moment: datetime | None) -> str:
        """Print a time; a missing one as `-`."""
        return "-" if moment is None else format_time(moment, self.zone)

    def localise(self, sentence: str) -> str:
        """Print the RFC 3339 times of a sentence in the user's zone."""

        def local(found: re.Match[str]) -> str:
            try:
                return self.text(datetime.fromisoformat(found.group()))
            except ValueError:
                return found.group()

        return _PRINTED.sub(local, sentence)
