"""KFL, the CEL-based filter language: text -> tree -> checked tree -> SQL, or row evaluation; the only door to celpy.

Takes text and a catalogue of fields; gives programs, or errors with positions. May import model and errors; no I/O.
"""

from __future__ import annotations

from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.check import Diagnosis, check
from kubeshark_mcp.kfl.completion import Completion, complete
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
    "check",
    "compile_filter",
    "complete",
    "evaluate",
]
