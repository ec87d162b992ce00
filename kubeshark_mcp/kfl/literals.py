"""Constants -> the text that reads back as them."""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.kfl.conversions import double_text
from kubeshark_mcp.kfl.times import duration_text, timestamp_text
from kubeshark_mcp.kfl.values import CelType, Duration, Timestamp, Uint, key_value

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def write_literal(value: Any) -> str:
    """Write a constant as KFL."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Uint):
        return f"{int(value)}u"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, str):
        return '"' + "".join(_character(char) for char in value) + '"'
    if isinstance(value, bytes):
        return 'b"' + "".join(_byte(byte) for byte in value) + '"'
    return _composite(value)


def _composite(value: Any) -> str:
    if isinstance(value, Timestamp):
        return f'timestamp("{timestamp_text(value.ns)}")'
    if isinstance(value, Duration):
        return f'duration("{duration_text(value.ns)}")'
    if isinstance(value, CelType):
        return value.name
    if isinstance(value, dict):
        pairs = (f"{write_literal(key_value(key))}: {write_literal(item)}" for key, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    return f"[{', '.join(write_literal(item) for item in value)}]"


def _double(value: float) -> str:
    text = double_text(value)
    if text in {"NaN", "+Inf", "-Inf"}:
        return f'double("{text}")'
    return text if "." in text or "e" in text else f"{text}.0"


def _character(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _byte(byte: int) -> str:
    char = chr(byte)
    return _ESCAPES.get(char, char) if 32 <= byte < 127 else f"\\x{byte:02x}"
