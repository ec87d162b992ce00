"""Conversations with MongoDB that the laws of every dissector are tried on."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def bson(document: dict[str, Any]) -> bytes:
    """Write a document of texts, numbers, booleans, documents and lists."""
    out = b"".join(_element(name.encode() + b"\0", value) for name, value in document.items())
    return struct.pack("<i", len(out) + 5) + out + b"\0"


def _element(name: bytes, value: Any) -> bytes:
    if isinstance(value, bool):
        return b"\x08" + name + bytes([value])
    if isinstance(value, int):
        return b"\x10" + name + struct.pack("<i", value)
    if isinstance(value, float):
        return b"\x01" + name + struct.pack("<d", value)
    if isinstance(value, str):
        data = value.encode() + b"\0"
        return b"\x02" + name + struct.pack("<i", len(data)) + data
    if isinstance(value, list):
        return b"\x04" + name + bson({str(index): item for index, item in enumerate(value)})
    return b"\x03" + name + bson(value)


def packet(opcode: int, request_id: int, response_to: int, body: bytes) -> bytes:
    """Put a header before a body."""
    return struct.pack("<iiii", 16 + len(body), request_id, response_to, opcode) + body


def message(
    request_id: int, document: dict[str, Any], response_to: int = 0, flags: int = 0, more: bytes = b""
) -> bytes:
    """Write an OP_MSG."""
    return packet(2013, request_id, response_to, struct.pack("<I", flags) + b"\0" + bson(document) + more)


def sequence(name: str, *documents: dict[str, Any]) -> bytes:
    """Write a section of documents."""
    data = name.encode() + b"\0" + b"".join(map(bson, documents))
    return b"\x01" + struct.pack("<i", len(data) + 4) + data


def compressed(inner: bytes) -> bytes:
    """Write a message again as OP_COMPRESSED with zlib."""
    _, request_id, response_to, opcode = struct.unpack_from("<iiii", inner)
    return packet(
        2012, request_id, response_to, struct.pack("<iiB", opcode, len(inner) - 16, 2) + zlib.compress(inner[16:])
    )


def query(request_id: int, collection: str, document: dict[str, Any]) -> bytes:
    """Write an OP_QUERY."""
    return packet(
        2004,
        request_id,
        0,
        struct.pack("<I", 0) + collection.encode() + b"\0" + struct.pack("<ii", 0, -1) + bson(document),
    )


def reply(request_id: int, response_to: int, document: dict[str, Any]) -> bytes:
    """Write an OP_REPLY with one document."""
    return packet(1, request_id, response_to, struct.pack("<Iqii", 8, 0, 0, 1) + bson(document))


FIND = message(1, {"find": "orders", "filter": {"state": "open"}, "$db": "shop"})
FOUND = message(9, {"cursor": {"firstBatch": [{"n": 1}, {"n": 2}], "id": 0, "ns": "shop.orders"}, "ok": 1.0}, 1)
INSERT = message(2, {"insert": "orders", "$db": "shop"}, more=sequence("documents", {"_id": 1}, {"_id": 1}))
DUPLICATE = message(
    10, {"n": 1, "writeErrors": [{"index": 1, "code": 11000, "errmsg": "E11000 duplicate key"}], "ok": 1.0}, 2
)
UNKNOWN = message(11, {"ok": 0.0, "errmsg": "no such command: 'frob'", "code": 59, "codeName": "CommandNotFound"}, 3)

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "documents are found": [(CLIENT, FIND), (SERVER, FOUND)],
    "a duplicate is refused": [(CLIENT, INSERT), (SERVER, DUPLICATE)],
    "a command is unknown": [(CLIENT, message(3, {"frob": 1, "$db": "admin"})), (SERVER, UNKNOWN)],
    "messages are compressed": [(CLIENT, compressed(FIND)), (SERVER, compressed(FOUND))],
    "an old driver says hello": [
        (CLIENT, query(7, "admin.$cmd", {"isMaster": 1, "client": {"driver": {"name": "x"}}})),
        (SERVER, reply(8, 7, {"ismaster": True, "maxWireVersion": 17, "ok": 1.0})),
    ],
    "requests are answered out of order": [(CLIENT, FIND + INSERT), (SERVER, DUPLICATE + FOUND)],
    "a write asks for no answer": [(CLIENT, message(5, {"insert": "log", "$db": "shop"}, flags=2)), (CLIENT, FIND)],
}
TRANSPORT = "tcp"
