"""GraphQL documents (GraphQL specification, sections 2.1 to 2.8), read as far as their operations and top fields.

What arguments and nested fields say is passed over: type, name and top fields tell one call from another.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TYPES = frozenset({"query", "mutation", "subscription"})
FIELDS = 32
"""Top fields of an operation that are kept."""
DEFINITIONS = 256
"""Operations and fragments of one document that are read."""
DOCUMENT_LIMIT = 64 * 1024
"""Characters of a document that are read; a longer one counts as cut."""
CUT_TOKENS = 64
"""Tokens at the end of a cut document that may make no sense: half a word, or a text without its end."""

# The loop over a block string is not possessive: Python 3.11 up to 3.11.4 ends such a loop too early.
_TOKEN = re.compile(
    r'[_A-Za-z]\w*|\.\.\.|[!$&()\[\]{}:=@|]|#[^\r\n]*|"""(?:[^"\\]|\\.|"{1,2}(?!"))*(?:"""|\\?\Z)|"(?:[^"\\\r\n]|\\.)*+(?:"|\Z)'
    r"|-?\d[\w.+-]*+|[^\s,\ufeff]",
    re.ASCII | re.DOTALL,
)
_NAME = re.compile(r"[_A-Za-z]\w*\Z", re.ASCII)
_OPEN, _CLOSE = frozenset("([{"), frozenset(")]}")


class Operation(NamedTuple):
    """One operation. type: `query`, `mutation`, `subscription`; empty where only its name is known.

    name: empty for an anonymous one. fields: names of its top fields, fragments resolved, without aliases.
    """

    type: str
    name: str
    fields: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Write it as people do: `query GetCart`, `query {cart, user}`."""
        name = self.name
        if not name and self.fields:
            more = ", …" if len(self.fields) > 3 else ""
            name = f"{{{', '.join(self.fields[:3])}{more}}}"
        return " ".join(part for part in (self.type or "persisted", name) if part)


class Selection(NamedTuple):
    """What stands between the outermost braces of a definition: field names, and names of fragments spread there."""

    fields: list[str]
    spreads: list[str]


class DocumentError(ValueError):
    """The text is no GraphQL document."""


class _EndOfDocument(Exception):
    """The tokens are used up."""


def read_document(text: str, *, cut: bool = False) -> list[Operation]:
    """Give the operations of a document, in order. Raises DocumentError where it is none.

    cut: its end is missing; then what stands before is read.
    """
    cut = cut or len(text) > DOCUMENT_LIMIT
    tokens = [token for token in _TOKEN.findall(text[:DOCUMENT_LIMIT]) if token[0] != "#"]
    reader = _Reader(tokens)
    try:
        while reader.position < len(tokens) and reader.definitions < DEFINITIONS:
            reader.definition()
    except _EndOfDocument:
        if not cut:
            raise DocumentError("the document ends within a definition") from None
    except DocumentError:
        if not cut or reader.position < len(tokens) - CUT_TOKENS:
            raise
    found = [
        Operation(kind, name, _resolved(selection, reader.fragments))
        for kind, name, selection in reader.operations
        if not cut or selection.fields or selection.spreads
    ]
    if not found:
        raise DocumentError("the document has no operation")
    return found


class _Reader:
    """Walks along tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.position = self.definitions = 0
        self.operations: list[tuple[str, str, Selection]] = []
        self.fragments: dict[str, Selection] = {}
        self._tokens = tokens

    def definition(self) -> None:
        """Take an operation or a fragment."""
        self.definitions += 1
        token = self._next()
        if token[0] == '"':
            token = self._next()
        selection = Selection([], [])
        if token == "{":
            self.position -= 1
            self.operations.append(("query", "", selection))
        elif token in TYPES:
            name = self._next() if _NAME.match(self._peek()) else ""
            self.operations.append((token, name, selection))
            if self._peek() == "(":
                self._pass_over()
            self._directives()
        elif token == "fragment":
            self.fragments[self._name()] = selection
            if self._next() != "on":
                raise DocumentError("a fragment has no type")
            self._name()
            self._directives()
        else:
            raise DocumentError(f"a definition begins with {token[:40]!r}")
        self._selection(selection)

    def _selection(self, found: Selection) -> None:
        """Take a selection set; inline fragments are looked into, the selections of fields are passed over."""
        if self._next() != "{":
            raise DocumentError("there is no selection set")
        depth = 1
        while depth:
            token = self._next()
            if token == "}":
                depth -= 1
            elif token == "...":
                depth += self._spread(found)
            elif _NAME.match(token):
                self._field(token, found)
            else:
                raise DocumentError(f"{token[:40]!r} stands where a field should")
        if not found.fields and not found.spreads:
            raise DocumentError("a selection set is empty")

    def _field(self, name: str, found: Selection) -> None:
        if self._peek() == ":":
            self.position += 1
            name = self._name()
        if len(found.fields) < FIELDS:
            found.fields.append(name)
        if self._peek() == "(":
            self._pass_over()
        self._directives()
        if self._peek() == "{":
            self._pass_over()

    def _spread(self, found: Selection) -> int:
        """Take what follows three dots; give 1 where an inline fragment opens."""
        token = self._peek()
        if token not in {"on", "@", "{"}:
            found.spreads.append(self._name())
            self._directives()
            return 0
        if token == "on":
            self.position += 1
            self._name()
        self._directives()
        if self._next() != "{":
            raise DocumentError("an inline fragment has no selection set")
        return 1

    def _directives(self) -> None:
        while self._peek() == "@":
            self.position += 1
            self._name()
            if self._peek() == "(":
                self._pass_over()

    def _pass_over(self) -> None:
        """Pass over a bracket and all that it holds."""
        depth = 0
        while True:
            token = self._next()
            if token in _OPEN:
                depth += 1
            elif token in _CLOSE:
                depth -= 1
                if not depth:
                    return

    def _name(self) -> str:
        token = self._next()
        if not _NAME.match(token):
            raise DocumentError(f"{token[:40]!r} stands where a name should")
        return token

    def _next(self) -> str:
        if self.position >= len(self._tokens):
            raise _EndOfDocument
        self.position += 1
        return self._tokens[self.position - 1]

    def _peek(self) -> str:
        return self._tokens[self.position] if self.position < len(self._tokens) else ""


def _resolved(selection: Selection, fragments: dict[str, Selection]) -> tuple[str, ...]:
    """Give the fields of a selection and of the fragments spread in it, each name and each fragment once."""
    fields = dict.fromkeys(selection.fields)
    waiting, seen = list(selection.spreads), set(selection.spreads)
    while waiting and len(fields) < FIELDS:
        fragment = fragments.get(waiting.pop(0))
        if fragment is not None:
            fields.update(dict.fromkeys(fragment.fields))
            waiting += [name for name in fragment.spreads if name not in seen]
            seen.update(fragment.spreads)
    return tuple(fields)[:FIELDS]
