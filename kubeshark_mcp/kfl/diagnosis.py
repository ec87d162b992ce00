"""Whether a filter is valid, what is wrong with it, and the filter that was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kubeshark_mcp.kfl.canonical import write
from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.checker import Checker
from kubeshark_mcp.kfl.diagnostics import Diagnostic, KflError, Source
from kubeshark_mcp.kfl.dialects import translate_dialect
from kubeshark_mcp.kfl.lint import warnings
from kubeshark_mcp.kfl.parser import parse
from kubeshark_mcp.kfl.tree import Node

_ATTEMPTS = 12
_LONGEST_CORRECTED = 4_000


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The result of checking a filter.

    canonical: the one spelling of this meaning, empty when not valid. corrected: a valid filter that was probably
    meant, when this one is not. dialect: the other language that it is written in. message: all of it, to be read.
    """

    valid: bool
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]
    canonical: str
    corrected: str | None
    dialect: str | None
    message: str


def check(text: str, catalogue: Catalogue, *, present: Collection[str] | None = None) -> Diagnosis:
    """Check a filter. Never raises for what the text says.

    present: the fields that have values in this data set, for the warning about those that have none. None: unknown.
    """
    source = Source(text)
    try:
        tree = checked_tree(text, catalogue)
    except KflError as error:
        full = with_correction(error, catalogue)
        return Diagnosis(False, full.diagnostics, (), "", full.corrected, full.dialect, str(full))
    found = warnings(source, tree, present)
    return Diagnosis(True, (), found, write(tree), None, None, "\n".join(source.render(one) for one in found))


def checked_tree(text: str, catalogue: Catalogue) -> Node:
    """Parse and check a filter. Raises KflError without correction."""
    source = Source(text)
    checker = Checker(source, catalogue)
    tree = checker.filter(parse(text))
    if checker.errors:
        raise KflError(source, tuple(sorted(checker.errors, key=lambda found: found.start)))
    return tree


def with_correction(error: KflError, catalogue: Catalogue) -> KflError:
    """Add the filter that was probably meant: translated from another language, else with each mistake replaced."""
    if len(error.text) > _LONGEST_CORRECTED:
        return error
    translated = translate_dialect(error.text, catalogue)
    if translated is not None and _is_valid(translated.kfl, catalogue):
        return KflError(Source(error.text), error.diagnostics, translated.kfl, translated.dialect)
    return KflError(Source(error.text), error.diagnostics, _corrected(error, catalogue))


def _is_valid(text: str, catalogue: Catalogue) -> bool:
    try:
        checked_tree(text, catalogue)
    except KflError:
        return False
    return True


def _corrected(error: KflError, catalogue: Catalogue) -> str | None:
    """Replace the mistakes that have a replacement until the filter is valid; None when it does not become so."""
    text = error.text
    for _ in range(_ATTEMPTS):
        changed = _replaced(text, error.diagnostics)
        if changed == text or len(changed) > _LONGEST_CORRECTED:
            return None
        text = changed
        try:
            checked_tree(text, catalogue)
        except KflError as next_error:
            error = next_error
        else:
            return text
    return None


def _replaced(text: str, found: Sequence[Diagnostic]) -> str:
    first = len(text) + 1
    for one in sorted(found, key=lambda diagnostic: diagnostic.start, reverse=True):
        if one.replacement is not None and one.end <= first:
            text = text[: one.start] + one.replacement + text[one.end :]
            first = one.start
    return text
