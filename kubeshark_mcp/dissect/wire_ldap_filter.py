"""Search filters of LDAP as text (RFC 4515), from their BER (RFC 4511, section 4.5.1.7)."""

from __future__ import annotations

import re

from kubeshark_mcp.dissect.wire_ber import BerError, Reader, element, elements
from kubeshark_mcp.dissect.wire_ldap_names import is_secret

DEEPEST = 64
"""Levels of nesting that are read; people write five."""
LONGEST = 16 * 1024
"""Characters of a filter's text that are kept."""
HIDDEN = "***"
"""Stands for a value that is a password."""

_SETS = {0xA0: "&", 0xA1: "|"}
_COMPARISONS = {0xA3: "=", 0xA5: ">=", 0xA6: "<=", 0xA8: "~="}
_NOT, _SUBSTRINGS, _PRESENT, _EXTENSIBLE = 0xA2, 0xA4, 0x87, 0xA9
_PLAIN = re.compile(rb"[ -'+-\[\]-~]*\Z")
_SPECIAL = {code: f"\\{code:02x}" for code in (*range(0x20), *b"*()\\\x7f")}


def filter_text(data: bytes, position: int, end: int) -> str:
    """Give the text of the filter at `position`, which lies before `end`; a long one is cut and ends with `…`.

    Raises BerError where it is none or nested deeper than DEEPEST.
    """
    parts: list[str] = []
    _write(data, position, end, DEEPEST, parts)
    text = "".join(parts)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def value_text(value: bytes) -> str:
    """Give an assertion value: what has a meaning in filters, control characters and no UTF-8 are escaped."""
    if _PLAIN.match(value):
        return value.decode("ascii")
    try:
        return value.decode("utf-8").translate(_SPECIAL)
    except UnicodeDecodeError:
        return "".join(chr(octet) if octet < 0x7F and octet not in _SPECIAL else f"\\{octet:02x}" for octet in value)


def _write(data: bytes, position: int, end: int, levels: int, parts: list[str]) -> int:
    """Write one filter; give where it ends."""
    if not levels:
        raise BerError(f"a filter nested deeper than {DEEPEST} levels", position)
    tag, start, stop = element(data, position, end)
    parts.append("(")
    if tag in _SETS:
        parts.append(_SETS[tag])
        while start < stop:
            start = _write(data, start, stop, levels - 1, parts)
    elif tag == _NOT:
        parts.append("!")
        _write(data, start, stop, levels - 1, parts)
    else:
        parts.append(_item(data, tag, start, stop, position))
    parts.append(")")
    return stop


def _item(data: bytes, tag: int, start: int, stop: int, position: int) -> str:
    if tag == _PRESENT:
        return data[start:stop].decode("utf-8", "backslashreplace") + "=*"
    reader = Reader(data, start, stop)
    if tag in _COMPARISONS:
        attribute = reader.text()
        return attribute + _COMPARISONS[tag] + _shown(attribute, data, reader.take(0x04))
    if tag == _SUBSTRINGS:
        return _substrings(data, reader)
    if tag == _EXTENSIBLE:
        return _extensible(data, reader)
    raise BerError(f"no filter begins with tag 0x{tag:02x}", position)


def _shown(attribute: str, data: bytes, value: tuple[int, int]) -> str:
    return HIDDEN if is_secret(attribute) else value_text(data[value[0] : value[1]])


def _substrings(data: bytes, reader: Reader) -> str:
    """Write `initial*any*final`, each of which may be absent."""
    attribute = reader.text()
    text = ""
    last = 0x80
    for tag, start, stop in elements(data, *reader.take(0x30)):
        text += ("" if tag == 0x80 else "*") + _shown(attribute, data, (start, stop))
        last = tag
    return f"{attribute}={text}" + ("" if last == 0x82 else "*")


def _extensible(data: bytes, reader: Reader) -> str:
    """Write `type:dn:rule:=value`."""
    rule = reader.text(0x81) if reader.tag == 0x81 else ""
    attribute = reader.text(0x82) if reader.tag == 0x82 else ""
    value = reader.take(0x83)
    whole_dn = reader.tag == 0x84 and reader.boolean(0x84)
    return (
        attribute + (":dn" if whole_dn else "") + (f":{rule}" if rule else "") + ":=" + _shown(attribute, data, value)
    )
