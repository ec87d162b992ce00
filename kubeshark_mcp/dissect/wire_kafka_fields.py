"""Kafka: the fields of a schema as steps, each of which reads one field, notes it if it matters, and goes on behind it.

A step may run past the end of the message: the next one then raises IndexError, or whoever runs them sees it. An array
may not have more elements than bytes are left, so the work is bounded by the length of the message.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

NOTED = 1000
"""Topics, errors and the like of one message that are kept."""
BATCHES = 20_000
"""Record batches of one message that are looked at."""
COMPRESSIONS = ("none", "gzip", "snappy", "lz4", "zstd")

_INT16, _INT32 = struct.Struct(">h"), struct.Struct(">i")
_BATCH = struct.Struct(">xxxxxxxxixxxxbxxxxh")
"""Base offset, length, partition leader epoch, magic, CRC, attributes."""
_BATCH_LENGTH = 61
"""Bytes of a record batch (magic 2) before its records."""
_MESSAGE = struct.Struct(">xxxxxxxxixxxxbb")
"""Offset, length, CRC, magic, attributes of a message of the old format (magic 0 and 1)."""


class KafkaError(Exception):
    """The bytes do not fit the schema. position: where, in the body."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


@dataclass(slots=True)
class Found:
    """What a body says. partitions: how many are named. errors: codes other than 0, in order.

    records: how many there are in record batches; a compressed message of the old format counts as one.
    acks, throttle: None where the message has no such field. unread: its version is newer than those known.
    whole: all fields were read; more bytes may follow, which clients ignore and `malformed` tells.
    """

    topics: list[str] = field(default_factory=list)
    topic_ids: list[bytes] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    transactional_ids: list[str] = field(default_factory=list)
    mechanisms: list[str] = field(default_factory=list)
    software: list[str] = field(default_factory=list)
    errors: list[int] = field(default_factory=list)
    error_messages: list[str] = field(default_factory=list)
    partitions: int = 0
    batches: int = 0
    records: int = 0
    compression: str = ""
    acks: int | None = None
    throttle: int | None = None
    unread: bool = False
    whole: bool = False
    malformed: str = ""


Step = Callable[[bytes, int, Found], int]
"""Takes a message and a position, gives the position behind the field."""

Length = Callable[[bytes, int], tuple[int, int]]
"""Reads a length (-1 for null), gives it with the position behind it."""

TEXTS = {
    "topic": "topics",
    "group": "groups",
    "key": "keys",
    "transactional_id": "transactional_ids",
    "mechanism": "mechanisms",
    "software": "software",
    "error_message": "error_messages",
}
"""Roles that are strings, with the list of `Found` that they are noted in."""

SIZES = {"i8": 1, "bool": 1, "i16": 2, "u16": 2, "i32": 4, "partition": 4, "i64": 8, "f64": 8, "uuid": 16}
"""Bytes of the types that are only passed over."""


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """Read an unsigned varint of at most 32 bits (KIP-482). Raises IndexError, KafkaError."""
    value = data[position]
    if value < 0x80:
        return value, position + 1
    value &= 0x7F
    for shift in (7, 14, 21, 28):
        position += 1
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position + 1
    raise KafkaError("a length has more than 32 bits", position)


def pass_tags(data: bytes, position: int, found: Found) -> int:
    """Pass over tagged fields (KIP-482): each has a number, a length and a value."""
    if data[position] == 0:
        return position + 1
    count, position = read_varint(data, position)
    end = len(data)
    for _ in range(count):
        _, position = read_varint(data, position)
        size, position = read_varint(data, position)
        position += size
        if position >= end:
            break
    return position


def _short(data: bytes, position: int) -> tuple[int, int]:
    return int(_INT16.unpack_from(data, position)[0]), position + 2


def _long(data: bytes, position: int) -> tuple[int, int]:
    return int(_INT32.unpack_from(data, position)[0]), position + 4


def _compact(data: bytes, position: int) -> tuple[int, int]:
    value, position = read_varint(data, position)
    return value - 1, position


def lengths(*, flexible: bool) -> tuple[Length, Length]:
    """Give how lengths are read: that of a string, and that of bytes or an array."""
    return (_compact, _compact) if flexible else (_short, _long)


def passing(size: int) -> Step:
    """Pass over so many bytes."""
    return lambda data, position, found: position + size


def passing_text(length: Length) -> Step:
    """Pass over a string, or bytes."""

    def step(data: bytes, position: int, found: Found) -> int:
        size, position = length(data, position)
        return position + size if size > 0 else position

    return step


def noting_text(role: str, length: Length) -> Step:
    """Note a string that is neither null nor empty."""
    name = TEXTS[role]

    def step(data: bytes, position: int, found: Found) -> int:
        size, position = length(data, position)
        if size <= 0:
            return position
        end = position + size
        noted = getattr(found, name)
        if len(noted) < NOTED:
            noted.append(data[position:end].decode("utf-8", "replace"))
        return end

    return step


def note_error(data: bytes, position: int, found: Found) -> int:
    """Note an error code other than 0."""
    if data[position] | data[position + 1] and len(found.errors) < NOTED:
        found.errors.append(_INT16.unpack_from(data, position)[0])
    return position + 2


def note_topic_id(data: bytes, position: int, found: Found) -> int:
    """Note the 16 bytes that stand for a topic."""
    if len(found.topic_ids) < NOTED:
        found.topic_ids.append(data[position : position + 16])
    return position + 16


def note_acks(data: bytes, position: int, found: Found) -> int:
    """Note how many acknowledgements a producer wants: 0, 1, or -1 for all in-sync replicas."""
    found.acks, position = _short(data, position)
    return position


def note_throttle(data: bytes, position: int, found: Found) -> int:
    """Note for how many milliseconds a quota held the request back."""
    found.throttle, position = _long(data, position)
    return position


def noting_subscription(length: Length) -> Step:
    """Note the topics that a consumer wants to have assigned (ConsumerProtocolSubscription, all versions)."""

    def step(data: bytes, position: int, found: Found) -> int:
        size, position = length(data, position)
        end = position + max(0, size)
        count = _INT32.unpack_from(data, position + 2)[0] if size >= 6 else 0
        position += 6
        for _ in range(min(count, NOTED)):
            if position + 2 > end:
                break
            size, position = _short(data, position)
            if size < 0 or position + size > end:
                break
            found.topics.append(data[position : position + size].decode("utf-8", "replace"))
            position += size
        return end

    return step


def noting_records(length: Length) -> Step:
    """Count records by the headers of their batches (KIP-98) or messages (before Kafka 0.11)."""

    def step(data: bytes, position: int, found: Found) -> int:
        size, position = length(data, position)
        if size <= 0:
            return position
        end = position + size
        _count_records(data, position, min(end, len(data)), found)
        return end

    return step


def _count_records(data: bytes, position: int, end: int, found: Found) -> None:
    """Look at the header of each batch; a broker may cut the last one off."""
    while position + _BATCH.size <= end and found.batches < BATCHES:
        length, magic, attributes = _BATCH.unpack_from(data, position)
        if length <= 0:
            return
        if magic >= 2:
            if position + _BATCH_LENGTH > end:
                return
            found.records += max(0, _INT32.unpack_from(data, position + _BATCH_LENGTH - 4)[0])
        else:
            attributes = _MESSAGE.unpack_from(data, position)[2]
            found.records += 1
        found.batches += 1
        if attributes & 7:
            found.compression = COMPRESSIONS[attributes & 7] if attributes & 7 < len(COMPRESSIONS) else "unknown"
        position += 12 + length


def array(steps: Sequence[Step], length: Length, *, counted: bool) -> Step:
    """Read an array; counted: its elements are partitions."""
    one = steps[0] if len(steps) == 1 else None

    def step(data: bytes, position: int, found: Found) -> int:
        count, position = length(data, position)
        if count > len(data) - position:
            raise KafkaError(f"an array of {count} elements is longer than the message", position)
        if counted and count > 0:
            found.partitions += count
        for _ in range(count):
            if one is not None:
                position = one(data, position, found)
            else:
                for each in steps:
                    position = each(data, position, found)
        return position

    return step


def fixed_array(size: int, length: Length, *, counted: bool) -> Step:
    """Pass over an array whose elements have so many bytes each."""

    def step(data: bytes, position: int, found: Found) -> int:
        count, position = length(data, position)
        if count <= 0:
            return position
        if counted:
            found.partitions += count
        if count * size > len(data) - position:
            raise KafkaError(f"an array of {count} elements is longer than the message", position)
        return position + count * size

    return step


def optional(steps: Sequence[Step]) -> Step:
    """Read a structure that may be null, which a byte before it says."""

    def step(data: bytes, position: int, found: Found) -> int:
        present = data[position] < 0x80
        position += 1
        if present:
            for each in steps:
                position = each(data, position, found)
        return position

    return step
