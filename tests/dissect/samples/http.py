"""HTTP/1 conversations: what servers and clients really say, in its main shapes."""

from __future__ import annotations

import gzip

from kubeshark_mcp.model.stream import Direction

TRANSPORT = "tcp"
CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

GET = b"GET /orders?id=42&q=a%20b HTTP/1.1\r\nHost: shop.example.com\r\nCookie: session=abc; theme=dark\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nSet-Cookie: seen=1; Path=/\r\n\r\nhello"
POST = b"POST /cart HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 13\r\n\r\n" + b'{"sku": "17"}'
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nTrailer: Digest\r\n\r\n"
    b'7;name=value\r\n{"id": \r\nA\r\n1234567890\r\n1\r\n}\r\n0\r\nDigest: x\r\n\r\n'
)
PACKED = gzip.compress(b"the same words " * 20, mtime=0)

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "keep-alive": [(CLIENT, GET), (SERVER, OK), (CLIENT, POST), (SERVER, CHUNKED), (CLIENT, GET), (SERVER, OK)],
    "pipelined": [(CLIENT, GET + POST + GET), (SERVER, OK + CHUNKED + OK)],
    "head and not modified": [
        (CLIENT, b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
        (SERVER, b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"),
        (CLIENT, b"GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: x\r\n\r\n"),
        (SERVER, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9000\r\nETag: x\r\n\r\n"),
        (CLIENT, b"DELETE /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        (SERVER, b"HTTP/1.1 204 No Content\r\n\r\n"),
    ],
    "continue": [
        (CLIENT, b"PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n"),
        (SERVER, b"HTTP/1.1 100 Continue\r\n\r\n"),
        (CLIENT, b"abcdef"),
        (SERVER, b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 507 Insufficient Storage\r\n"),
        (SERVER, b"Content-Length: 0\r\n\r\n"),
    ],
    "close delimited, compressed": [
        (CLIENT, b"GET /page HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n"),
        (SERVER, b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED),
    ],
    "line feeds only, folded": [
        (CLIENT, b"GET /old HTTP/1.0\nHost: a\nX-Long: one\n  two\n\n"),
        (SERVER, b"HTTP/1.0 200 OK\nContent-Length: 2\n\nok"),
    ],
    "unknown method": [
        (CLIENT, b"BREW-COFFEE pot-1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"),
        (SERVER, b"HTTP/1.1 418 I'm a teapot\r\nContent-Length: 0\r\n\r\n"),
    ],
    "early answer": [
        (CLIENT, b"POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n0123456789"),
        (SERVER, b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"),
        (CLIENT, b"0123456789"),
    ],
    "no answer": [(CLIENT, GET)],
}
