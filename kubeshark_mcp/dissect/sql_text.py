"""Texts of SQL statements as entries show them, and the texts that prepared statements stand for."""

from __future__ import annotations

import re
from typing import Generic, NamedTuple, TypeVar

TEXT_LIMIT = 16 * 1024
"""Characters of a statement's text that are kept."""

SUMMARY_LIMIT = 200
"""Characters of a statement that a one-line summary shows."""

STATEMENTS = 1024
"""Prepared statements of one connection whose texts are kept; the oldest is forgotten first."""

TEXTS = 2 * 1024 * 1024
"""Characters of the texts of all prepared statements of one connection."""

PHRASES, PHRASE_LIMIT = 256, 1024
"""Statements, and characters of each, whose words are kept."""

_BEFORE_VERB = r"(?>\s+|[(;]|--[^\n]*\n|\#[^\n]*\n|/\*!\d*|/\*.*?\*/)*+"
_VERB = re.compile(_BEFORE_VERB + r"([A-Za-z_]+)", re.DOTALL)
_VERB_WITHIN = 2048

Name = TypeVar("Name", str, int)
Extra = TypeVar("Extra")


def read_text(data: bytes) -> str:
    r"""Write bytes as text, what is no UTF-8 as `\xDD`, cut at TEXT_LIMIT."""
    return data[:TEXT_LIMIT].decode("utf-8", "backslashreplace")


def verb_of(text: str) -> str:
    """Give the first keyword of a statement in upper case, behind comments and brackets; empty when there is none."""
    found = _VERB.match(text, 0, _VERB_WITHIN)
    return found[1].upper() if found else ""


def one_line(text: str) -> str:
    """Give the beginning of a statement on one line of printable characters."""
    line = " ".join(text[: 2 * SUMMARY_LIMIT].split())
    if not line.isprintable():
        line = "".join([letter if letter.isprintable() else "." for letter in line])
    return line if len(line) <= SUMMARY_LIMIT else line[: SUMMARY_LIMIT - 3] + "..."


class Words(NamedTuple):
    """What an entry shows of a statement: its first keyword, and its beginning on one line."""

    verb: str
    line: str


class Phrasebook:
    """The words of the statements that connections say again and again; bounded."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, Words] = {}

    def of(self, text: str) -> Words:
        """Give the words of a statement."""
        words = self._known.get(text)
        if words is None:
            words = Words(verb_of(text), one_line(text) or "(empty query)")
            if len(self._known) >= PHRASES:
                self._known.clear()
            if len(text) <= PHRASE_LIMIT:
                self._known[text] = words
        return words


class Statement(NamedTuple, Generic[Extra]):
    """A prepared statement. extra: what the protocol keeps beside the text."""

    text: str
    extra: Extra


class Statements(Generic[Name, Extra]):
    """What the names (or numbers) of a connection's prepared statements stand for; bounded."""

    __slots__ = ("_characters", "_known")

    def __init__(self) -> None:
        self._known: dict[Name, Statement[Extra]] = {}
        self._characters = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, name: Name) -> Statement[Extra] | None:
        """Give the statement of this name."""
        return self._known.get(name)

    def put(self, name: Name, text: str, extra: Extra) -> list[Statement[Extra]]:
        """Remember a statement; give those that it replaces or that are forgotten for it."""
        gone = [replaced] if (replaced := self.drop(name)) else []
        self._known[name] = Statement(text, extra)
        self._characters += len(text)
        while len(self._known) > STATEMENTS or (self._characters > TEXTS and len(self._known) > 1):
            oldest = self.drop(next(iter(self._known)))
            gone += [oldest] if oldest else []
        return gone

    def drop(self, name: Name) -> Statement[Extra] | None:
        """Forget a statement and give it."""
        found = self._known.pop(name, None)
        if found is not None:
            self._characters -= len(found.text)
        return found

    def clear(self) -> list[Statement[Extra]]:
        """Forget all, oldest first."""
        gone = list(self._known.values())
        self._known.clear()
        self._characters = 0
        return gone
