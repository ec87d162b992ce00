"""KFL, the CEL-based filter language: text -> tree -> checked tree -> SQL, or row evaluation; the only door to celpy.

Takes text and a catalogue of fields; gives programs, or errors with positions. May import model and errors; no I/O.

The names below are imported when they are first used, so that a server which has not been asked anything pays nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubeshark_mcp.kfl.catalogue import Catalogue
    from kubeshark_mcp.kfl.completion import Completion, ValuePlace, complete, value_place
    from kubeshark_mcp.kfl.diagnosis import Diagnosis, check
    from kubeshark_mcp.kfl.diagnostics import Diagnostic, EvaluationError, KflError
    from kubeshark_mcp.kfl.program import Clause, Program, compile_filter, evaluate
    from kubeshark_mcp.kfl.sql import SqlPredicate
    from kubeshark_mcp.kfl.values import CelType, Duration, Timestamp, Uint

__all__ = [
    "Catalogue",
    "CelType",
    "Clause",
    "Completion",
    "Diagnosis",
    "Diagnostic",
    "Duration",
    "EvaluationError",
    "KflError",
    "Program",
    "SqlPredicate",
    "Timestamp",
    "Uint",
    "ValuePlace",
    "check",
    "compile_filter",
    "complete",
    "evaluate",
    "value_place",
]

_HOMES = {
    "catalogue": ("Catalogue",),
    "diagnosis": ("Diagnosis", "check"),
    "completion": ("Completion", "ValuePlace", "complete", "value_place"),
    "diagnostics": ("Diagnostic", "EvaluationError", "KflError"),
    "program": ("Clause", "Program", "compile_filter", "evaluate"),
    "sql": ("SqlPredicate",),
    "values": ("CelType", "Duration", "Timestamp", "Uint"),
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
