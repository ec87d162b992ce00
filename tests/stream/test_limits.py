from __future__ import annotations

from kubeshark_mcp.stream.limits import Counters, Limits


def test_the_default_limits_hold_less_than_a_hundred_megabytes_of_payload():
    limits = Limits()
    assert limits.flow_bytes <= limits.total_bytes <= 100 << 20
    assert limits.acknowledged_seconds < limits.reorder_seconds < limits.closed_idle_seconds


def test_counters_begin_at_zero():
    assert all(getattr(Counters(), name) == 0 for name in Counters.__slots__)
