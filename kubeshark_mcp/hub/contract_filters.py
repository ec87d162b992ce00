"""The shapes of answers about filters and fields."""

from __future__ import annotations

from pydantic import Field

from kubeshark_mcp.hub.contract import Shape


class FilterCheck(Shape):
    """What is to be said of a KFL filter. message: all of it with position and suggestion, to be read.

    corrected: a valid filter that was probably meant. dialect: the other language that it is written in.
    """

    valid: bool
    canonical: str = ""
    message: str = ""
    warnings: list[str] = Field(default_factory=list)
    corrected: str | None = None
    dialect: str | None = None


class ClausePlan(Shape):
    """One operand of the outermost `&&`.

    left: entries after it and all before it, None where too many would have to be tried row by row.
    """

    text: str
    in_sql: bool
    left: int | None = None


class FilterPlan(Shape):
    """How a filter runs: entries in all, what each clause leaves, and how many match in the end."""

    canonical: str
    total: int
    matches: int
    clauses: list[ClausePlan]
    database: str = ""
    warnings: list[str] = Field(default_factory=list)


class FieldUse(Shape):
    """How a field is filled in a data set. commonest: (value, entries), most frequent first."""

    name: str
    filled: int
    total: int
    commonest: list[tuple[str, int]] = Field(default_factory=list)
