"""Columns of a TCP connection's row in the flow table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubeshark_mcp.stream.table import BASE_FIELDS, NEVER

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kubeshark_mcp.stream.table import Rows

STATE_STARTED = 1 << 0
"""A SYN or a SYN-ACK was seen: stream offset 0 is the first byte sent."""
STATE_KNOWN = (1 << 1, 1 << 2)
"""By direction: `origin` is known."""
STATE_BASED = (1 << 3, 1 << 4)
"""By direction: `base` is known."""
STATE_FIN = (1 << 5, 1 << 6)
"""By direction: everything up to the FIN was joined."""
STATE_RESET = 1 << 7
STATE_REFUSED = 1 << 8
STATE_ENDED = 1 << 9
"""Nothing of this connection is joined any more."""
STATE_HELD = 1 << 10
"""Segments of this connection wait for a hole to fill."""

MARK_SEEN = 1
"""A packet of this direction was seen; the analysis columns hold its values."""
MARK_KEEP_ALIVE = 2
"""The last packet of this direction was a keep-alive."""
MARK_PROBE = 4
"""The last packet of this direction was a zero-window probe."""
MARK_ACKNOWLEDGING = 8
"""The last packet of this direction carried an acknowledgment."""
MARK_OVERTAKEN = 16
"""More than was captured of this direction was acknowledged, since its own last new or duplicate ACK."""

SCALE_UNKNOWN, SCALE_ABSENT = -1, -2
"""Window scale of a direction whose SYN was not seen, or carried no such option (RFC 7323 section 2.2)."""

LONGEST_ROUND_TRIP_NS = 86_400 * 10**9
"""An acknowledgment that comes after more than a day is a damaged time; sums of such would not fit."""

KEPT_SEGMENTS = 2048
"""Unacknowledged segments of one direction that are remembered: 3 MB of usual ones, 128 MB of offloaded ones."""

JOIN_FIELDS: list[tuple[Any, ...]] = [
    ("origin", "<u4", (2,)),  # sequence number of stream offset 0, by direction
    ("next", "<i8", (2,)),  # stream offset that is expected next
    ("gap", "<i8", (2,)),  # bytes given up just before it
]

ANALYSIS_FIELDS: list[tuple[Any, ...]] = [
    ("base", "<u4", (2,)),  # initial sequence number, or the best guess at it
    ("next_sequence", "<u4", (2,)),  # highest SEG.SEQ + SEG.LEN
    ("acknowledgment", "<u4", (2,)),  # of the last packet
    ("window", "<u2", (2,)),  # of the last packet, as it stood there
    ("scaled_window", "<u4", (2,)),  # the same in bytes
    ("scale", "i1", (2,)),
    ("marks", "u1", (2,)),
    ("duplicates", "<u4", (2,)),  # duplicate acknowledgments in a row
    ("packet_ns", "<i8", (2,)),  # time of the last packet
    ("advance_ns", "<i8", (2,)),  # time of the packet that set next_sequence
    ("contiguous", "<u4", (2,)),  # end of what was captured without a hole that nobody acknowledged
]

COUNTER_FIELDS: list[tuple[Any, ...]] = [
    ("retransmissions", "<u4"),
    ("fast_retransmissions", "<u4"),
    ("out_of_order", "<u4"),
    ("dup_acks", "<u4"),
    ("missing_segments", "<u4"),
    ("zero_window_events", "<u4"),
    ("window_full_events", "<u4"),
    ("keepalive_count", "<u4"),
    ("rst_count", "<u4"),
    ("fin_count", "<u4"),
    ("completeness", "u1"),
    ("data_segments", "<u4"),
    ("repeated_bytes", "<i8"),
    ("window_sum", "<i8"),
    ("window_count", "<u4"),
]

TIME_FIELDS: list[tuple[Any, ...]] = [
    ("syn_ns", "<i8"),
    ("syn_ack_ns", "<i8"),
    ("ack_ns", "<i8"),  # the handshake's last packet
    ("data_ns", "<i8", (2,)),  # first payload by direction
]

RTT_FIELDS: list[tuple[Any, ...]] = [
    ("rtt_count", "<u4"),
    ("rtt_sum", "<i8"),
    ("rtt_square", "<f8"),
    ("rtt_min", "<i8"),
    ("rtt_max", "<i8"),
]

TCP_FIELDS = [*BASE_FIELDS, *JOIN_FIELDS, *ANALYSIS_FIELDS, *COUNTER_FIELDS, *TIME_FIELDS, *RTT_FIELDS]
"""A TCP connection's row."""


def prepare(rows: Rows, new: NDArray[np.int64]) -> None:
    """Set what is not zero in the rows of new TCP connections."""
    rows["scale"][new] = SCALE_UNKNOWN
    for name in ("syn_ns", "syn_ack_ns", "ack_ns", "data_ns"):
        rows[name][new] = NEVER
    rows["rtt_min"][new] = -NEVER
    rows["rtt_max"][new] = NEVER
