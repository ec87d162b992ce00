"""Payload that no protocol read: unknown, or encrypted. It is counted and its beginning is kept, never its bulk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from kubeshark_mcp.dissect.layer4 import FAILED, FAILED_CODES
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.model.stream import ConnectionStats, Datagram, Piece, Span, Unclaimed

PREVIEW = 256
"""Bytes of each direction that are kept of what nobody knows."""

UNKNOWN, ENCRYPTED, DECRYPTED = "data", "encrypted", "decrypted"
"""Why nobody read it: no protocol knew it; a known one hides it; TLS was opened, and no protocol knew the inside."""

_SUMMARIES = {UNKNOWN: "unknown", DECRYPTED: "decrypted, unknown"}


@dataclass(slots=True)
class Meter:
    """Bytes of TCP payload and datagrams, by what became of them.

    fed: all of them. dissected: a protocol read them. recognised: a protocol claimed them, and they are encrypted.
    """

    fed: int = 0
    dissected: int = 0
    recognised: int = 0
    unknown: int = 0


class Leftovers:
    """Gathers what nobody read of one connection. Directions are those of the wire.

    how: why nobody read it. left: set when nobody wants its bytes any more: bytes fed until then by direction, packet
    number and time (ns) of the last of them.
    """

    __slots__ = ("_first", "_packets", "_spans", "how", "left")

    def __init__(self) -> None:
        self._spans: list[Span | None] = [None, None]
        self._first = [b"", b""]
        self._packets = 0
        self.how = UNKNOWN
        self.left: tuple[int, int, int, int] | None = None

    def add(self, piece: Piece) -> None:
        """Take bytes that nobody knew."""
        span = Span(
            piece.offset,
            len(piece.data),
            min(piece.packets),
            max(piece.packets),
            min(piece.times),
            max(piece.times),
            piece.gap if self._spans[piece.direction] is not None else 0,
        )
        self._add(int(piece.direction), span, piece.data)
        self._packets += len(piece.packets)

    def add_datagram(self, datagram: Datagram) -> None:
        """Take a datagram that nobody knew."""
        if datagram.data:
            self._add(int(datagram.direction), datagram.span, datagram.data)
        self._packets += 1

    def add_encrypted(self, direction: int, span: Span) -> None:
        """Take bytes that a known protocol hides."""
        self.how = ENCRYPTED
        self._add(direction, span, b"")

    def finish(self, stats: ConnectionStats) -> tuple[Unclaimed | None, int]:
        """Give what there is to show, and how many bytes of it were never even joined (retransmissions included)."""
        lost = 0
        if self.left is not None:
            client, server, number, time_ns = self.left
            for direction, length in enumerate((stats.client.payload - client, stats.server.payload - server)):
                if length > 0:
                    lost += length
                    last, end_ns = max(number, stats.last_packet), max(time_ns, stats.last_ns)
                    self._add(direction, Span(0, length, number, last, time_ns, end_ns), b"")
        request, response = self._spans
        if request is None and response is None:
            return None, 0
        datagrams = stats.connection.transport == "udp" and self.left is not None
        packets = stats.client.packets + stats.server.packets if datagrams else self._packets
        return Unclaimed(self.how, request, response, (self._first[0], self._first[1]), packets), lost

    def _add(self, direction: int, span: Span, data: bytes) -> None:
        kept, before = self._first[direction], self._spans[direction]
        if len(kept) < PREVIEW:
            self._first[direction] = kept + data[: PREVIEW - len(kept)]
        self._spans[direction] = span if before is None else _longer(before, span)


def _longer(span: Span, more: Span) -> Span:
    """Join two ranges, the bytes between which belonged to somebody: lengths are added."""
    return Span(
        span.offset,
        span.length + more.length,
        min(span.first_packet, more.first_packet),
        max(span.last_packet, more.last_packet),
        min(span.start_ns, more.start_ns),
        max(span.end_ns, more.end_ns),
        span.missing + more.missing,
    )


def unclaimed_rows(stats: StatsColumns) -> list[ConnectionStats]:
    """Give the connections of which `unclaimed_entry` makes an entry."""
    wanted = np.isin(stats.state, FAILED_CODES)
    wanted[list(stats.unclaimed)] = True
    return stats.stats(np.flatnonzero(wanted))


def unclaimed_entry(protocol: str, stats: ConnectionStats) -> Entry | None:
    """Make the entry of payload that nobody read, or of a connection that never came about; None for all others."""
    connection, unclaimed = stats.connection, stats.unclaimed
    failed = stats.state in FAILED
    if unclaimed is None:
        if not failed:
            return None
        length = stats.client.payload + stats.server.payload
        span = Span(0, length, stats.first_packet, stats.last_packet, stats.first_ns, stats.last_ns)
        values: dict[str, Any] = {protocol: True, f"{protocol}_method": "error"}
        return Entry(
            protocol,
            connection,
            span,
            span if stats.server.packets else None,
            values,
            summary=f"no connection to port {connection.server.port}",
            status=stats.state,
            failed=True,
        )
    request, response = unclaimed.request, unclaimed.response
    sent, received = (0 if span is None else span.length for span in (request, response))
    values = {protocol: True, "request_body_size": sent, "response_body_size": received}
    if protocol == "tcp":
        values["tcp_method"] = unclaimed.how
    if preview := unclaimed.first[0] or unclaimed.first[1]:
        values[f"{protocol}_payload"] = preview
    return Entry(
        protocol,
        connection,
        request,
        response,
        values,
        summary=f"{_SUMMARIES.get(unclaimed.how, unclaimed.how)} payload, {sent} bytes sent, {received} received",
        status=stats.state,
        failed=failed,
        request_body=unclaimed.first[0],
        response_body=unclaimed.first[1],
    )
