"""What can be said of filters: valid or not, how they run, and how the fields that they may use are filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub.contract_filters import ClausePlan, FieldUse, FilterCheck, FilterPlan
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.queries import EntryBase, Language, as_query
from kubeshark_mcp.kfl import Program, check
from kubeshark_mcp.kfl.program import Test
from kubeshark_mcp.store.query import Query

VALUE_LENGTH = 60
"""Characters of a common value that are shown."""
VALUES = 5


class FilterRoom:
    """Answers questions about filters and fields."""

    def __init__(self, language: Language, databases: DatabaseRoom) -> None:
        self._language = language
        self._databases = databases

    def check(self, kfl: str, database: str | None) -> FilterCheck:
        """Check a filter; against the data of the newest dissection where none is named and there is one."""
        found = check(kfl, self._language.catalogue, present=self._present(database))
        return FilterCheck(
            valid=found.valid,
            canonical=found.canonical,
            message=found.message,
            warnings=[str(warning) for warning in found.warnings],
            corrected=found.corrected,
            dialect=found.dialect,
        )

    def _present(self, database: str | None) -> frozenset[str] | None:
        try:
            return self._databases.base(self._databases.resolve(database)).source.columns
        except NotFoundError:
            if database is not None:
                raise
            return None

    def explain(self, kfl: str, database: str | None) -> FilterPlan:
        """Count what each clause leaves."""
        dissection = self._databases.resolve(database)
        base = self._databases.base(dissection)
        return explain_entries(base, kfl, f"{dissection.snapshot}/{dissection.name}")

    def use(self, names: list[str], database: str | None) -> list[FieldUse]:
        """Tell how fields are filled, those without any value included."""
        base: EntryBase = self._databases.base(self._databases.resolve(database))
        known = {field.name for field in self._language.fields}
        for name in names:
            if name not in known:
                near = self._language.catalogue.suggest(name)
                raise UsageError(f"{name!r} is no field{f'; did you mean {near!r}?' if near else '.'}")
        return [
            FieldUse(
                name=profile.name,
                filled=profile.filled,
                total=profile.total,
                commonest=[(_short(value), count) for value, count in profile.commonest[:VALUES]],
            )
            for profile in base.source.field_profile(names)
        ]


def explain_entries(base: EntryBase, kfl: str, database: str = "") -> FilterPlan:
    """Run a filter clause by clause, in the order in which it is run: first what SQL says, then row by row."""
    program = base.compile(kfl)
    if program is None:
        raise UsageError("An empty filter matches everything: there is nothing to explain.")
    in_sql = [clause for clause in program.clauses if clause.sql is not None]
    tried = [clause for clause in program.clauses if clause.residual is not None]
    counts = base.source.clause_counts([(one.sql.sql, one.sql.parameters) for one in in_sql if one.sql is not None])
    plans = [ClausePlan(text=one.text, in_sql=True, left=left) for one, left in zip(in_sql, counts, strict=True)]
    total = base.source.count(Query())
    left, exact = _left_by_row(base, program, [clause.residual for clause in tried if clause.residual is not None])
    plans += [
        ClausePlan(text=one.text, in_sql=False, left=count if exact else None)
        for one, count in zip(tried, left, strict=True)
    ]
    matches = left[-1] if left else counts[-1] if counts else total
    return FilterPlan(
        canonical=program.canonical,
        total=total,
        matches=matches,
        clauses=plans,
        database=database,
        warnings=[str(warning) for warning in program.warnings],
    )


def _left_by_row(base: EntryBase, program: Program, tests: Sequence[Test]) -> tuple[list[int], bool]:
    """Count the rows left after each test and those before it; not exact where there are too many rows to try."""
    left = [0] * len(tests)
    if not tests:
        return left, True

    def tried(row: Mapping[str, Any]) -> bool:
        for number, test in enumerate(tests):
            if not test(row):
                return False
            left[number] += 1
        return True

    _, exact = base.source.matching_ids(replace(as_query(program), residual=tried))
    return left, exact


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"
