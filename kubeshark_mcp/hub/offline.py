"""The engine on capture files without a workspace: what `entries`, `flows` and `export` of the command line do."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.dissect.base import Protocol
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.dissectors import dissectors_by_name, parse_dissectors, settings_from
from kubeshark_mcp.hub.keylogs import key_log_files
from kubeshark_mcp.hub.pipeline import Outcome, Pipeline, Run
from kubeshark_mcp.hub.queries import EntryBase, Language, public
from kubeshark_mcp.hub.sources import CaptureSource, node_of, resource_files
from kubeshark_mcp.hub.times import end_to_ns, to_ns
from kubeshark_mcp.store.query import Query

if TYPE_CHECKING:
    from kubeshark_mcp.capture.export import Exported
    from kubeshark_mcp.hub.contract_filters import FilterPlan
    from kubeshark_mcp.hub.facts import StoredFacts

_DECODE_AS = re.compile(r"(tcp|udp|sctp)\.port\s*==\s*(\d{1,5})\s*,\s*([A-Za-z0-9_-]+)")


def parse_source(text: str, scratch: Path) -> CaptureSource:
    """Read FILE, NODE=FILE or - (standard input, kept under `scratch`)."""
    node, separator, path = text.partition("=")
    if not separator or Path(text).exists():
        node, path = "", text
    if path == "-":
        spooled = scratch / "stdin.pcap"
        with spooled.open("wb") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
        return CaptureSource(spooled, node or "stdin")
    return CaptureSource(Path(path), node or node_of(Path(path)))


def parse_decode_as(rules: list[str], known: Mapping[str, str]) -> dict[tuple[str, int], str]:
    """Read rules such as `tcp.port==8123,http`. known: every name that is taken -> the protocol's own name."""
    found: dict[tuple[str, int], str] = {}
    for rule in rules:
        match = _DECODE_AS.fullmatch(rule.strip())
        if match is None:
            raise UsageError(f"--decode-as takes TRANSPORT.port==NUMBER,PROTOCOL (tcp.port==8123,http), not {rule!r}.")
        transport, port, protocol = match.groups()
        if protocol not in known:
            raise UsageError(f"--decode-as {rule!r} names no protocol of ours; there are {', '.join(sorted(known))}.")
        found[transport, int(port)] = known[protocol]
    return found


def names_of(protocols: Iterable[Protocol]) -> dict[str, str]:
    """Give every name of the protocols -> their own name."""
    return {name: protocol.name for protocol in protocols for name in (protocol.name, *protocol.aliases)}


def checked_dissectors(enabled: str | None, mappings: Sequence[str]) -> dict[str, Any]:
    """Read `--enabled-dissectors` and `--port-mapping`; refuses names that no protocol has."""
    if enabled is None and not mappings:
        return {}
    return parse_dissectors(enabled, mappings, dissectors_by_name(load_protocols()))


class Offline:
    """Dissects the given files into a scratch folder and answers from there."""

    def __init__(
        self,
        files: list[str],
        resources: list[Path],
        decode_as: list[str],
        scratch: Path,
        layer4_only: bool = False,
        key_logs: Sequence[Path] = (),
        dissectors: Mapping[str, Any] | None = None,
    ) -> None:
        """Prepare the work. dissectors: see `hub.dissectors`."""
        self._scratch = scratch
        self._open: list[EntryBase] = []
        self._warnings: list[str] = []
        protocols = load_protocols()
        self._language = Language(protocols)
        sources = [parse_source(text, scratch) for text in files]
        self._run = Run(
            sources,
            resource_files(sources, resources),
            replace(settings_from(dissectors or {}), decode_as=parse_decode_as(decode_as, names_of(protocols))),
            layer4_only,
            [] if layer4_only else key_log_files(sources, key_logs),
        )

    def check(self, kfl: str | None) -> None:
        """Refuse a wrong filter before the work starts."""
        if kfl:
            self._language.compile(kfl)

    def dissect(self, progress: Callable[[float], None]) -> Outcome:
        """Do the work."""
        folder = self._scratch / "entries"
        folder.mkdir()
        outcome = Pipeline(self._run, folder, lambda fraction, outcome: progress(fraction)).dissect()
        self._warnings = list(outcome.warnings)
        return outcome

    def entries(self, kfl: str | None, limit: int | None, keep_duplicates: bool) -> Iterator[dict[str, Any]]:
        """Give the entries that match in order of time: KFL field name -> value, and `packets`."""
        base = EntryBase(self._scratch / "entries", self._language, keep_duplicates)
        for row in base.rows(kfl, limit):
            yield public(row)
        base.close()

    def facts(self) -> StoredFacts:
        """Give what detectors and views need, once the work is done; valid until `close`."""
        from kubeshark_mcp.hub.facts import StoredFacts  # with it comes all that analyses

        base = EntryBase(self._scratch / "entries", self._language)
        self._open.append(base)
        return StoredFacts(base, self._run.resources, warnings=self._warnings)

    def rows(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Give some entries by id: KFL field name -> value, and `packets`; ids without an entry are left out."""
        if not ids:
            return {}
        base = EntryBase(self._scratch / "entries", self._language)
        self._open.append(base)
        asked = Query(f'"_id" IN ({", ".join(str(int(one)) for one in ids)})')
        return {row["_id"]: public(row) for row in base.source.page(asked, len(ids)).rows}

    def hashes(self) -> list[tuple[str, str, str]]:
        """Give node, name and SHA-256 (hexadecimal) of each capture."""
        from kubeshark_mcp.hub.files import sha256_of  # with it come the models of answers

        return [(source.node, source.path.name, sha256_of(source.path)) for source in self._run.sources]

    def close(self) -> None:
        """Release what `facts` and `rows` opened."""
        while self._open:
            self._open.pop().close()

    def explain(self, kfl: str) -> FilterPlan:
        """Say how a filter runs on the entries and what each clause leaves."""
        from kubeshark_mcp.hub.filters import explain_entries

        base = EntryBase(self._scratch / "entries", self._language)
        try:
            return explain_entries(base, kfl)
        finally:
            base.close()

    def commonest(self, name: str) -> list[tuple[str, int]]:
        """Give the commonest values of a field with how many entries have them."""
        base = EntryBase(self._scratch / "entries", self._language)
        try:
            return [(str(value), count) for value, count in base.source.field_profile([name])[0].commonest]
        finally:
            base.close()


def export_files(
    files: list[str],
    destination: Path,
    bpf: str | None,
    nodes: str | None,
    window: tuple[datetime | None, datetime | None],
    progress: Callable[[float], None],
) -> Exported:
    """Write the packets of captures that match, merged by time."""
    from kubeshark_mcp.capture.bpf import check_bpf
    from kubeshark_mcp.capture.export import Source, export_packets
    from kubeshark_mcp.hub.snapshots import chosen

    if bpf:
        check_bpf(bpf)
    with tempfile.TemporaryDirectory(prefix="kubeshark-") as scratch:
        sources = [parse_source(text, Path(scratch)) for text in files]
        if nodes is not None:
            sources = chosen(sources, [node.strip() for node in nodes.split(",") if node.strip()])
        start, end = window
        if start is not None and end is not None and start >= end:
            raise UsageError(f"The window ends ({end.isoformat()}) before it starts ({start.isoformat()}): swap them.")
        return export_packets(
            [Source(source.path, source.node) for source in sources],
            destination,
            bpf=bpf,
            start_ns=None if start is None else to_ns(start),
            end_ns=None if end is None else end_to_ns(end),
            progress=lambda done, total: progress(done / max(1, total)),
        )
