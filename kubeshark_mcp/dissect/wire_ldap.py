"""LDAP messages on the wire (RFC 4511): where they begin and end, and what operations say as KFL fields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kubeshark_mcp.dissect.wire_ber import BerError, Reader, element, elements, header
from kubeshark_mcp.dissect.wire_ldap_filter import HIDDEN, filter_text, value_text
from kubeshark_mcp.dissect.wire_ldap_names import (
    ABANDON,
    ADD,
    BIND,
    BOUND,
    CHANGES,
    COMPARE,
    CONTROLS,
    DELETE,
    DEREFERENCES,
    ENTRY,
    EXTENDED,
    EXTENDED_RESPONSE,
    EXTENSIONS,
    INTERMEDIATE,
    MODIFY,
    MODIFY_DN,
    OPERATIONS,
    PASSWORD_MODIFY,
    REFERENCE,
    REQUESTS,
    SCOPES,
    SEARCH,
    UNBIND,
    is_secret,
    result_name,
)

SEQUENCE, INTEGER, ENUMERATED, OCTETS, SET = 0x30, 0x02, 0x0A, 0x04, 0x31
ITEMS = 1000
"""Attributes, changes or controls of one message that are named."""
LARGEST = 1 << 30
"""Bytes of the longest message that is believed."""
_ID_OCTETS = 5
_HEAD_OCTETS = 19
"""Octets in which tags and lengths of message, id and operation fit."""


class Head(NamedTuple):
    """The beginning of a message. start, stop: content of the protocolOp; begin, end: the whole message."""

    begin: int
    message_id: int
    tag: int
    start: int
    stop: int
    end: int


@dataclass(slots=True)
class Message:
    """What a message says.

    secrets: byte ranges that hold passwords. value: where the value of an extended response is. malformed: why
    reading stopped.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    secrets: list[tuple[int, int]] = field(default_factory=list)
    value: tuple[int, int] = (0, 0)
    malformed: str = ""


def message_length(data: bytes, position: int, end: int) -> int:
    """Give the length of the message that begins at `position`; 0 while too few bytes are there.

    Raises BerError where none begins: a message is a SEQUENCE that begins with an INTEGER of at most 5 octets.
    """
    if data[position] != SEQUENCE:
        raise BerError("no LDAP message begins", position)
    found = header(data, position, end)
    if found is None:
        return 0
    start, stop = found
    if stop - start < 3 or stop - position > LARGEST:
        raise BerError(f"an LDAP message of {stop - position} bytes", position)
    if end - start < 2:
        return 0
    if data[start] != INTEGER or not 0 < data[start + 1] <= _ID_OCTETS:
        raise BerError("an LDAP message without an id", position)
    return stop - position


def read_head(data: bytes, start: int, end: int) -> Head:
    """Read id and operation of the message data[start:end], whose end may be cut off; raises BerError."""
    found = header(data, start, end)
    if found is None or data[start] != SEQUENCE:
        raise BerError("no LDAP message begins", start)
    position, stop = found[0], min(end, found[1])
    tag, number, position = element(data, position, stop)
    if tag != INTEGER or not 0 < position - number <= _ID_OCTETS:
        raise BerError("an LDAP message without an id", start)
    message_id = int.from_bytes(data[number:position], "big", signed=True)
    if stop - position > 2 and data[position] == OCTETS:  # CLDAP of RFC 1798 has the user's name here
        position = element(data, position, stop)[2]
    content = header(data, position, stop)
    if content is None:
        raise BerError("the operation is missing", position)
    return Head(start, message_id, data[position], content[0], content[1], found[1])


def is_plausible(data: bytes, position: int, end: int, tags: dict[int, str]) -> bool | None:
    """Tell whether a message of one of these operations begins; None while what is there fits, but is too little."""
    try:
        length = message_length(data, position, end)
    except BerError:
        return False
    try:
        head = read_head(data, position, end) if length else None
    except BerError:
        return None if end - position < min(length, _HEAD_OCTETS) else False
    if head is None:
        return None
    if head.tag not in tags or head.stop > head.end:
        return False
    if head.stop < head.end and head.stop < end and data[head.stop] != 0xA0:
        return False
    return _begins_operation(data, head, end)


def _begins_operation(data: bytes, head: Head, end: int) -> bool | None:
    """Check the first element inside the operation."""
    size = head.stop - head.start
    if head.tag == UNBIND:
        return size == 0
    if head.tag == ABANDON:
        return 0 < size <= _ID_OCTETS
    if head.tag == DELETE:
        return size > 0 and (None if head.start >= end else 0x20 <= data[head.start] != 0x7F)
    wanted = _FIRST.get(head.tag, (ENUMERATED,))
    if not size:
        return head.tag in (REFERENCE, INTERMEDIATE)
    if end - head.start < 2:
        return None
    lengths = _FIRST_LENGTHS.get(data[head.start], range(0x85))
    return data[head.start] in wanted and data[head.start + 1] in lengths


_FIRST = {
    BIND: (INTEGER,),
    **dict.fromkeys((SEARCH, MODIFY, ADD, MODIFY_DN, COMPARE, ENTRY, REFERENCE), (OCTETS,)),
    EXTENDED: (0x80,),
    INTERMEDIATE: (0x80, 0x81),
}
"""What an operation begins with; a result (ENUMERATED) where nothing is said."""
_FIRST_LENGTHS = {INTEGER: range(1, 2), ENUMERATED: range(1, 3)}


def read_message(data: bytes, head: Head, end: int) -> Message:
    """Read what an operation and its controls say, up to `end`; never raises."""
    message = Message()
    try:
        if head.tag not in OPERATIONS:
            raise BerError(f"no operation has tag 0x{head.tag:02x}", head.start)
        _READERS.get(head.tag, _read_result)(data, Reader(data, head.start, min(head.stop, end)), message)
        if head.stop > end:
            raise BerError(
                f"an element of {head.stop - head.start} bytes where {end - head.start} are left", head.start
            )
        _read_controls(data, head, end, message)
    except BerError as error:
        message.malformed = f"{error.reason} at byte {error.position - head.begin} of the message"
    return message


def _read_controls(data: bytes, head: Head, end: int, message: Message) -> None:
    stop = min(head.end, end)
    if head.stop >= stop:
        return
    tag, start, stop = element(data, head.stop, stop)
    if tag != 0xA0:
        raise BerError(f"tag 0x{tag:02x} where controls belong", head.stop)
    names: list[str] = []
    for _, begin, finish in elements(data, start, stop):
        oid = Reader(data, begin, finish).text()
        if len(names) < ITEMS:
            names.append(CONTROLS.get(oid, oid))
    side = "request" if head.tag in REQUESTS else "response"
    message.fields[f"ldap_{side}_controls"] = names


def _read_bind(data: bytes, reader: Reader, message: Message) -> None:
    fields = message.fields
    fields["ldap_version"] = reader.integer()
    fields["ldap_dn"] = reader.text()
    at = reader.position
    tag, start, stop = reader.any()
    if tag == 0x80:
        named = "unauthenticated" if fields["ldap_dn"] else "anonymous"
        fields["ldap_auth"] = "simple" if stop > start else named
        message.secrets.append((start, stop))
    elif tag == 0xA3:
        sasl = Reader(data, start, stop)
        fields["ldap_auth"], fields["ldap_sasl_mechanism"] = "sasl", sasl.text()
        if sasl.tag >= 0:
            message.secrets.append(sasl.take(OCTETS))
    elif tag in (0x89, 0x8A, 0x8B):  # NTLM in three steps, as Active Directory takes it (MS-ADTS 5.1.1.1.3)
        fields["ldap_auth"], fields["ldap_sasl_mechanism"] = "sicily", "NTLM"
        message.secrets.append((start, stop))
    else:
        raise BerError(f"an authentication with tag 0x{tag:02x}", at)


def _read_search(data: bytes, reader: Reader, message: Message) -> None:
    fields = message.fields
    fields["ldap_dn"] = reader.text()
    scope = reader.integer(ENUMERATED)
    fields["ldap_scope"] = SCOPES.get(scope, str(scope))
    dereference = reader.integer(ENUMERATED)
    fields["ldap_dereference"] = DEREFERENCES.get(dereference, str(dereference))
    fields["ldap_size_limit"], fields["ldap_time_limit"] = reader.integer(), reader.integer()
    fields["ldap_types_only"] = reader.boolean()
    fields["ldap_filter"] = filter_text(data, reader.position, reader.stop)
    reader.any()
    wanted = Reader(data, *reader.take(SEQUENCE))
    names: list[str] = []
    while wanted.tag >= 0:
        name = wanted.text()
        if len(names) < ITEMS:
            names.append(name)
    fields["ldap_attributes"] = names


def _read_modify(data: bytes, reader: Reader, message: Message) -> None:
    message.fields["ldap_dn"] = reader.text()
    changes: list[str] = []
    names: dict[str, None] = {}
    message.fields["ldap_changes"] = changes
    for _, start, stop in elements(data, *reader.take(SEQUENCE)):
        change = Reader(data, start, stop)
        kind = change.integer(ENUMERATED)
        attribute = _read_attribute(data, Reader(data, *change.take(SEQUENCE)), message)
        if len(changes) < ITEMS:
            changes.append(f"{CHANGES.get(kind, kind)} {attribute}")
            names[attribute] = None
    message.fields["ldap_attributes"] = list(names)


def _read_add(data: bytes, reader: Reader, message: Message) -> None:
    message.fields["ldap_dn"] = reader.text()
    names: list[str] = []
    message.fields["ldap_attributes"] = names
    for _, start, stop in elements(data, *reader.take(SEQUENCE)):
        attribute = _read_attribute(data, Reader(data, start, stop), message)
        if len(names) < ITEMS:
            names.append(attribute)


def _read_attribute(data: bytes, reader: Reader, message: Message) -> str:
    """Give the description of an attribute; its values are noted where they are secret."""
    attribute = reader.text()
    if is_secret(attribute) and reader.tag == SET:
        message.secrets.append(reader.take(SET))
    return attribute


def _read_delete(data: bytes, reader: Reader, message: Message) -> None:
    message.fields["ldap_dn"] = data[reader.position : reader.stop].decode("utf-8", "backslashreplace")


def _read_modify_dn(data: bytes, reader: Reader, message: Message) -> None:
    fields = message.fields
    fields["ldap_dn"] = reader.text()
    fields["ldap_new_rdn"], fields["ldap_delete_old_rdn"] = reader.text(), reader.boolean()
    if reader.tag == 0x80:
        fields["ldap_new_superior"] = reader.text(0x80)


def _read_compare(data: bytes, reader: Reader, message: Message) -> None:
    message.fields["ldap_dn"] = reader.text()
    assertion = Reader(data, *reader.take(SEQUENCE))
    attribute = assertion.text()
    start, stop = assertion.take(OCTETS)
    value = value_text(data[start:stop])
    if is_secret(attribute):
        message.secrets.append((start, stop))
        value = HIDDEN
    message.fields["ldap_filter"] = f"({attribute}={value})"
    message.fields["ldap_attributes"] = [attribute]


def _read_abandon(data: bytes, reader: Reader, message: Message) -> None:
    number = data[reader.position : reader.stop]
    if not 0 < len(number) <= _ID_OCTETS:
        raise BerError(f"a message id of {len(number)} octets", reader.position)
    message.fields["ldap_abandoned_id"] = int.from_bytes(number, "big", signed=True)


def _read_extended(data: bytes, reader: Reader, message: Message) -> None:
    oid = reader.text(0x80)
    message.fields["ldap_oid"], message.fields["ldap_extension"] = oid, EXTENSIONS.get(oid, oid)
    if reader.tag != 0x81:
        return
    start, stop = reader.take(0x81)
    if oid == PASSWORD_MODIFY:
        request = Reader(data, *Reader(data, start, stop).take(SEQUENCE))
        if request.tag == 0x80:
            message.fields["ldap_dn"] = request.text(0x80)
        while request.tag >= 0:
            message.secrets.append(request.any()[1:])


def _read_result(data: bytes, reader: Reader, message: Message) -> None:
    fields = message.fields
    code = reader.integer(ENUMERATED)
    fields["ldap_result_code"], fields["ldap_result"] = code, result_name(code)
    if matched := reader.text():
        fields["ldap_matched_dn"] = matched
    if words := reader.text():
        fields["ldap_error"] = words.rstrip("\0\n")
    if reader.tag == 0xA3:
        fields["ldap_referrals"] = _read_references(data, *reader.take(0xA3))


def _read_bound(data: bytes, reader: Reader, message: Message) -> None:
    _read_result(data, reader, message)
    if reader.tag == 0x87:
        message.secrets.append(reader.take(0x87))


def _read_extended_response(data: bytes, reader: Reader, message: Message) -> None:
    """Note where the value is: of Password Modify it is a password, but what this answers is not said here."""
    _read_result(data, reader, message)
    if reader.tag == 0x8A:
        oid = reader.text(0x8A)
        message.fields["ldap_oid"], message.fields["ldap_extension"] = oid, EXTENSIONS.get(oid, oid)
    if reader.tag == 0x8B:
        start, stop = reader.take(0x8B)
        message.value = (start, stop)
        if data.startswith(b"\x30", start):
            message.secrets.append((start, stop))


def _read_intermediate(data: bytes, reader: Reader, message: Message) -> None:
    if reader.tag == 0x80:
        oid = reader.text(0x80)
        message.fields["ldap_oid"], message.fields["ldap_extension"] = oid, EXTENSIONS.get(oid, oid)


def _read_entry(data: bytes, reader: Reader, message: Message) -> None:
    """Read the name of an entry that was found, and find the passwords in it."""
    message.fields["ldap_dn"] = reader.text()
    for _, start, stop in elements(data, *reader.take(SEQUENCE)):
        _read_attribute(data, Reader(data, start, stop), message)


def _read_reference(data: bytes, reader: Reader, message: Message) -> None:
    message.fields["ldap_referrals"] = _read_references(data, reader.position, reader.stop)


def _read_references(data: bytes, start: int, stop: int) -> list[str]:
    reader = Reader(data, start, stop)
    found: list[str] = []
    while reader.tag >= 0:
        address = reader.text()
        if len(found) < ITEMS:
            found.append(address)
    return found


def _read_nothing(data: bytes, reader: Reader, message: Message) -> None:
    """Leave it at that: an unbind says nothing."""


_READERS: dict[int, Callable[[bytes, Reader, Message], None]] = {
    BIND: _read_bind,
    UNBIND: _read_nothing,
    SEARCH: _read_search,
    MODIFY: _read_modify,
    ADD: _read_add,
    DELETE: _read_delete,
    MODIFY_DN: _read_modify_dn,
    COMPARE: _read_compare,
    ABANDON: _read_abandon,
    EXTENDED: _read_extended,
    BOUND: _read_bound,
    ENTRY: _read_entry,
    REFERENCE: _read_reference,
    EXTENDED_RESPONSE: _read_extended_response,
    INTERMEDIATE: _read_intermediate,
}
