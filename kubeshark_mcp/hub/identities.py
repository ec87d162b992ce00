"""The identities of one run: Kubernetes objects, names inside captures, and DNS answers as they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from kubeshark_mcp.hub.sources import read_resources
from kubeshark_mcp.identity.kubernetes import from_kubernetes
from kubeshark_mcp.identity.names import from_dns
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.model.entry import Entry

Answers = list[tuple[int, str, str]]
"""When an address was told (Unix nanoseconds UTC; 0 for a name that holds for all time), its name, and the address."""


def load_identities(resources: Iterable[Path]) -> IdentityTable:
    """Give the table of what these Kubernetes objects files say."""
    return IdentityTable(from_kubernetes(read_resources(path)) for path in resources)


def learn(table: IdentityTable, entries: Iterable[Entry], known_ports: Collection[int] = ()) -> None:
    """Take the DNS answers among entries. known_ports: those whose answers the table has already."""
    for entry in entries:
        if entry.protocol == "dns" and (lines := entry.fields.get("dns_addresses")):
            connection = entry.connection
            if not (connection.client.port in known_ports or connection.server.port in known_ports):
                table.add_answers(lines, entry.start_ns)


def answers_of(entries: Iterable[Entry]) -> Answers:
    """Give what DNS answers among entries tell."""
    return [
        (entry.start_ns, name, address)
        for entry in entries
        if entry.protocol == "dns"
        for name, address in from_dns(entry.fields.get("dns_addresses", ()))
    ]
