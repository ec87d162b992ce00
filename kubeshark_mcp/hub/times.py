"""Between aware datetimes of the contract and Unix nanoseconds of the engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kubeshark_mcp.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ns(moment: datetime) -> int:
    """Give Unix nanoseconds of an aware datetime, exact to the microsecond that a datetime has."""
    if moment.tzinfo is None:
        raise UsageError(f"The time {moment.isoformat()!r} has no UTC offset: write it as 2026-01-31T10:00:00+01:00.")
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def end_to_ns(moment: datetime) -> int:
    """Give the first nanosecond after the microsecond that ends a window, so that a printed end includes its packet."""
    return to_ns(moment) + 1000


def from_ns(nanoseconds: int) -> datetime:
    """Give the aware datetime (UTC) of Unix nanoseconds, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def from_ns_or_none(nanoseconds: int | None) -> datetime | None:
    """Give `from_ns`, or None for None."""
    return None if nanoseconds is None else from_ns(nanoseconds)
