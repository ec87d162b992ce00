"""Kafka messages: headers, and the schemas made into readers, one for each version of a request or response."""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from kubeshark_mcp.dissect import wire_kafka_fields as fields
from kubeshark_mcp.dissect.wire_kafka_api import APIS
from kubeshark_mcp.dissect.wire_kafka_fields import Found, KafkaError, Step

PRODUCE, FETCH, CONTROLLED_SHUTDOWN, SASL_HANDSHAKE, API_VERSIONS = 0, 1, 7, 17, 18
UNSUPPORTED_VERSION, MEMBER_ID_REQUIRED = 35, 79

_HEADER = struct.Struct(">hhih")
_OLD_HEADER = struct.Struct(">hhi")
_FIELD = re.compile(r"(?P<name>\w+)(?::\[(?P<element>\w+)\]|:(?P<type>\w+))?(?P<bracket>\?\{|\{|\[)?")
_VERSIONS = re.compile(r" (?P<first>\d+)(?P<on>\+)?(?:-(?P<last>\d+))?")


class RequestHeader(NamedTuple):
    """The beginning of a request. body: where it goes on; the header's tagged fields count as body."""

    key: int
    version: int
    correlation: int
    client_id: str
    body: int


def read_request_header(data: bytes, position: int = 0, end: int | None = None) -> RequestHeader:
    """Read the header of a request, versions 0 to 2, from data[position:end]. Raises KafkaError.

    Only ControlledShutdown 0 has no client id (header version 0).
    """
    end = len(data) if end is None else end
    left = end - position
    if left >= _OLD_HEADER.size and data[position : position + 4] == b"\0\x07\0\0":
        key, version, correlation = _OLD_HEADER.unpack_from(data, position)
        return RequestHeader(key, version, correlation, "", position + _OLD_HEADER.size)
    if left < _HEADER.size:
        raise KafkaError("the header of the request is not whole", position + left)
    key, version, correlation, length = _HEADER.unpack_from(data, position)
    if key < 0 or version < 0 or length < -1:
        raise KafkaError("no request begins", position)
    start = position + _HEADER.size
    stop = start + max(0, length)
    if stop > end:
        raise KafkaError("the client id is longer than the request", start)
    return RequestHeader(key, version, correlation, data[start:stop].decode("utf-8", "replace"), stop)


class Schemas:
    """The readers of all requests and responses, made when they are first needed."""

    def __init__(self) -> None:
        self._readers: dict[tuple[int, int, bool], tuple[Step, ...]] = {}

    def request(self, header: RequestHeader, data: bytes) -> Found:
        """Read the body of a request; `data` is all of it, header included."""
        return self._read(header.key, header.version, data, header.body, response=False)

    def response(self, key: int, version: int, data: bytes) -> Found:
        """Read the body of a response, behind the correlation id, to a request of this kind and version.

        A broker that does not know the version of an ApiVersions request answers in version 0 (KIP-511).
        """
        if key == API_VERSIONS and data[4:6] == UNSUPPORTED_VERSION.to_bytes(2, "big"):
            version = 0
        return self._read(key, version, data, 4, response=True)

    def _read(self, key: int, version: int, data: bytes, position: int, *, response: bool) -> Found:
        found = Found()
        steps = self._steps(key, version, response=response)
        if steps is None:
            found.unread = True
            return found
        try:
            for step in steps:
                position = step(data, position, found)
            if position > len(data):
                raise IndexError
        except (IndexError, struct.error):
            found.malformed = f"the message ends inside its fields at byte {len(data)}"
        except KafkaError as error:
            found.malformed = f"{error} at byte {error.position}"
        else:
            found.whole = True
            if position < len(data):
                found.malformed = f"{len(data) - position} bytes are left behind the last field at byte {position}"
        return found

    def _steps(self, key: int, version: int, *, response: bool) -> tuple[Step, ...] | None:
        """Give the steps of a body; the header of an ApiVersions response never has tagged fields (KIP-511)."""
        steps = self._readers.get((key, version, response))
        api = APIS.get(key)
        if steps is None and api is not None and version <= api.newest:
            flexible = version >= api.flexible
            compiler = _Compiler(api.response if response else api.request, version, flexible=flexible)
            header = [fields.pass_tags] if flexible and not (response and key == API_VERSIONS) else []
            steps = self._readers[key, version, response] = (*header, *joined(compiler.fields()))
        return steps


class _Compiler:
    """Makes steps of the text of a schema; a number among them is a count of bytes to pass over."""

    def __init__(self, text: str, version: int, *, flexible: bool) -> None:
        self._text = text
        self._position = 0
        self._version = version
        self._flexible = flexible
        self._string, self._long = fields.lengths(flexible=flexible)
        self._partition = False

    def fields(self) -> list[Step | int]:
        """Read fields up to a closing bracket or the end."""
        text, steps = self._text, list[Step | int]()
        while self._position < len(text) and text[self._position] not in "]}":
            field = _FIELD.match(text, self._position)
            if field is None:
                raise ValueError(f"no field is at {self._position} of the schema {text!r}: begin one with a name")
            self._position = field.end()
            read = self._field(field)
            if self._present():
                steps += read
                self._partition = self._partition or field["name"] == "partition"
            if text.startswith(", ", self._position):
                self._position += 2
        self._position += 1
        return [*steps, fields.pass_tags] if self._flexible else steps

    def _present(self) -> bool:
        """Read the versions that have a field; tell whether ours is among them."""
        found = _VERSIONS.match(self._text, self._position)
        if found is None:
            return True
        self._position = found.end()
        first = int(found["first"])
        return first <= self._version and (found["on"] is not None or self._version <= int(found["last"] or first))

    def _field(self, field: re.Match[str]) -> list[Step | int]:
        if field["bracket"]:
            before, self._partition = self._partition, False
            inner = self.fields()
            counted, self._partition = self._partition, before
            if field["bracket"] == "[":
                return [self._array(inner, counted=counted)]
            return inner if field["bracket"] == "{" else [fields.optional(joined(inner))]
        if element := field["element"]:
            return [self._array([self._value(element)], counted=element == "partition")]
        return [self._value(field["type"] or field["name"])]

    def _array(self, inner: list[Step | int], *, counted: bool) -> Step:
        sizes = [step for step in inner if isinstance(step, int)]
        if len(sizes) == len(inner):
            return fields.fixed_array(sum(sizes), self._long, counted=counted)
        return fields.array(joined(inner), self._long, counted=counted)

    def _value(self, name: str) -> Step | int:
        """Give the step of a type or role."""
        if name in fields.SIZES:
            return fields.SIZES[name]
        if name in fields.TEXTS:
            return fields.noting_text(name, self._string)
        steps: dict[str, Step] = {
            "str": fields.passing_text(self._string),
            "bytes": fields.passing_text(self._long),
            "records": fields.noting_records(self._long),
            "subscription": fields.noting_subscription(self._long),
            "error": fields.note_error,
            "topic_id": fields.note_topic_id,
            "acks": fields.note_acks,
            "throttle": fields.note_throttle,
        }
        return steps[name]


def joined(steps: list[Step | int]) -> tuple[Step, ...]:
    """Pass over neighbours that do not matter in one step."""
    made: list[Step] = []
    size = 0
    for step in steps:
        if isinstance(step, int):
            size += step
            continue
        if size:
            made.append(fields.passing(size))
            size = 0
        made.append(step)
    return (*made, fields.passing(size)) if size else tuple(made)
