"""Entries and places to store, and a way to write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Connection, Endpoint, Span

START = 1_700_000_000_000_000_000
MS = 1_000_000


def declared(kind: FieldType, *names: str) -> tuple[Field, ...]:
    return tuple(Field(name, kind, "meaning", "example") for name in names)


FIELDS = {
    "http": declared(FieldType.BOOL, "http")
    + declared(FieldType.STRING, "method", "path")
    + declared(FieldType.INT, "status_code")
    + declared(FieldType.STRING_MAP, "request.headers"),
    "dns": declared(FieldType.BOOL, "dns")
    + declared(FieldType.INT, "dns_id")
    + declared(FieldType.STRING_LIST, "dns_questions", "dns_answers"),
    "tcp_conn": declared(FieldType.BOOL, "conn", "tcp_conn")
    + declared(FieldType.STRING, "conn_state")
    + declared(FieldType.INT, "conn_local_bytes", "conn_remote_bytes", "conn_local_pkts", "conn_id"),
    "udp_conn": declared(FieldType.BOOL, "conn", "udp_conn") + declared(FieldType.INT, "conn_local_bytes"),
    "tcp_flow": declared(FieldType.BOOL, "flow", "tcp_flow") + declared(FieldType.INT, "flow_local_bytes"),
}


def connection(number: int = 0, **changes: Any) -> Connection:
    values = {
        "number": number,
        "transport": "tcp",
        "client": Endpoint("10.0.0.1", 40000 + number),
        "server": Endpoint("10.96.0.9", 80),
        "client_sequence": 1000 * (number + 1),
        "server_sequence": 9000 * (number + 1),
    }
    return Connection(**(values | changes))


def http(
    where: Connection,
    at_ms: float = 0,
    elapsed_ms: float | None = 5,
    path: str = "/orders",
    code: int = 200,
    offset: int = 0,
    packet: int = 1,
    **changes: Any,
) -> Entry:
    """Make a call of 100 bytes that is answered with 200 bytes after `elapsed_ms`; None: never."""
    start = START + round(at_ms * MS)
    answer = None
    if elapsed_ms is not None:
        end = start + round(elapsed_ms * MS)
        answer = Span(2 * offset, 200, packet + 1, packet + 2, end - 1000, end)
    fields: dict[str, Any] = {"http": True, "method": "GET", "path": path, "request.headers": {"host": "shop"}}
    status = ""
    if answer is not None:
        fields["status_code"] = code
        status = str(code)
    values = {
        "protocol": "http",
        "connection": where,
        "request": Span(offset, 100, packet, packet, start, start),
        "response": answer,
        "fields": fields,
        "summary": f"GET {path}",
        "status": status,
        "failed": code >= 500,
    }
    return Entry(**(values | changes))


def place(where: Connection, time_ns: int = 0) -> Mapping[str, Any]:
    return {"node_name": f"node-{where.capture}", "src.pod.name": "web-0", "dst.service.name": "cart"}


Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(entries: list[Entry], places: Any = place, name: str = "entries", **options: Any) -> Path:
        from kubeshark_mcp.store.writer import EntryWriter

        folder = tmp_path / name
        writer = EntryWriter(folder, FIELDS, COMMON_FIELDS, **options)
        writer.add(entries, places)
        writer.close()
        return folder

    return _write


class Make:
    """The builders, as a fixture because test folders are no packages."""

    START, MS, FIELDS, COMMON = START, MS, FIELDS, COMMON_FIELDS
    connection = staticmethod(connection)
    http = staticmethod(http)
    place = staticmethod(place)


@pytest.fixture
def make() -> type[Make]:
    return Make
