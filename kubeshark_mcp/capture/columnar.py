"""The columnar path: headers of all packets of a block at once.

Each header is gathered from all packets into one array (`gather`), so a tag or an option in front of it costs nothing:
the columns begin at the header, not at the packet. The overlays of Kubernetes networks (VXLAN, Geneve, IP in IP) are
followed too; rows that need more (fragments, extension headers, other tunnels) are left to `packet`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.capture import headers, link, packet, transport, tunnels
from kubeshark_mcp.capture.gather import Fronts, table
from kubeshark_mcp.capture.layer import Layer
from kubeshark_mcp.model.packet import IPV4_MAPPED, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.columns import Columns

    Rows = slice | NDArray[np.intp]
    """Rows of a block: all of them as a slice, whose columns are views, or some of them by number."""
    Offsets = NDArray[np.int64]

_V4, _V6, _TAG, _OTHER = 1, 2, 3, 4
_IPV4_INSIDE, _IPV6_INSIDE = 4, 41
_TYPES = packet.TABLES[Layer.ETHERTYPE]
_CLASS = table(
    65_536,
    dict.fromkeys(range(link.LONGEST_LENGTH + 1), _OTHER)
    | dict.fromkeys(_TYPES, _OTHER)
    | dict.fromkeys(link.VLAN_TYPES, _TAG)
    | {link.IPV4: _V4, link.IPV6: _V6},
)
_KNOWN = {PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP, _IPV4_INSIDE, _IPV6_INSIDE}
_NEEDS_MORE = table(256, set(packet.TABLES[Layer.PROTOCOL]) - _KNOWN).astype(np.bool_)
_MAY_TUNNEL = table(65_536, transport.TUNNEL_PORTS).astype(np.bool_)
_MOST_TAGS = 4
_MOST_TUNNELS = 4
_FOLLOWED = (tunnels.VXLAN, tunnels.VXLAN_LINUX, tunnels.GENEVE)
_MAPPED = np.uint64(IPV4_MAPPED)


class Columnar:
    """Decodes one block; `rest` collects the rows that it leaves to the other path."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.headers = Fronts(columns.data, columns.start).headers
        self.rest: list[NDArray[np.intp]] = []
        self._depth = 0

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
        self._ethernet_at(rows, self.columns.start[rows])

    def _ethernet_at(self, rows: Rows, start: Offsets) -> None:
        self._types(rows, self.headers(start, headers.ETHERNET)["type"], start + 14)

    def _cooked(self, rows: Rows) -> None:
        start = self.columns.start[rows]
        self._types(rows, self.headers(start, headers.COOKED)["type"], start + 16)

    def _cooked_2(self, rows: Rows) -> None:
        columns = self.columns
        start = columns.start[rows]
        head = self.headers(start, headers.COOKED_2)
        whole = start + 20 <= columns.stop[rows]
        point = columns.point.copy()
        point[rows] = np.where(whole, head["interface"] & 0x7FFFFFFF, point[rows])
        columns.point = point
        self._types(rows, head["type"], start + 20)

    def _raw(self, rows: Rows) -> None:
        start = self.columns.start[rows]
        version = self.headers(start, headers.FIRST_BYTE)["value"] >> 4
        kinds = np.select([version == 4, version == 6], [link.IPV4, link.IPV6], 0xFFFF)
        self._types(rows, kinds, start)

    def _family(self, rows: Rows) -> None:
        start = self.columns.start[rows]
        head = self.headers(start, headers.FAMILY)
        number = np.where(head["big"] > 0xFFFF, head["little"], head["big"])
        kinds = np.full(len(start), 0xFFFF, np.int64)
        for family, kind in link.FAMILIES.items():
            kinds[number == family] = kind
        self._types(rows, kinds, start + 4)

    def _types(self, rows: Rows, kinds: NDArray[Any], offset: Offsets, tags: int = 0) -> None:
        """Part rows by EtherType, where it was captured at all."""
        rows, kinds, offset = self._narrow(rows, offset <= self.columns.stop[rows], kinds, offset, leave=False)
        classes = _CLASS[kinds]
        present = np.bincount(classes, minlength=_OTHER + 1)
        for wanted in (_V4, _V6, _TAG, _OTHER):
            if not present[wanted]:
                continue
            chosen = classes == wanted
            some, at = self._narrow(rows, chosen, offset, leave=False)
            if wanted == _V4:
                self._ipv4(some, at)
            elif wanted == _V6:
                self._ipv6(some, at)
            elif wanted == _TAG and tags < _MOST_TAGS:
                self._types(some, self.headers(at, headers.VLAN)["type"], at + 4, tags + 1)
            else:
                self.leave(some)

    def _ipv4(self, rows: Rows, offset: Offsets) -> None:
        columns = self.columns
        head = self.headers(offset, headers.IPV4)
        size = ((head["version_length"] & 15) << 2).astype(np.int64)
        total = head["total_length"].astype(np.int64)
        good = (head["version_length"] >> 4 == 4) & (size >= 20) & (offset + size <= columns.stop[rows])
        good &= (head["flags_offset"] & 0x3FFF == 0) & ~_NEEDS_MORE[head["protocol"]] & ((total >= size) | (total == 0))
        rows, offset, head, size, total = self._narrow(rows, good, offset, head, size, total)
        wire_end = columns.wire_stop[rows]
        stop = np.minimum(offset + total, wire_end)
        untold = total == 0  # of segmentation offloading: it goes to the end
        stop[untold] = wire_end[untold]
        protocol = head["protocol"]
        if self._depth:
            columns.reset(rows)
        columns["ip_version"][rows] = 4
        columns["source_low"][rows] = head["source"].astype(np.uint64) | _MAPPED
        columns["destination_low"][rows] = head["destination"].astype(np.uint64) | _MAPPED
        columns["ttl"][rows] = head["ttl"]
        columns["ip_id"][rows] = head["identification"]
        self._transport(rows, protocol, offset, offset + size, stop)

    def _ipv6(self, rows: Rows, offset: Offsets) -> None:
        columns = self.columns
        head = self.headers(offset, headers.IPV6)
        good = (head["version_class"] >> 4 == 6) & (offset + 40 <= columns.stop[rows])
        good &= ~_NEEDS_MORE[head["next_header"]]
        rows, offset, head = self._narrow(rows, good, offset, head)
        length = head["payload_length"].astype(np.int64)
        wire_end = columns.wire_stop[rows]
        stop = np.where(length == 0, wire_end, np.minimum(offset + 40 + length, wire_end))
        if self._depth:
            columns.reset(rows)
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
        protocol = np.ascontiguousarray(protocol)  # not of the columns, which a tunnel's inside writes over
        columns["protocol"][rows] = protocol
        columns["network_offset"][rows] = network
        columns["transport_offset"][rows] = offset
        left = np.bincount(protocol, minlength=256)
        for number, read in _PROTOCOLS:
            if left[number]:
                left[number] = 0
                read(self, *self._narrow(rows, protocol == number, offset, stop, leave=False))
        if left.any():
            rows, offset, stop = self._narrow(rows, left[protocol] > 0, offset, stop, leave=False)
            self._payload(rows, offset, stop, stop)

    def _whole(self, rows: Rows, whole: NDArray[np.bool_], *arrays: NDArray[Any]) -> list[Any]:
        """Keep rows with a whole transport header; the others are marked to have no transport columns."""
        if not whole.all():
            self.columns["fragment"][_pick(rows, ~whole)] = True
        return self._narrow(rows, whole, *arrays, leave=False)

    def _tcp(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        columns = self.columns
        head = self.headers(np.minimum(offset, columns.stop[rows]), headers.TCP)
        offset_flags = head["offset_flags"].astype(np.uint16)
        size = (offset_flags >> 12).astype(np.int64) << 2
        whole = (size >= 20) & (offset + 20 <= np.minimum(stop, columns.stop[rows]))
        rows, offset, stop, head, offset_flags, size = self._whole(rows, whole, offset, stop, head, offset_flags, size)
        for name in ("source_port", "destination_port", "sequence", "acknowledgment", "window"):
            columns[name][rows] = head[name]
        columns["flags"][rows] = offset_flags & 0xFFF
        self._payload(rows, offset + size, stop, stop)

    def _udp(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        columns = self.columns
        head = self.headers(np.minimum(offset, columns.stop[rows]), headers.UDP)
        whole = offset + 8 <= np.minimum(stop, columns.stop[rows])
        rows, offset, stop, head = self._whole(rows, whole, offset, stop, head)
        columns["source_port"][rows] = head["source_port"]
        columns["destination_port"][rows] = head["destination_port"]
        length = head["length"].astype(np.int64)
        end = np.where(length == 0, stop, np.minimum(offset + np.maximum(length, 8), stop))
        self._payload(rows, offset + 8, stop, end)
        port = np.where(_MAY_TUNNEL[head["destination_port"]], head["destination_port"], head["source_port"])
        chosen = _MAY_TUNNEL[port]
        if chosen.any():
            self._udp_tunnels(*self._narrow(rows, chosen, port, offset + 8, end, leave=False))

    def _enter(self, rows: Rows, end: Offsets) -> bool:
        """Let the packet inside a tunnel end where the outer one says; False when it is too deep, and left."""
        if self._depth >= _MOST_TUNNELS:
            self.leave(rows)
            return False
        columns = self.columns
        columns.stop[rows] = np.minimum(columns.stop[rows], end)
        columns.wire_stop[rows] = np.minimum(columns.wire_stop[rows], end)
        return True

    def _ipv4_inside(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        if self._enter(rows, stop):
            self._depth += 1
            self._ipv4(rows, offset)
            self._depth -= 1

    def _ipv6_inside(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        if self._enter(rows, stop):
            self._depth += 1
            self._ipv6(rows, offset)
            self._depth -= 1

    def _udp_tunnels(self, rows: Rows, port: NDArray[np.uint16], offset: Offsets, end: Offsets) -> None:
        """Follow VXLAN and Geneve; other tunnels are left. What is no tunnel after all stays the UDP packet it is."""
        plain = np.isin(port, _FOLLOWED)
        rows, port, offset, end = self._narrow(rows, plain, port, offset, end)
        if not self._enter(rows, end):
            return
        rows, port, offset = self._narrow(rows, offset + 8 <= self.columns.stop[rows], port, offset, leave=False)
        head = self.headers(offset, headers.TUNNEL)
        flagged = head["first"] & 8 != 0
        strict = (head["word"] == 0x08000000) & (head["last"] == 0)
        overlay = np.select([port == tunnels.VXLAN, port == tunnels.VXLAN_LINUX], [flagged, strict], False)
        geneve = (port == tunnels.GENEVE) & (head["first"] >> 6 == 0)
        following = offset + 8 + np.where(geneve, (head["first"] & 0x3F).astype(np.int64) << 2, 0)
        bridged = overlay | (geneve & (head["type"] == tunnels.TRANSPARENT_ETHERNET))
        inside = following + 14 <= self.columns.stop[rows]
        self._depth += 1
        some, at = self._narrow(rows, bridged & inside, following, leave=False)
        self._ethernet_at(some, at)
        routed = geneve & ~bridged & (following <= self.columns.stop[rows])
        some, kinds, at = self._narrow(rows, routed, head["type"], following, leave=False)
        self._types(some, kinds, at)
        self._depth -= 1

    def _sctp(self, rows: Rows, offset: Offsets, stop: Offsets) -> None:
        columns = self.columns
        head = self.headers(np.minimum(offset, columns.stop[rows]), headers.UDP)
        whole = offset + 12 <= np.minimum(stop, columns.stop[rows])
        rows, offset, stop, head = self._whole(rows, whole, offset, stop, head)
        columns["source_port"][rows] = head["source_port"]
        columns["destination_port"][rows] = head["destination_port"]
        self._payload(rows, offset + 12, stop, stop)

    def _payload(self, rows: Rows, offset: Offsets, stop: Offsets, end: Offsets) -> None:
        """Set the payload: from `offset` to `end` in an IP packet that ends at `stop`, as far as captured."""
        columns = self.columns
        captured = np.minimum(stop, columns.stop[rows])
        there = np.minimum(end, captured)
        columns["payload_offset"][rows] = np.minimum(offset, captured)
        columns["payload_length"][rows] = np.maximum(there - offset, 0)
        columns["payload_missing"][rows] = np.maximum(end - np.maximum(there, offset), 0)


def _pick(rows: Rows, mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    chosen = np.flatnonzero(mask)
    return chosen if isinstance(rows, slice) else rows[chosen]


# Plain functions, so that no block is kept alive by a cycle of bound methods.
_PROTOCOLS = (
    (PROTOCOL_TCP, Columnar._tcp),
    (PROTOCOL_UDP, Columnar._udp),
    (PROTOCOL_SCTP, Columnar._sctp),
    (_IPV4_INSIDE, Columnar._ipv4_inside),
    (_IPV6_INSIDE, Columnar._ipv6_inside),
)
LINKS = {
    0: Columnar._family,
    1: Columnar._ethernet,
    12: Columnar._raw,
    14: Columnar._raw,
    101: Columnar._raw,
    108: Columnar._family,
    113: Columnar._cooked,
    228: Columnar._raw,
    229: Columnar._raw,
    276: Columnar._cooked_2,
}
"""LINKTYPE -> how its headers are read at once; the others go packet by packet."""
