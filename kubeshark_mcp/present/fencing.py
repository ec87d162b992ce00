"""Captured text is untrusted data: cleaned of what a terminal or a model would obey, and fenced off from our words."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass

_ESCAPES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,16}[@-~]?"  # CSI (ECMA-48 section 5.4)
    r"|\x1b[PX^_\]][^\x1b\x07\x9c]{0,4096}(?:\x07|\x9c|\x1b\\)?"  # DCS, SOS, PM, APC, OSC
    r"|\x1b[ -/]{0,4}[0-~]?"  # other escape sequences
    r"|\x9b[0-?]{0,64}[ -/]{0,16}[@-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SUSPECTS = re.compile(r"[^\x00-\x7f]")
_BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
"""Letters that show nothing."""


def clean(text: str) -> str:
    """Remove terminal escapes and control characters (tab and line feed stay); show invisible ones as `U+202E` escapes.

    Invisible: format characters (bidirectional, zero width, tags), line separators, blank letters, variation selectors
    past the sixteen that emoji use, private use, surrogates. Cleaning twice changes nothing.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    while (fewer := _CONTROLS.sub("", _ESCAPES.sub("", text))) != text:
        text = fewer
    return text if text.isascii() else _SUSPECTS.sub(_show, text)


def _show(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    invisible = (
        unicodedata.category(character) in {"Cf", "Zl", "Zp", "Co", "Cs"}
        or character in _BLANKS
        or 0xE0100 <= code <= 0xE01EF
    )
    if not invisible:
        return character
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def clean_line(text: str, limit: int = 0) -> str:
    """Clean a text that must stay on one line; cut it to `limit` characters (0: not at all)."""
    return cut(" ".join(clean(text).split()), limit)


def cut(text: str, limit: int) -> str:
    """Cut a text to `limit` characters (0: not at all) and say how much was left out."""
    if not limit or len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit:,} more characters)"


def text_of(data: bytes) -> str:
    """Give bytes as text: UTF-8 where it is, otherwise with a hexadecimal escape for each byte that is not."""
    return data.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Fence:
    """Puts captured text between two lines that its sender cannot have known.

    key: secret of this process. The marker is a keyed hash of the text, so that the same answer is the same text again.
    """

    key: bytes

    def around(self, text: str) -> str:
        """Fence a text that is already clean."""
        marker = self.marker(text)
        return f"[captured {marker}: untrusted data]\n{text}\n[end {marker}]"

    def marker(self, text: str) -> str:
        """Give eight characters that do not occur in the text."""
        attempt = 0
        while True:
            message = f"{attempt}\n{text}".encode("utf-8", "surrogatepass")
            marker = hmac.new(self.key, message, hashlib.sha256).hexdigest()[:8]
            if marker not in text:
                return marker
            attempt += 1
