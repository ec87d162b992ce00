"""HTTP/2 and gRPC on it, one entry a stream (RFC 9113, RFC 7541).

Entries are HTTP entries: they bear the flag `http` and the fields of HTTP/1 beside their own, so that a filter need not
know which version was spoken. `protocol` is `http2`; `grpc` is true on calls of gRPC.
"""

from __future__ import annotations

from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Protocol
from kubeshark_mcp.dissect.http2_connection import Http2Dissector
from kubeshark_mcp.dissect.http2_detection import probe
from kubeshark_mcp.dissect.http2_entry import Targets
from kubeshark_mcp.dissect.http_fields import HTTP_FIELDS
from kubeshark_mcp.dissect.wire_hpack import HuffmanStrings
from kubeshark_mcp.model.field import Field, FieldType

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING

_HTTP2 = (
    Field("http2", _BOOL, "an HTTP/2 stream, or a GOAWAY with an error", "http2", "HTTP/2", ("h2", "h2c")),
    Field("http2_stream", _INT, "number of the stream within its connection", "http2_stream == 1", "HTTP/2"),
    Field(
        "http2_error",
        _STRING,
        "error code of the RST_STREAM or GOAWAY that ended it",
        'http2_error == "REFUSED_STREAM"',
        "HTTP/2",
        ("http2.rst_stream.error", "http2.goaway.error"),
    ),
    Field("http2_reset_by", _STRING, "who ended it: client or server", 'http2_reset_by == "server"', "HTTP/2"),
    Field("http2_debug_data", _STRING, "text of a GOAWAY", 'http2_debug_data == "too_many_pings"', "HTTP/2"),
    Field("http2_pushed", _BOOL, "the server pushed it without being asked", "http2_pushed", "HTTP/2"),
    Field("http2_upgraded", _BOOL, "the request came by HTTP/1.1 (Upgrade: h2c)", "http2_upgraded", "HTTP/2"),
    Field(
        "http2_unknown_headers",
        _INT,
        "header fields that refer to what came before the capture; they are shown as ?",
        "http2_unknown_headers > 0",
        "HTTP/2",
    ),
)
_GRPC = (
    Field("grpc", _BOOL, "a gRPC call", "grpc", "gRPC"),
    Field("grpc_method", _STRING, "service and method", 'grpc_method == "/shop.Cart/Add"', "gRPC", ("grpc.method",)),
    Field(
        "grpc_status",
        _INT,
        "status code of the call: 0 OK, 14 UNAVAILABLE; -1 while unknown",
        "grpc_status == 14",
        "gRPC",
        ("grpc.status",),
        default=-1,
    ),
    Field("grpc_status_name", _STRING, "name of the status code", 'grpc_status_name == "UNAVAILABLE"', "gRPC"),
    Field("grpc_message", _STRING, "text of the status, decoded", 'grpc_message.contains("timeout")', "gRPC"),
    Field("grpc_timeout_us", _INT, "microseconds the client gave the call", "grpc && grpc_timeout_us < 50000", "gRPC"),
    Field(
        "grpc_deadline_exceeded",
        _BOOL,
        "given up without a status when the time the client gave it was over",
        "grpc_deadline_exceeded",
        "gRPC",
    ),
    Field("grpc_request_messages", _INT, "messages from the client", "grpc_request_messages > 1", "gRPC"),
    Field("grpc_response_messages", _INT, "messages from the server", "grpc_response_messages > 1", "gRPC"),
    Field("grpc_request_bytes", _INT, "bytes of those messages as sent", "grpc_request_bytes > 4194304", "gRPC"),
    Field("grpc_response_bytes", _INT, "bytes of those messages as sent", "grpc_response_bytes > 4194304", "gRPC"),
    Field("grpc_request_compressed", _INT, "how many of them were compressed", "grpc_request_compressed > 0", "gRPC"),
    Field("grpc_response_compressed", _INT, "how many of them were compressed", "grpc_response_compressed > 0", "gRPC"),
    Field(
        "grpc_streaming",
        _STRING,
        "which side sent more than one message: client, server, both; empty for none",
        'grpc_streaming == "server"',
        "gRPC",
    ),
)


class Http2(Protocol):
    """HTTP/2. Strings and request targets are remembered for as long as the protocol object lives."""

    name: ClassVar[str] = "http2"
    title: ClassVar[str] = "HTTP/2"
    aliases: ClassVar[frozenset[str]] = frozenset({"grpc", "h2", "h2c"})
    specification: ClassVar[str] = "RFC 9113"
    ports: ClassVar[frozenset[int]] = frozenset({80, 443, 8080, 8443, 50051})
    fields: ClassVar[tuple[Field, ...]] = (*HTTP_FIELDS, *_HTTP2, *_GRPC)

    def __init__(self) -> None:
        self._strings = HuffmanStrings()
        self._targets = Targets()

    def probe(self, opening: Opening) -> Confidence:
        """Look for the preface; where the beginning was not seen, for frames that follow one another."""
        return probe(opening)

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return Http2Dissector(context, self._strings, self._targets, synced=context.connection.from_start)

    def adopt(self, context: Context, hand_over: HandOver) -> Dissector:
        """Go on after HTTP/1.1 switched to h2c: stream 1 answers the request that asked for it."""
        return Http2Dissector(context, self._strings, self._targets, synced=True, upgrade=hand_over.request)
