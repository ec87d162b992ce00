"""Datetimes of the contract against nanoseconds of the engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.times import end_to_ns, from_ns, from_ns_or_none, to_ns


@given(st.integers(min_value=0, max_value=4_000_000_000_000_000))
def test_every_microsecond_survives_the_way_there_and_back(microseconds: int):
    assert to_ns(from_ns(microseconds * 1000)) == microseconds * 1000


@given(st.integers(min_value=0, max_value=4_000_000_000_000_000_000))
def test_a_printed_end_includes_the_packet_it_was_printed_for(nanoseconds: int):
    assert end_to_ns(from_ns(nanoseconds)) > nanoseconds


def test_offsets_are_respected_and_naive_times_refused():
    moment = datetime(2026, 1, 31, 11, tzinfo=timezone(timedelta(hours=1)))
    assert from_ns(to_ns(moment)) == datetime(2026, 1, 31, 10, tzinfo=UTC)
    with pytest.raises(UsageError, match="has no UTC offset"):
        to_ns(datetime(2026, 1, 31))  # noqa: DTZ001 - the point of this test
    assert from_ns_or_none(None) is None
