"""How well a TCP connection went, in one word and one sentence, from its KFL fields (Wireshark's TCP analysis)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LOSS_RATE = 0.01
"""Share of segments sent again from which loss is felt: TCP's throughput falls with its square root (RFC 3649)."""
LOSS_SEGMENTS = 3
"""Segments sent again below which a rate says nothing."""
SLOW_ANSWER_US = 200_000
"""First answer bytes later than this are felt by a person."""
SLOW_ANSWER_ROUND_TRIPS = 10
"""A first answer that takes so many round trips spent its time at the server, not on the way."""
SLOW_PATH_US = 100_000
"""A round trip inside a cluster or region that takes longer than this is slow."""

REPEATED_SHARE = 0.4
"""Share of a connection's packets that repeat another one, near the half that a double capture has."""
ASKED_SHARE = 0.05
"""Share of fast retransmissions among the repeats up to which no receiver asked for them."""


class Cause(StrEnum):
    """Who is to blame, the worst first."""

    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    RESET = "reset"
    NETWORK = "network"
    RECEIVER = "receiver"
    APPLICATION = "application"
    HEALTHY = "healthy"


RANKS = {cause: rank for rank, cause in enumerate(Cause)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a connection suffered from. because: the numbers behind it, as a sentence."""

    cause: Cause
    because: str

    @property
    def rank(self) -> int:
        """Give the order of severity: 0 is worst."""
        return RANKS[self.cause]


def judge(row: Mapping[str, Any]) -> Verdict:
    """Judge a `tcp_conn` entry by its fields; absent ones count as not seen."""
    for look in (_state, _loss, _window, _answer, _way):
        found = look(row)
        if found is not None:
            return found
    if _captured_twice(row):
        again = row["tcp_retransmissions"]
        return Verdict(Cause.HEALTHY, f"every packet was captured twice, so {again} segments only look sent again")
    rtt = row.get("tcp_rtt_avg_us")
    return Verdict(Cause.HEALTHY, f"round trip {_ms(rtt)} on average" if rtt else "nothing abnormal was seen")


def _state(row: Mapping[str, Any]) -> Verdict | None:
    state = row.get("conn_state", "")
    if state == "refused":
        return Verdict(Cause.REFUSED, "the server answered the SYN with RST: nobody listens on that port")
    if state == "syn_sent":
        tries = row.get("conn_local_pkts", 1)
        return Verdict(Cause.UNREACHABLE, f"{tries} SYN without an answer: dropped on the way, or no host there")
    if state == "reset":
        resets, sent = row.get("tcp_rst_count", 0), row.get("tcp_goodput_bytes", 0)
        return Verdict(Cause.RESET, f"{resets} RST after {sent} bytes of payload")
    return None


def _loss(row: Mapping[str, Any]) -> Verdict | None:
    again, rate = row.get("tcp_retransmissions", 0), row.get("tcp_retransmission_rate", 0.0)
    if again >= LOSS_SEGMENTS and rate >= LOSS_RATE and not _captured_twice(row):
        quick, closed = row.get("tcp_fast_retransmissions", 0), row.get("tcp_zero_window_events", 0)
        slow = f"; the receive window was closed {closed} times as well" if closed else ""
        return Verdict(
            Cause.NETWORK, f"{again} segments sent again ({rate:.1%}), {quick} of them fast: packets were lost{slow}"
        )
    smallest = row.get("tcp_rtt_min_us", 0)
    if smallest > SLOW_PATH_US:
        return Verdict(Cause.NETWORK, f"the smallest round trip took {_ms(smallest)}: a long or congested path")
    return None


def repeated(packets: Any, again: Any, dup_acks: Any, odd: Any) -> Any:
    """Tell by its counters whether each packet of a connection was captured twice; of arrays, for each of them.

    again: retransmissions. odd: fast retransmissions, out-of-order and missing segments together.
    """
    many = (again >= LOSS_SEGMENTS) & (dup_acks >= 1)
    return many & (again + dup_acks >= REPEATED_SHARE * packets) & (odd <= ASKED_SHARE * again)


def _captured_twice(row: Mapping[str, Any]) -> bool:
    packets = row.get("conn_local_pkts", 0) + row.get("conn_remote_pkts", 0)
    odd = sum(row.get(f"tcp_{name}", 0) for name in ("fast_retransmissions", "out_of_order", "missing_segments"))
    return bool(repeated(packets, row.get("tcp_retransmissions", 0), row.get("tcp_dup_acks", 0), odd))


def _window(row: Mapping[str, Any]) -> Verdict | None:
    closed, full = row.get("tcp_zero_window_events", 0), row.get("tcp_window_full_events", 0)
    if closed:
        return Verdict(
            Cause.RECEIVER, f"the receive window was closed {closed} times, filled {full} times: a slow reader"
        )
    if full >= LOSS_SEGMENTS:
        return Verdict(Cause.RECEIVER, f"the sender filled the receive window {full} times: the reader sets the pace")
    return None


def _answer(row: Mapping[str, Any]) -> Verdict | None:
    first, rtt = row.get("tcp_time_to_first_byte_us", 0), row.get("tcp_rtt_avg_us", 0)
    if first >= SLOW_ANSWER_US and first >= SLOW_ANSWER_ROUND_TRIPS * rtt:
        way = f", while a round trip takes {_ms(rtt)}" if rtt else ""
        return Verdict(Cause.APPLICATION, f"the first byte of the answer came after {_ms(first)}{way}")
    return None


def _way(row: Mapping[str, Any]) -> Verdict | None:
    """Look at the handshake, which goes there and back wherever it is captured; round trips at one end do not."""
    handshake = row.get("tcp_handshake_time_us", 0)
    if handshake > SLOW_PATH_US:
        return Verdict(Cause.NETWORK, f"the handshake took {_ms(handshake)}: a long or congested path")
    return None


def _ms(microseconds: float) -> str:
    return f"{microseconds / 1e6:.3g} s" if microseconds >= 1_000_000 else f"{microseconds / 1000:.3g} ms"
