"""TCP payload that no protocol read, and connections that never came about: one entry a connection."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.preface import PREFACE_FIELDS
from kubeshark_mcp.dissect.unclaimed import unclaimed_entry, unclaimed_rows
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stats_columns import StatsColumns
from kubeshark_mcp.model.stream import ConnectionStats

ERRORS = {
    "refused": "the server answered the SYN with RST",
    "syn_sent": "the SYN was never answered",
    "reset": "the connection was reset",
}
"""State of a connection -> what went wrong."""

_GROUP = "TCP"


class Tcp(ConnectionProtocol):
    """TCP payload that no protocol read, and connections that never came about: one entry a connection."""

    name: ClassVar[str] = "tcp"
    title: ClassVar[str] = "TCP payload"
    specification: ClassVar[str] = "RFC 9293"
    transports: ClassVar[frozenset[str]] = frozenset({"tcp"})
    fields: ClassVar[tuple[Field, ...]] = (
        Field("tcp", FieldType.BOOL, "TCP payload that no protocol read", "tcp", "Protocol flags"),
        Field(
            "tcp_method",
            FieldType.STRING,
            "data (unknown), encrypted (by TLS), decrypted (unknown inside TLS), or error (no payload came)",
            'tcp_method == "data"',
            _GROUP,
        ),
        Field("tcp_payload", FieldType.BYTES, "first bytes of what nobody knew", "size(tcp_payload) > 100", _GROUP),
        Field(
            "tcp_error_type",
            FieldType.STRING,
            "how the connection failed: refused, syn_sent (unanswered) or reset",
            'tcp_error_type == "refused"',
            _GROUP,
        ),
        Field("tcp_error_message", FieldType.STRING, "the failure as text", 'tcp_error_message != ""', _GROUP),
        Field("request_body_size", FieldType.INT, "bytes that the client sent", "request_body_size > 1000000", _GROUP),
        Field("response_body_size", FieldType.INT, "bytes that the server sent", "response_body_size > 0", _GROUP),
        *PREFACE_FIELDS,
    )
    carried: ClassVar[tuple[Field, ...]] = PREFACE_FIELDS

    def entries(self, stats: list[ConnectionStats]) -> list[Entry]:
        """Make an entry of each TCP connection that has such payload or failed."""
        made = []
        for one in stats:
            if one.connection.transport == "tcp" and (entry := unclaimed_entry(self.name, one)) is not None:
                if reason := ERRORS.get(one.state):
                    entry.fields |= {"tcp_error_type": one.state, "tcp_error_message": reason}
                made.append(entry)
        return made

    def entries_of(self, stats: StatsColumns) -> list[Entry]:
        """Make the same entries of connections that come as columns: objects only of those that have one."""
        return self.entries(unclaimed_rows(stats)) if stats.transport == "tcp" else []
