"""Decode records to columns: whole blocks at once for what is common, packet by packet for the rest.

Each header is gathered from all packets of the block into one array (`gather`), so a tag or an option in front of it
costs nothing: the columns begin at the header, not at the packet. Rows that need more (fragments, extension headers,
tunnels) go to `packet.decode_packet`, which alone knows everything; what both know, both decode alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.capture import headers, link, packet, transport
from kubeshark_mcp.capture.columns import NETWORK_COLUMNS, TRANSPORT_COLUMNS, Columns
from kubeshark_mcp.capture.fragments import Fragments
from kubeshark_mcp.capture.gather import gather, table
from kubeshark_mcp.capture.layer import Layer, Packet
from kubeshark_mcp.model.packet import IPV4_MAPPED, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.records import Findings, Records
    from kubeshark_mcp.model.packet import PacketBlock

    Rows = slice | NDArray[np.intp]
    """Rows of a block: all of them as a slice, whose columns are views, or some of them by number."""
    Offsets = NDArray[np.int64]

_V4, _V6, _TAG, _OTHER = 1, 2, 3, 4
_TYPES = packet.TABLES[Layer.ETHERTYPE]
_CLASS = table(
    65_536,
    dict.fromkeys(range(link.LONGEST_LENGTH + 1), _OTHER)
    | dict.fromkeys(_TYPES, _OTHER)
    | dict.fromkeys(link.VLAN_TYPES, _TAG)
    | {link.IPV4: _V4, link.IPV6: _V6},
)
_NEEDS_MORE = table(256, set(packet.TABLES[Layer.PROTOCOL]) - {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP}).astype(
    np.bool_
)
_MAY_TUNNEL = table(65_536, transport.TUNNEL_PORTS).astype(np.bool_)
_MOST_TAGS = 4
_MAPPED = np.uint64(IPV4_MAPPED)


class Decoder:
    """Decodes the blocks of one capture in order; keeps fragments between them."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._fragments = Fragments(findings)
        self._unknown: set[int] = set()

    def decode(self, records: Records) -> PacketBlock:
        """Decode one block of records."""
        columns = Columns(records)
        fast = _Fast(columns)
        self._decode_links(fast, records)
        appended: list[bytes] = []
        if fast.rest:
            self._decode_singly(columns, records, np.sort(np.concatenate(fast.rest)), appended)
        return columns.block(appended)

    def finish(self) -> None:
        """Report what stayed incomplete at the end of the capture."""
        self._fragments.finish()

    def _decode_links(self, fast: _Fast, records: Records) -> None:
        kinds = records.link_type
        if not len(kinds):
            return
        same = bool((kinds == kinds[0]).all())
        for kind in [int(kinds[0])] if same else np.unique(kinds).tolist():
            rows: Rows = slice(0, len(kinds)) if same else np.flatnonzero(kinds == kind)
            if kind in fast.links:
                fast.links[kind](rows)
            elif kind in link.LINKS:
                fast.leave(rows)
            elif kind not in self._unknown and len(self._unknown) < 100:
                self._unknown.add(kind)
                first = records.number + int(np.argmax(kinds == kind))
                self._findings.warn(f"packets of link type {kind} are not decoded: it is not known here", first)

    def _decode_singly(self, columns: Columns, records: Records, rows: NDArray[np.intp], appended: list[bytes]) -> None:
        data = memoryview(records.data)  # type: ignore[arg-type]
        appended_at = records.limit
        names = (*NETWORK_COLUMNS, *TRANSPORT_COLUMNS)
        chosen = (columns.start, columns.end, columns.wire_end, records.time_ns, columns.point, records.link_type)
        found: list[tuple[Any, ...]] = []
        points: list[int] = []
        for start, end, wire_end, time_ns, point, kind in zip(*(array[rows].tolist() for array in chosen), strict=True):
            one = Packet(data, end, wire_end, time_ns, point, self._fragments, appended, appended_at)
            packet.decode_packet(one, kind, start)
            appended_at = one.appended_at
            found.append(tuple(getattr(one, name) for name in names))
            points.append(one.point)
        for name, values in zip(names, zip(*found, strict=True), strict=True):
            columns[name][rows] = values
        if points != columns.point[rows].tolist():
            columns.point = columns.point.copy()
            columns.point[rows] = points


class _Fast:
    """The columnar path. `rest` collects the rows that it leaves to the other one."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.data = columns.data
        self.rest: list[NDArray[np.intp]] = []
        self.links = {
            0: self._family,
            1: self._ethernet,
            12: self._raw,
            14: self._raw,
            101: self._raw,
            108: self._family,
            113: self._cooked,
            228: self._raw,
            229: self._raw,
            276: self._cooked_2,
        }

    def leave(self, rows: Rows) -> None:
        """Leave these rows to the packet-by-packet path."""
        self.rest.append(np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows)

    def _narrow(self, rows: Rows, keep: NDArray[np.bool_], *arrays: NDArray[Any], leave: bool = True) -> list[Any]:
        """Keep the rows where `keep` is true, and these elements of the arrays; leave the others to the other path."""
        if keep.all():
            return [rows, *arrays]
        if leave:
            self.leave(_pick(rows, ~keep))
        return [_pick(rows, keep), *(array[keep] for array in arrays)]

    def _ethernet(self, rows: Rows) -> None:
        start = self.columns.start[rows]
        self._types(rows, gather(self.data, start, headers.ETHERNET)["type"], start + 14)

    def _cooked(self, rows: Rows) -> None:
        start = self.columns.start[rows]
        self._types(rows, gather(self.data, start, headers.COOKED)["type"], start + 16)

    def _cooked_2(self, rows: Rows) -> None:
        columns = self.columns
        start = columns.start[rows]
        head = gather(self.data, start, headers.COOKED_2)
        whole = start + 20 <= columns.end[rows]
        point = columns.point.copy()
        point[rows] = np.where(whole, head["interface"] & 0x7FFFFFFF, point[rows])
        columns.point = point
        self._types(rows, head["type"], start + 20)

    def _raw(self, rows: Rows) -> None:
        start = self.columns.start[rows]
        version = gather(self.data, start, headers.FIRST_BYTE)["value"] >> 4
        kinds = np.select([version == 4, version == 6], [link.IPV4, link.IPV6], 0xFFFF)
        self._types(rows, kinds, start)

    def _family(self, rows: Rows) -> None:
        start = self.columns.start[rows]
        head = gather(self.data, start, headers.FAMILY)
        number = np.where(head["big"] > 0xFFFF, head["little"], head["big"])
        kinds = np.full(len(start), 0xFFFF, np.int64)
        for family, kind in link.FAMILIES.items():
            kinds[number == family] = kind
        self._types(rows, kinds, start + 4)

    def _types(self, rows: Rows, kinds: NDArray[Any], offset: Offsets, tags: int = 0) -> None:
        """Part rows by EtherType. Types read behind the captured bytes do no harm: the next header is not there."""
        classes = _CLASS[kinds]
        for wanted in (_V4, _V6, _TAG, _OTHER):
            chosen = classes == wanted
            if not chosen.any():
                continue
            some, at = self._narrow(rows, chosen, offset, leave=False)
            if wanted == _V4:
                self._ipv4(some, at)
            elif wanted == _V6:
                self._ipv6(some, at)
            elif wanted == _TAG and tags < _MOST_TAGS:
                self._types(some, gather(self.data, at, headers.VLAN)["type"], at + 4, tags + 1)
            else:
                self.leave(some)

    def _ipv4(self, rows: Rows, offset: Offsets) -> None:
        columns = self.columns
        head = gather(self.data, offset, headers.IPV4)
        size = ((head["version_length"] & 15) << 2).astype(np.int64)
        total = head["total_length"].astype(np.int64)
        good = (head["version_length"] >> 4 == 4) & (size >= 20) & (offset + size <= columns.end[rows])
        good &= (head["flags_offset"] & 0x3FFF == 0) & ~_NEEDS_MORE[head["protocol"]] & ((total >= size) | (total == 0))
        rows, offset, head, size, total = self._narrow(rows, good, offset, head, size, total)
        wire_end = columns.wire_end[rows]
        stop = np.where(total == 0, wire_end, np.minimum(offset + total, wire_end))
        protocol = head["protocol"]
        columns["ip_version"][rows] = 4
        columns["source_low"][rows] = head["source"].astype(np.uint64) | _MAPPED
        columns["destination_low"][rows] = head["destination"].astype(np.uint64) | _MAPPED
        columns["ttl"][rows] = head["ttl"]
        columns["ip_id"][rows] = head["identification"]
        self._transport(rows, protocol, offset, offset + size, stop)

    def _ipv6(self, rows: Rows, offset: Offsets) -> None:
        columns = self.columns
        head = gather(self.data, offset, headers.IPV6)
        good = (head["version_class"] >> 4 == 6) & (offset + 40 <= columns.end[rows])
        good &= ~_NEEDS_MORE[head["next_header"]]
        rows, offset, head = self._narrow(rows, good, offset, head)
        length = head["payload_length"].astype(np.int64)
        wire_end = columns.wire_end[rows]
        stop = np.where(length == 0, wire_end, np.minimum(offset + 40 + length, wire_end))
        columns["ip_version"][rows] = 6
        for name in ("source_high", "source_low", "destination_high", "destination_low"):
            columns[name][rows] = head[name]
        columns["ttl"][rows] = head["hop_limit"]
        self._transport(rows, head["next_header"], offset, offset + 40, stop)

    def _transport(
        self, rows: Rows, protocol: NDArray[np.uint8], network: Offsets, offset: Offsets, stop: Offsets
    ) -> None:
        """Part rows by protocol; `stop` is where the IP packet ends on the wire."""
        columns = self.columns
        columns["protocol"][rows] = protocol
        columns["network_offset"][rows] = network
        columns["transport_offset"][rows] = offset
        other = np.ones(len(protocol), np.bool_)
        for number, read in ((PROTOCOL_TCP, self._tcp), (PROTOCOL_UDP, self._udp), (PROTOCOL_SCTP, self._sctp)):
            chosen = protocol == number
            if chosen.any():
                other &= ~chosen
                read(*self._narrow(rows, chosen, offset, stop, leave=False))
        if other.any():
            rows, offset, stop = self._narrow(rows, other, offset, stop, leave=False)
            self._payload(rows, offset, stop, stop)

    def _whole(self, rows: Rows, whole: NDArray[np.bool_], *arrays: NDArray[Any]) -> list[Any]:
        """Keep rows with a whole transport header; the others are marked to have no transport columns."""
        if not whole.all():
            self.columns["fragment"][_pick(rows, ~whole)] = True
        return self._narrow(rows, whole, *arrays, leave=False)

    def _tcp(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        columns = self.columns
        head = gather(self.data, np.minimum(offset, columns.end[rows]), headers.TCP)
        offset_flags = head["offset_flags"].astype(np.uint16)
        size = (offset_flags >> 12).astype(np.int64) << 2
        whole = (size >= 20) & (offset + 20 <= np.minimum(stop, columns.end[rows]))
        rows, offset, stop, head, offset_flags, size = self._whole(rows, whole, offset, stop, head, offset_flags, size)
        for name in ("source_port", "destination_port", "sequence", "acknowledgment", "window"):
            columns[name][rows] = head[name]
        columns["flags"][rows] = offset_flags & 0xFFF
        self._payload(rows, offset + size, stop, stop)

    def _udp(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        columns = self.columns
        head = gather(self.data, np.minimum(offset, columns.end[rows]), headers.UDP)
        whole = offset + 8 <= np.minimum(stop, columns.end[rows])
        rows, offset, stop, head = self._whole(rows, whole, offset, stop, head)
        tunnel = _MAY_TUNNEL[head["destination_port"]] | _MAY_TUNNEL[head["source_port"]]
        rows, offset, stop, head = self._narrow(rows, ~tunnel, offset, stop, head)
        columns["source_port"][rows] = head["source_port"]
        columns["destination_port"][rows] = head["destination_port"]
        length = head["length"].astype(np.int64)
        end = np.where(length == 0, stop, np.minimum(offset + np.maximum(length, 8), stop))
        self._payload(rows, offset + 8, stop, end)

    def _sctp(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        columns = self.columns
        head = gather(self.data, np.minimum(offset, columns.end[rows]), headers.UDP)
        whole = offset + 12 <= np.minimum(stop, columns.end[rows])
        rows, offset, stop, head = self._whole(rows, whole, offset, stop, head)
        columns["source_port"][rows] = head["source_port"]
        columns["destination_port"][rows] = head["destination_port"]
        self._payload(rows, offset + 12, stop, stop)

    def _payload(self, rows: Rows, offset: Offsets, stop: Offsets, end: Offsets) -> None:
        """Set the payload: from `offset` to `end` in an IP packet that ends at `stop`, as far as captured."""
        columns = self.columns
        captured = np.minimum(stop, columns.end[rows])
        there = np.minimum(end, captured)
        columns["payload_offset"][rows] = np.minimum(offset, captured)
        columns["payload_length"][rows] = np.maximum(there - offset, 0)
        columns["payload_missing"][rows] = np.maximum(end - np.maximum(there, offset), 0)


def _pick(rows: Rows, mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    chosen = np.flatnonzero(mask)
    return chosen if isinstance(rows, slice) else rows[chosen]
