"""Statistics that come as objects, or in parts, as columns."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.dissect.stats_columns import columns_of, joined
from kubeshark_mcp.model.stats_columns import STATES
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, TcpMetrics, Traffic, Unclaimed

NUMBERS = st.integers(0, 2**40)
ENDS = st.builds(Endpoint, st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1"]), st.integers(0, 65535))
METRICS = st.builds(
    TcpMetrics, retransmissions=NUMBERS, retransmission_rate=st.floats(0, 1), rtt_min_us=st.one_of(st.none(), NUMBERS)
)
STATS = st.builds(
    ConnectionStats,
    st.builds(Connection, NUMBERS, st.sampled_from(["tcp", "udp"]), ENDS, ENDS, NUMBERS, NUMBERS, NUMBERS),
    st.sampled_from(STATES),
    *[st.builds(Traffic, NUMBERS, NUMBERS, NUMBERS)] * 2,
    *[NUMBERS] * 4,
    st.one_of(st.none(), METRICS),
    st.sampled_from([(), ("http",), ("tls", "http2")]),
    st.one_of(st.none(), st.just(Unclaimed("data", None, None))),
)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(STATS, max_size=4), min_size=1, max_size=4))
def test_objects_are_the_same_behind_columns_whole_or_in_parts(parts):
    every = [one for part in parts for one in part]
    for transport in ("tcp", "udp"):
        expected = [one for one in every if one.connection.transport == transport]
        columns = [made for part in parts for made in columns_of(part) if made.transport == transport]
        assert [one for made in columns_of(every) if made.transport == transport for one in made.stats()] == expected
        if columns:
            assert joined(columns).stats() == expected
        else:
            assert expected == []
