"""TLS: handshakes and alerts; what records carry is dissected as a connection of its own where a key log opens them."""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, Opening, Protocol
from kubeshark_mcp.dissect.tls_dtls import DtlsDissector
from kubeshark_mcp.dissect.tls_fields import CARRIED_FIELDS, FIELDS
from kubeshark_mcp.dissect.tls_handshake import Memory
from kubeshark_mcp.dissect.tls_probe import probe
from kubeshark_mcp.dissect.tls_records import TlsDissector
from kubeshark_mcp.dissect.wire_tls_keys import KeyLog
from kubeshark_mcp.model.field import Field


class Tls(Protocol):
    """TLS 1.0 to 1.3, SSL 2.0 and 3.0; DTLS by its hellos. Memory and secrets live as long as this object."""

    name: ClassVar[str] = "tlsx"
    title: ClassVar[str] = "TLS"
    aliases: ClassVar[frozenset[str]] = frozenset({"tls", "ssl"})
    specification: ClassVar[str] = "RFC 8446, RFC 5246"
    transports: ClassVar[frozenset[str]] = frozenset({"tcp", "udp"})
    ports: ClassVar[frozenset[int]] = frozenset({443, 465, 636, 853, 993, 995, 6443, 8443, 10250})
    fields: ClassVar[tuple[Field, ...]] = FIELDS
    carried: ClassVar[tuple[Field, ...]] = CARRIED_FIELDS

    def __init__(self) -> None:
        self._memory = Memory()
        self._log = KeyLog()

    def probe(self, opening: Opening) -> Confidence:
        """Follow the records up to a hello."""
        return probe(opening)

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        if context.connection.transport == "udp":
            return DtlsDissector(context, self._memory)
        if self._log.lines is not context.settings.secrets:
            self._log = KeyLog(context.settings.secrets)
        return TlsDissector(context, self._memory, self._log)
