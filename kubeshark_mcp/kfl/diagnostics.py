"""What is wrong with a filter and where: positions, carets, suggestions, and the errors that carry them."""

from __future__ import annotations

from dataclasses import dataclass

from kubeshark_mcp.errors import FilterError

_LONGEST_LINE = 160


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error or warning about a span of the filter's text.

    message: one sentence; quotes what was given and says what to do.
    start, end: offsets in characters into the text; line and column count from 1.
    offending: the text of the span. suggestion: what to write instead, or None.
    replacement: text that, put in place of the span, corrects the filter; None where that is not known.
    """

    message: str
    start: int
    end: int
    line: int
    column: int
    offending: str
    suggestion: str | None = None
    replacement: str | None = None
    severity: str = "error"


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a filter; turns offsets into lines, columns and carets."""

    text: str

    def diagnostic(
        self,
        message: str,
        start: int,
        end: int,
        *,
        suggestion: str | None = None,
        replacement: str | None = None,
        severity: str = "error",
    ) -> Diagnostic:
        """Build a diagnostic about `text[start:end]`."""
        before = self.text[:start]
        line = before.count("\n") + 1
        column = start - (before.rfind("\n") + 1) + 1
        offending = self.text[start:end]
        return Diagnostic(message, start, end, line, column, offending, suggestion, replacement, severity)

    def caret(self, found: Diagnostic) -> str:
        """Give the line of the diagnostic and a caret line below it; long lines are cut around the column."""
        line = self.text.split("\n")[found.line - 1]
        first = max(0, found.column - 1 - _LONGEST_LINE // 2)
        shown = line[first : first + _LONGEST_LINE].replace("\t", " ")
        width = max(1, min(found.end - found.start, len(shown) - (found.column - 1 - first)))
        return f"{printable(shown)}\n{' ' * (found.column - 1 - first)}{'^' * width}"

    def render(self, found: Diagnostic) -> str:
        """Give the diagnostic as people read it: sentence, place, caret line, suggestion."""
        parts = [f"{found.message} (line {found.line}, column {found.column})", self.caret(found)]
        if found.suggestion:
            parts.append(f"Did you mean: {found.suggestion}")
        return "\n".join(parts)


def printable(text: str) -> str:
    """Replace control characters and lone surrogates, so that a message can be printed and encoded."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def quoted(text: str, limit: int = 60) -> str:
    """Quote what the user gave, cut to a readable length."""
    shown = printable(text if len(text) <= limit else text[: limit - 1] + "…")
    return f"`{shown}`"


class KflError(FilterError):
    """A filter that is not valid KFL. `str()` is the whole message; the parts are attributes.

    diagnostics: the errors in the order of the text, at least one. corrected: a filter that compiles and that says
    what was probably meant, or None. dialect: the name of the other language that the text is written in, or None.
    """

    def __init__(
        self,
        source: Source,
        diagnostics: tuple[Diagnostic, ...],
        corrected: str | None = None,
        dialect: str | None = None,
    ) -> None:
        self.text = source.text
        self.diagnostics = diagnostics
        self.corrected = corrected
        self.dialect = dialect
        parts = [source.render(found) for found in diagnostics[:5]]
        if len(diagnostics) > 5:
            parts.append(f"… and {len(diagnostics) - 5} more errors")
        if dialect:
            parts.append(f"This looks like {dialect}; filters here are KFL (CEL).")
        if corrected is not None:
            parts.append(f"Corrected filter: {corrected}")
        super().__init__("\n".join(parts))

    @property
    def line(self) -> int:
        """Give the line of the first error, counted from 1."""
        return self.diagnostics[0].line

    @property
    def column(self) -> int:
        """Give the column of the first error, counted from 1."""
        return self.diagnostics[0].column

    @property
    def offending(self) -> str:
        """Give the text that the first error is about."""
        return self.diagnostics[0].offending

    @property
    def suggestion(self) -> str | None:
        """Give what the first error suggests to write instead."""
        return self.diagnostics[0].suggestion


class EvaluationError(FilterError):
    """An expression has no value: a CEL evaluation error (overflow, no such key, no such overload, bad conversion)."""
