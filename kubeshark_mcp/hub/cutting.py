"""Evidence cut out of captures: the smallest file that still shows some entries, with names and comments."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kubeshark_mcp import __version__
from kubeshark_mcp.capture.annotate import NotedPacket, annotated_pcapng
from kubeshark_mcp.capture.conversations import MOST_PACKETS, FoundPacket, find_packets
from kubeshark_mcp.capture.rewrite import with_payload
from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_views as v
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.files import PREFIX, sha256_of
from kubeshark_mcp.hub.leftovers import temporary_name
from kubeshark_mcp.hub.queries import EntryBase, evidence
from kubeshark_mcp.hub.snapshots import SnapshotRoom, captures_in
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.views import handle_parts
from kubeshark_mcp.hub.workspace import Workspace, flush, storing
from kubeshark_mcp.model.packet import address_text
from kubeshark_mcp.present.fencing import clean_line
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.scrubbing import READABLE, scrubbed
from kubeshark_mcp.store.evidence import Row
from kubeshark_mcp.store.query import Query


@dataclass(slots=True)
class _Part:
    """What is cut out of one capture file. owners: first packet of a half -> what to say of it."""

    source: CaptureSource
    packets: list[FoundPacket]
    owners: dict[int, list[str]]
    protocols: dict[int, str]


class CuttingRoom:
    """Writes the smallest captures that still show entries."""

    def __init__(self, workspace: Workspace, databases: DatabaseRoom, snapshots: SnapshotRoom) -> None:
        self._workspace, self._databases, self._snapshots = workspace, databases, snapshots
        self._hashes: dict[tuple[Path, int, int], str] = {}

    def cut(self, request: v.CutRequest) -> v.Cut:
        """Write it; the same request again gives the same file."""
        dissection, rows, left = self._chosen(request)
        database = f"{dissection.snapshot}/{dissection.name}"
        redactor = Redactor(self._workspace.redaction_key(), enabled=request.scrub)
        parts = list(self._parts(dissection, rows, database, redactor))
        masked, opaque = 0, set[str]()
        noted, interfaces = [], dict[tuple[int, str], int]()
        for part in parts:
            data = {packet.number: packet.data for packet in part.packets}
            if request.scrub:
                data |= _scrub(part)
                opaque |= set(part.protocols.values()) - READABLE
            for packet in part.packets:
                masked += sum(map(int.__ne__, packet.data, data[packet.number]))
                key = packet.link_type, part.source.node
                place = interfaces.setdefault(key, len(interfaces))
                comments = tuple(part.owners.get(packet.number, ()))
                noted.append(NotedPacket(packet.time_ns, packet.original, data[packet.number], place, comments))
        noted.sort(key=lambda packet: packet.time_ns)
        names = list((_service_names(rows, parts) | _names(rows)).items())
        about = [f"{len(rows)} entries of {database}" + (", secrets overwritten" if request.scrub else "")]
        about += [f"from {part.source.path.name} of {part.source.node}, SHA-256 {self._hash(part)}" for part in parts]
        file = annotated_pcapng(noted, list(interfaces), names, about, f"kubeshark-mcp {__version__}")
        path = self._write(dissection.snapshot, file)
        full = sum(len(part.packets) for part in parts) >= MOST_PACKETS
        return v.Cut(
            path=PREFIX + quote(path.name), packets=len(noted), size_bytes=len(file),
            sha256=hashlib.sha256(file).hexdigest(), database=database, entries=len(rows), left_out=left,
            names=len(names), masked=masked, opaque=sorted(opaque),
            warnings=[f"only the first {MOST_PACKETS:,} packets of a capture are cut out"] if full else [],
        )  # fmt: skip

    def source(self, handle: str) -> v.Source:
        """Say where an entry was read."""
        database, number = handle_parts(handle)
        dissection = self._databases.resolve(database)
        row = self._row(dissection, number)
        place = row.get("_capture")
        captures = captures_in(self._snapshots.completed(dissection.snapshot))
        if place is None or place >= len(captures):
            raise NotFoundError(f"The capture of {handle!r} is not kept in its snapshot any more.")
        source = captures[place]
        digest = self._digest(source.path)
        return v.Source(node=source.node, file=source.path.name, sha256=digest, packets=evidence(row))

    def _hash(self, part: _Part) -> str:
        return self._digest(part.source.path)

    def _digest(self, path: Path) -> str:
        status = path.stat()
        key = path, status.st_size, status.st_mtime_ns
        if key not in self._hashes:
            self._hashes[key] = sha256_of(path)
        return self._hashes[key]

    def _chosen(self, request: v.CutRequest) -> tuple[c.Dissection, list[Row], int]:
        if bool(request.ids) == bool(request.kfl):
            raise UsageError("Give either ids of entries or a kfl filter that selects them.")
        handles = [handle_parts(text) for text in request.ids]
        named = {database for database, _ in handles if database is not None}
        if len(named) > 1:
            raise UsageError(f"The entries lie in different databases ({', '.join(sorted(named))}): cut each apart.")
        dissection = self._databases.resolve(next(iter(named), request.database))
        if handles:
            numbers = list(dict.fromkeys(number for _, number in handles))
            kept = numbers[: request.limit]
            return dissection, [self._row(dissection, number) for number in kept], len(numbers) - len(kept)
        base = self._databases.base(dissection)
        page = base.page(request.kfl, Query(), request.limit, None).page
        if not page.rows:
            raise NotFoundError(f"No entry matches {request.kfl!r}: there is nothing to cut out.")
        return dissection, list(page.rows), page.total - len(page.rows)

    def _row(self, dissection: c.Dissection, number: int) -> Row:
        base: EntryBase = self._databases.base(dissection)
        try:
            return base.source.get(number)
        except NotFoundError:
            return self._databases.base(dissection, keep_duplicates=True).source.get(number)

    def _parts(
        self, dissection: c.Dissection, rows: Sequence[Row], database: str, redactor: Redactor
    ) -> Iterator[_Part]:
        captures = captures_in(self._snapshots.completed(dissection.snapshot))
        by_capture: dict[int, list[Row]] = defaultdict(list)
        for row in rows:
            if (place := row.get("_capture")) is not None and place < len(captures):
                by_capture[place].append(row)
        for place, own in sorted(by_capture.items()):
            spans = [(first, last) for row in own for first, last in evidence(row).values()]
            found = find_packets(captures[place].path, spans)
            yield _Part(captures[place], found, *_told(own, database, redactor, found))

    def _write(self, snapshot: str, file: bytes) -> Path:
        digest = hashlib.sha256(file).hexdigest()[:10]
        path = self._workspace.exports / f"{snapshot}-evidence-{digest}.pcapng"
        hidden = path.with_name(temporary_name("writing", path.name))
        with storing(path):
            try:
                hidden.write_bytes(file)
                flush(hidden)
                hidden.replace(path)
            finally:
                hidden.unlink(missing_ok=True)
        return path


def _told(
    rows: Iterable[Row], database: str, redactor: Redactor, packets: Sequence[FoundPacket]
) -> tuple[dict[int, list[str]], dict[int, str]]:
    """Give what to say of packets, and the protocol of each, by number."""
    owners: dict[int, list[str]] = defaultdict(list)
    protocols: dict[int, str] = {}
    for row in rows:
        summary = redactor.text(clean_line(f"{row.get('protocol', '')} {row.get('summary', '')}", 200))
        status = redactor.text(clean_line(str(row.get("status", "")), 60))
        for half, (first, last) in evidence(row).items():
            end = f" -> {status}" if half == "response" and status else ""
            owners[first].append(f"{half} of {database}#{row['_id']}: {summary}{end}")
            for packet in packets:
                if first <= packet.number <= last:
                    protocols[packet.number] = row.get("protocol", "")
    for packet in packets:
        if packet.handshake and packet.number not in owners:
            owners[packet.number].append("handshake")
    return dict(owners), protocols


def _names(rows: Iterable[Row]) -> dict[str, str]:
    """Give a name for each address: `pod.namespace`, or the DNS name."""
    names: dict[str, str] = {}
    for row in rows:
        for side in ("src", "dst"):
            address, name = row.get(f"{side}.ip", ""), row.get(f"{side}.name", "")
            namespace = row.get(f"{side}.namespace", "")
            full = f"{name}.{namespace}" if name and namespace else name or row.get(f"{side}.dns", "")
            if address and full:
                names.setdefault(address, clean_line(full, 200))
    return names


def _service_names(rows: Iterable[Row], parts: Iterable[_Part]) -> dict[str, str]:
    """Give the name of the service for an address that only the packets have (a ClusterIP before translation)."""
    names: dict[str, str] = {}
    packets = {(part.source.path.name, packet.number): packet for part in parts for packet in part.packets}
    for row in rows:
        service, namespace = row.get("dst.service.name", ""), row.get("dst.service.namespace", "")
        if not service:
            continue
        for half, (first, _) in evidence(row).items():
            packet = packets.get((row.get("capture", {}).get("file", ""), first))
            if packet is not None:
                high, low = packet.ends[2:4] if half == "request" else packet.ends[0:2]
                names.setdefault(address_text(high, low), f"{service}.{namespace}" if namespace else service)
    return names


def _scrub(part: _Part) -> dict[int, bytes]:
    """Overwrite secrets, direction by direction over the joined segments, so that none hides on a boundary."""
    flows: dict[tuple[int, ...], list[FoundPacket]] = defaultdict(list)
    done: dict[int, bytes] = {}
    for packet in part.packets:
        if packet.payload < 0:
            # A fragment, or no packet of ours: what stands behind its first headers is not looked into.
            at = max(packet.network, 0) + 40
            done[packet.number] = packet.data[:at] + b"x" * max(0, len(packet.data) - at)
        elif packet.payload_length:
            flows[packet.ends].append(packet)
    for members in flows.values():
        for run in _runs(members):
            done |= _scrub_run(run, _protocol(run, part.protocols))
    return done


def _protocol(run: Sequence[FoundPacket], protocols: Mapping[int, str]) -> str:
    found = [protocols[packet.number] for packet in run if packet.number in protocols]
    unreadable = [name for name in found if name not in READABLE]
    return (unreadable or found or [""])[0]


def _runs(packets: Sequence[FoundPacket]) -> Iterator[list[FoundPacket]]:
    """Give segments that follow each other in the stream together; datagrams each alone."""
    if packets[0].ends[6] != 6:
        yield from ([packet] for packet in packets)
        return
    run: list[FoundPacket] = []
    end = 0
    start = packets[0].sequence
    for packet in sorted(packets, key=lambda one: _after(one.sequence, start)):
        at = _after(packet.sequence, start)
        if run and at > end:
            yield run
            run = []
        run.append(packet)
        end = max(end, at + packet.payload_length) if len(run) > 1 else at + packet.payload_length
    yield run


def _after(sequence: int, start: int) -> int:
    """Give how far a sequence number lies behind another, negative before it (RFC 1982)."""
    return (sequence - start + (1 << 31)) % (1 << 32) - (1 << 31)


def _scrub_run(run: Sequence[FoundPacket], protocol: str) -> dict[int, bytes]:
    start = run[0].sequence
    places = [_after(packet.sequence, start) if len(run) > 1 else 0 for packet in run]
    joined = bytearray(max(at + packet.payload_length for at, packet in zip(places, run, strict=True)))
    for at, packet in zip(places, run, strict=True):
        joined[at : at + packet.payload_length] = packet.data[packet.payload : packet.payload + packet.payload_length]
    clean = scrubbed(bytes(joined), protocol)
    return {
        packet.number: with_payload(packet, clean[at : at + packet.payload_length])
        for at, packet in zip(places, run, strict=True)
        if clean[at : at + packet.payload_length]
        != packet.data[packet.payload : packet.payload + packet.payload_length]
    }
