"""Columns of entries: KFL fields, what the writer computes, and internal ones; which protocols are not calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubeshark_mcp.model.field import Field, FieldType

CONNECTIONS = frozenset({"tcp_conn", "udp_conn"})
"""Protocols whose entries are connections."""
FLOWS = frozenset({"tcp_flow", "udp_flow"})
"""Protocols whose entries sum up connections; they are never joined."""
UNCLAIMED = frozenset({"tcp", "udp"})
"""Protocols whose entries are payload that no protocol read."""
LAYER_4 = CONNECTIONS | FLOWS | UNCLAIMED

SQL_TYPES: Mapping[FieldType, str] = {
    FieldType.STRING: "VARCHAR",
    FieldType.INT: "BIGINT",
    FieldType.DOUBLE: "DOUBLE",
    FieldType.BOOL: "BOOLEAN",
    FieldType.BYTES: "BLOB",
    FieldType.TIMESTAMP: "BIGINT",
    FieldType.STRING_LIST: "VARCHAR[]",
    FieldType.STRING_MAP: "MAP(VARCHAR, VARCHAR)",
}
"""How DuckDB names the stored types; timestamps are Unix nanoseconds UTC."""

COMPUTED: Mapping[str, FieldType] = {
    "id": FieldType.INT,
    "timestamp": FieldType.TIMESTAMP,
    "protocol": FieldType.STRING,
    "elapsed_time": FieldType.INT,
    "first_byte_time": FieldType.INT,
    "summary": FieldType.STRING,
    "status": FieldType.STRING,
    "failed": FieldType.BOOL,
    "malformed": FieldType.STRING,
    "answered": FieldType.BOOL,
    "sightings": FieldType.INT,
}
"""What the writer derives from an entry itself; named with a leading `_` where no field of that name is declared."""

INTERNAL: Mapping[str, FieldType] = {
    "_id": FieldType.INT,
    "_connection": FieldType.INT,
    "_capture": FieldType.INT,
    "_point": FieldType.INT,
    "_server": FieldType.STRING,
    "_near": FieldType.INT,
    "_server_kind": FieldType.STRING,
    "_request_first": FieldType.INT,
    "_request_last": FieldType.INT,
    "_response_first": FieldType.INT,
    "_response_last": FieldType.INT,
    "_request_start": FieldType.TIMESTAMP,
    "_request_end": FieldType.TIMESTAMP,
    "_response_start": FieldType.TIMESTAMP,
    "_response_end": FieldType.TIMESTAMP,
    "_request_bytes": FieldType.INT,
    "_response_bytes": FieldType.INT,
    "_missing": FieldType.INT,
    "_request_body": FieldType.BYTES,
    "_response_body": FieldType.BYTES,
    "_match": FieldType.INT,
    "_match_response": FieldType.INT,
    "_sequence": FieldType.INT,
    "_sequence_end": FieldType.INT,
    "_endpoint": FieldType.STRING,
}
"""Columns beside the KFL fields: handle, evidence, bodies, what sightings are joined by.

A heavy one must not be the last: of that a Parquet writer keeps what it encoded until it writes the next row group.
"""

HEAVY = frozenset({"_request_body", "_response_body"})
"""Columns that are read only when they are asked for by name."""


def quoted(name: str) -> str:
    """Write a column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def column_types(common: Iterable[Field], own: Iterable[Field]) -> dict[str, FieldType]:
    """Give the columns of one protocol's files in order: common fields, its own, then internal ones."""
    types = {field.name: field.type for field in (*common, *own)}
    for name, kind in COMPUTED.items():
        types.setdefault(name if name in types else f"_{name}", kind)
    return types | {name: kind for name, kind in INTERNAL.items() if name not in types}
