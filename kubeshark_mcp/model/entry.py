"""The entry: one row that KFL sees, with the evidence it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kubeshark_mcp.model.stream import Connection, Span


@dataclass(slots=True)
class Entry:
    """An L7 request with its response, a lone message, a connection or a flow.

    protocol: the KFL name of the protocol (`http`, `dns`, `tcp_conn`).
    connection: who spoke; its client becomes `src`, its server `dst`.
    request, response: evidence; None where that half was not seen. At least one of them is there.
    fields: KFL field name -> value, of the declared types; only what the protocol declares, only what is known.
    summary: what a person reads in one line (`GET /orders`, `A api.example.com`, `GET cart:17`).
    status: outcome as text (`500`, `NXDOMAIN`, `ERR`), empty while unknown. failed: whether that is an error.
    request_body, response_body: payload as captured (still content-encoded), cut at the configured limit.
    malformed: why reading stopped, with the offset, or empty.
    """

    protocol: str
    connection: Connection
    request: Span | None
    response: Span | None
    fields: dict[str, Any] = field(default_factory=dict)
    summary: str = ""
    status: str = ""
    failed: bool = False
    request_body: bytes = b""
    response_body: bytes = b""
    malformed: str = ""

    @property
    def start_ns(self) -> int:
        """Give the time of the first packet of the entry in Unix nanoseconds UTC."""
        return min(span.start_ns for span in (self.request, self.response) if span is not None)

    @property
    def elapsed_us(self) -> int:
        """Give microseconds from the first packet of the request to the last of the response; 0 without both."""
        if self.request is None or self.response is None:
            return 0
        return max(0, self.response.end_ns - self.request.start_ns) // 1000

    @property
    def first_byte_us(self) -> int:
        """Give microseconds from the last packet of the request to the first of the response; 0 without both."""
        if self.request is None or self.response is None:
            return 0
        return max(0, self.response.start_ns - self.request.end_ns) // 1000
