"""What can be said of filters: valid or not, how they run, and how the fields that they may use are filled."""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.errors import NotFoundError, UsageError
from kubeshark_mcp.hub.contract_filters import ClausePlan, FieldUse, FilterCheck, FilterPlan
from kubeshark_mcp.hub.databases import DatabaseRoom
from kubeshark_mcp.hub.queries import EntryBase, Language, as_query
from kubeshark_mcp.kfl import check
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
        program = base.compile(kfl)
        if program is None:
            raise UsageError("An empty filter matches everything: there is nothing to explain.")
        in_sql = [clause.sql for clause in program.clauses if clause.sql is not None]
        left = iter(base.source.clause_counts([(sql.sql, sql.parameters) for sql in in_sql]))
        clauses = [
            ClausePlan(text=clause.text, in_sql=clause.in_sql, left=next(left) if clause.in_sql else None)
            for clause in program.clauses
        ]
        return FilterPlan(
            canonical=program.canonical,
            total=base.source.count(Query()),
            matches=base.source.page(as_query(program), 1).total,
            clauses=clauses,
            database=f"{dissection.snapshot}/{dissection.name}",
            warnings=[str(warning) for warning in program.warnings],
        )

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


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= VALUE_LENGTH else f"{text[: VALUE_LENGTH - 1]}…"
