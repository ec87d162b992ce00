"""The MongoDB wire protocol: OP_MSG, OP_COMPRESSED and the operations before them, as commands and outcomes."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from struct import unpack_from
from typing import Any

from kubeshark_mcp.dissect.wire_bson import DEPTH, BsonError, Interest, document_length, read_beginning, read_elements

HEADER = 16
LONGEST = 48_000_000
"""The server's own limit of one message (maxMessageSizeBytes)."""
OP_REPLY, OP_QUERY, OP_COMPRESSED, OP_MSG = 1, 2004, 2012, 2013
OPCODES = {
    1: "OP_REPLY", 2001: "OP_UPDATE", 2002: "OP_INSERT", 2003: "RESERVED", 2004: "OP_QUERY", 2005: "OP_GET_MORE",
    2006: "OP_DELETE", 2007: "OP_KILL_CURSORS", 2010: "OP_COMMAND", 2011: "OP_COMMANDREPLY", 2012: "OP_COMPRESSED",
    2013: "OP_MSG",
}  # fmt: skip
LEGACY = {2001: "update", 2002: "insert", 2004: "find", 2005: "getMore", 2006: "delete", 2007: "killCursors"}
"""Operations from before commands, and the commands that took their place."""
CHECKSUM_PRESENT, MORE_TO_COME = 1, 2
COMPRESSORS = {0: "noop", 1: "snappy", 2: "zlib", 3: "zstd"}
INTEREST = Interest(
    frozenset({"cursor", "writeErrors", "writeConcernError", "0", "$query", "query"}),
    frozenset({"firstBatch", "nextBatch"}),
)
"""What a command and its outcome are known by: the documents that are stored or found are only counted."""
_SECTIONS = 64
_DOCUMENTS = 100_000


@dataclass(slots=True)
class Message:
    """One message. opcode: of what is inside a compressed one. body: the command or the reply.

    documents: those that came beside the body, such as inserted ones. compressor: empty if not compressed.
    unread: why the body is not known, with the offset.
    """

    request_id: int
    response_to: int
    opcode: int
    flags: int = 0
    collection: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    documents: int = 0
    compressor: str = ""
    unread: str = ""

    @property
    def is_response(self) -> bool:
        """Tell whether it answers a request."""
        return self.opcode in {OP_REPLY, 2011} or (self.opcode == OP_MSG and self.response_to != 0)


def read_message(data: bytes, start: int, stop: int) -> Message:
    """Read the message data[start:stop], header included; what cannot be read is told in `unread`."""
    _, request_id, response_to, opcode = unpack_from("<iiii", data, start)
    message = Message(request_id, response_to, opcode)
    try:
        _read_body(message, data, start + HEADER, stop)
    except BsonError as error:
        message.unread = f"{error} at byte {error.position - start} of the message"
    return message


def _read_body(message: Message, data: bytes, position: int, stop: int) -> None:
    if message.opcode == OP_COMPRESSED:
        if stop - position < 9:
            raise BsonError("a compressed message is cut off", position)
        opcode, size, compressor = unpack_from("<iiB", data, position)
        message.opcode, message.compressor = opcode, COMPRESSORS.get(compressor, f"compressor {compressor}")
        plain = decompress(compressor, data[position + 9 : stop], size)
        if plain is None:
            raise BsonError(f"the body is compressed with {message.compressor} and cannot be undone", position + 9)
        if message.opcode == OP_COMPRESSED:
            raise BsonError("a compressed message is compressed again", position)
        data, position, stop = plain, 0, len(plain)
    if message.opcode == OP_MSG:
        _read_sections(message, data, position, stop)
    elif message.opcode == OP_REPLY:
        if stop - position < 20:
            raise BsonError("a reply is cut off", position)
        message.flags, _, _, message.documents = unpack_from("<Iqii", data, position)
        if stop - position > 20:
            message.body, _ = _document(message, data, position + 20, stop)
    elif message.opcode in LEGACY:
        _read_legacy(message, data, position, stop)


def _read_sections(message: Message, data: bytes, position: int, stop: int) -> None:
    if stop - position < 5:
        raise BsonError("a message without sections", position)
    (message.flags,) = unpack_from("<I", data, position)
    position += 4
    stop -= 4 if message.flags & CHECKSUM_PRESENT else 0
    for _ in range(_SECTIONS):
        if position >= stop:
            return
        kind = data[position]
        if kind == 0:
            message.body, position = _document(message, data, position + 1, stop)
        elif kind == 1:
            position = _read_sequence(message, data, position + 1, stop)
        else:
            raise BsonError(f"a section of the unknown kind {kind}", position)


def _document(message: Message, data: bytes, start: int, stop: int) -> tuple[dict[str, Any], int]:
    """Give the document at `start` and its end; of one that is cut off or damaged, what comes before is kept."""
    try:
        end = start + document_length(data, start, stop)
        return read_elements(data, start, end, DEPTH, INTEREST), end
    except BsonError:
        message.body = read_beginning(data, start, stop, INTEREST)
        raise


def _read_sequence(message: Message, data: bytes, position: int, stop: int) -> int:
    """Count the documents of a sequence; give its end."""
    if stop - position < 5:
        raise BsonError("a sequence of documents is cut off", position)
    (size,) = unpack_from("<i", data, position)
    end: int = position + size
    if size < 5 or end > stop:
        raise BsonError(f"a sequence of documents says it has {size} bytes", position)
    name_end = data.find(b"\0", position + 4, end)
    if name_end < 0:
        raise BsonError("the name of a sequence does not end", position + 4)
    place = name_end + 1
    while place < end and message.documents < _DOCUMENTS:
        place += document_length(data, place, end)
        message.documents += 1
    return end


def _read_legacy(message: Message, data: bytes, position: int, stop: int) -> None:
    """Read OP_QUERY and its kin: flags or zero, full collection name, then numbers and documents."""
    if message.opcode == 2007:
        return
    name_end = data.find(b"\0", position + 4, stop)
    if stop - position < 5 or name_end < 0:
        raise BsonError("the name of the collection does not end", position + 4)
    (message.flags,) = unpack_from("<I", data, position)
    message.collection = data[position + 4 : min(name_end, position + 260)].decode("utf-8", "replace")
    if message.opcode == OP_QUERY and name_end + 9 < stop:
        message.body, _ = _document(message, data, name_end + 9, stop)


def decompress(compressor: int, data: bytes, size: int) -> bytes | None:
    """Undo a compression; None where it is not known or the data is not of it. size: what the sender says comes out."""
    if not 0 <= size <= LONGEST:
        return None
    if compressor == 0:
        return data
    if compressor == 1:
        return snappy(data, size)
    if compressor == 2:
        try:
            return zlib.decompressobj().decompress(data, max(1, size))
        except zlib.error:
            return None
    return _zstd(data, size) if compressor == 3 else None


def _zstd(data: bytes, size: int) -> bytes | None:
    try:
        from compression import zstd  # type: ignore[import-not-found]
    except ImportError:
        from backports import zstd
    try:
        return bytes(zstd.ZstdDecompressor().decompress(data, max(1, size)))
    except zstd.ZstdError:
        return None


def snappy(data: bytes, size: int) -> bytes | None:
    """Undo the raw Snappy format (format_description.txt of google/snappy); None when the data is not of it."""
    position, expected = _varint(data)
    if position < 0 or expected != size:
        return None
    out = bytearray()
    while position < len(data) and len(out) <= size:
        tag = data[position]
        if tag & 3 == 0:
            position, length = _literal(data, position)
            if position < 0 or position + length > len(data):
                return None
            out += data[position : position + length]
            position += length
            continue
        width = (1, 2, 4)[(tag & 3) - 1]
        if position + 1 + width > len(data):
            return None
        length, offset = _copy(data, position, tag)
        position += 1 + width
        if not 0 < offset <= len(out):
            return None
        chunk = bytes(out[-offset : len(out) - offset + length])
        out += (chunk * (length // len(chunk) + 1))[:length]
    return bytes(out) if len(out) == size else None


def _varint(data: bytes) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(data[:5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return index + 1, value
    return -1, 0


def _literal(data: bytes, position: int) -> tuple[int, int]:
    """Give where the literal at a tag begins, and its length."""
    size = data[position] >> 2
    if size < 60:
        return position + 1, size + 1
    width = size - 59
    if position + 1 + width > len(data):
        return -1, 0
    return position + 1 + width, int.from_bytes(data[position + 1 : position + 1 + width], "little") + 1


def _copy(data: bytes, position: int, tag: int) -> tuple[int, int]:
    """Give length and offset of the copy at a tag."""
    if tag & 3 == 1:
        return (tag >> 2 & 7) + 4, tag >> 5 << 8 | data[position + 1]
    width = 2 if tag & 3 == 2 else 4
    return (tag >> 2) + 1, int.from_bytes(data[position + 1 : position + 1 + width], "little")
