"""Filters for a Hub elsewhere: checked here first, so that a bad one never reaches it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from kubeshark_mcp.dissect.discovery import all_fields, load_protocols
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.contract_filters import ClausePlan, FilterCheck, FilterPlan
from kubeshark_mcp.hub.remote.kubeshark_fields import KUBESHARK_FIELDS
from kubeshark_mcp.kfl import Catalogue, Program, check, compile_filter
from kubeshark_mcp.model.field import Field

MOST_CLAUSES = 8
"""Clauses that are counted one after the other; each costs the Hub a question."""
LAYER_4 = frozenset({"tcp_conn", "udp_conn", "tcp_flow", "udp_flow"})

Count = Callable[[str | None], Awaitable[int]]


class Filters:
    """The KFL of the installed protocols, without any data."""

    def __init__(self) -> None:
        self.fields: tuple[Field, ...] = all_fields(load_protocols())
        self._catalogue = Catalogue(self.fields)

    def compile(self, kfl: str | None) -> Program | None:
        """Check a filter; None for none. Raises KflError, which says where and what to write instead."""
        if kfl is None or not kfl.strip():
            return None
        return compile_filter(kfl, self._catalogue, now_ns=time.time_ns())

    def check(self, kfl: str) -> FilterCheck:
        """Say whether a filter is valid."""
        found = check(kfl, self._catalogue)
        return FilterCheck(
            valid=found.valid,
            canonical=found.canonical,
            message=found.message,
            warnings=[
                *(str(warning) for warning in found.warnings),
                *self._own(self.compile(kfl) if found.valid else None),
            ],
            corrected=found.corrected,
            dialect=found.dialect,
        )

    def warnings(self, program: Program | None, ours: bool) -> list[str]:
        """Give what is to be said of a valid filter. ours: the Hub knows all our fields."""
        if program is None:
            return []
        return [*(str(warning) for warning in program.warnings), *([] if ours else self._own(program))]

    def _own(self, program: Program | None) -> list[str]:
        own = sorted(program.columns - KUBESHARK_FIELDS) if program else []
        if not own:
            return []
        are = "is a field" if len(own) == 1 else "are fields"
        return [f"{', '.join(own)} {are} of kubeshark-mcp's own dissection: a Hub of Kubeshark may not know it"]

    async def explain(self, kfl: str, count: Count, database: str) -> FilterPlan:
        """Count what each clause leaves, one question to the Hub a clause."""
        program = self.compile(kfl)
        if program is None:
            raise UsageError("An empty filter matches everything: there is nothing to explain.")
        clauses = await clause_counts(program, count)
        return FilterPlan(
            canonical=program.canonical,
            total=await count(None),
            matches=await count(program.canonical),
            clauses=[
                ClausePlan(text=clause.text, in_sql=True, left=left)
                for clause, left in zip(program.clauses, [*clauses, *[None] * len(program.clauses)], strict=False)
            ],
            database=database,
            warnings=self.warnings(program, ours=False),
        )


async def clause_counts(program: Program, count: Count) -> list[int]:
    """Count what is left after each clause and all before it; stops when nothing is left."""
    left: list[int] = []
    for number in range(1, min(len(program.clauses), MOST_CLAUSES) + 1):
        left.append(await count(" && ".join(f"({clause.text})" for clause in program.clauses[:number])))
        if left[-1] == 0:
            break
    return left
