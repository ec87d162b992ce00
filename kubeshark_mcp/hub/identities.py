"""The identities of one run: Kubernetes objects, names inside captures, and DNS answers as they are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kubeshark_mcp.hub.sources import read_resources
from kubeshark_mcp.identity.kubernetes import from_kubernetes
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.model.entry import Entry


def load_identities(resources: Iterable[Path]) -> IdentityTable:
    """Give the table of what these Kubernetes objects files say."""
    return IdentityTable(from_kubernetes(read_resources(path)) for path in resources)


def learn(table: IdentityTable, entries: Iterable[Entry]) -> None:
    """Take the DNS answers among entries."""
    for entry in entries:
        if entry.protocol == "dns" and (lines := entry.fields.get("dns_addresses")):
            table.add_answers(lines, entry.start_ns)
