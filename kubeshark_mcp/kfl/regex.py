"""Regular expressions of `matches`: RE2, as CEL says, so that no pattern takes more than linear time.

The only importer of `re2`, on first use. DuckDB matches with RE2 too, so both engines find the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

from kubeshark_mcp.kfl.diagnostics import EvaluationError, quoted

LONGEST_PATTERN = 2_000


def searcher(pattern: str) -> Callable[[str], bool]:
    """Compile a pattern to a function that says whether it is found anywhere in a text.

    Raises EvaluationError for a pattern that RE2 refuses: back references, look-around, a repetition over 1000,
    a program that would be too large.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise EvaluationError(f"The regular expression has {len(pattern)} characters; at most {LONGEST_PATTERN} work.")
    re2 = importlib.import_module("re2")
    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise EvaluationError(f"{quoted(pattern)} is not a regular expression of RE2: {text}.") from None
    return lambda text: found.search(text) is not None


def matches(text: str, pattern: str) -> bool:
    """Say whether the pattern is found anywhere in the text."""
    return searcher(pattern)(text)
