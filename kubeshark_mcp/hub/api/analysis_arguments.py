"""The arguments of the tools that say what traffic means: diagnosis, claims, comparisons, traces, maps, evidence."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from kubeshark_mcp.hub.api.arguments import Arguments, Db, Kfl, Text, Time
from kubeshark_mcp.hub.contract_analysis import Measure, Relation

Service = Annotated[str, Field(min_length=1, max_length=4096, description="namespace/name")]
Ids = Annotated[
    list[Annotated[str, Field(coerce_numbers_to_str=True)]],
    BeforeValidator(lambda value: value.split(",") if isinstance(value, str) else value),
]
Number = Annotated[float, Field(allow_inf_nan=False)]
_MEASURE = WithJsonSchema({"type": "string", "enum": [one.value for one in Measure], "default": Measure.COUNT.value})
_RELATION = WithJsonSchema({"type": "string", "enum": [one.value for one in Relation], "default": Relation.EQUAL.value})


class Window(Arguments):
    """A database, and a part of its time."""

    db: Db | None = None
    start: Time | None = None
    end: Time | None = None


class Diagnose(Window):
    """What to diagnose."""

    service: Annotated[Service | None, Field(description="only what concerns it")] = None
    baseline: Annotated[Db | None, Field(description="db of a healthy time")] = None


class Verify(Window):
    """A claim about the entries that a filter selects."""

    kfl: Kfl
    measure: Annotated[Measure, _MEASURE] = Measure.COUNT
    value: Annotated[Number | None, Field(description="count, share 0..1, or microseconds")] = None
    at: Time | None = None
    relation: Annotated[Relation, _RELATION] = Relation.EQUAL
    of: Annotated[Kfl | None, Field(description="KFL of the whole that a share is of")] = None
    tolerance: Annotated[float, Field(ge=0, le=1)] = 0.0


class Compare(Window):
    """Two times to compare."""

    baseline: Annotated[Db | None, Field(description="another db; db itself by default")] = None
    baseline_start: Time | None = None
    baseline_end: Time | None = None


class Trace(Arguments):
    """Which call to follow."""

    id: Annotated[Text, Field(coerce_numbers_to_str=True, description="id or handle of an entry")]
    db: Db | None = None


class Map(Window):
    """Which part of the service graph."""

    service: Annotated[Service | None, Field(description="only the ways to it and from it")] = None


class Cut(Arguments):
    """Which entries to cut out of the capture."""

    ids: Annotated[Ids | None, Field(max_length=1000, description="ids or handles of entries")] = None
    kfl: Kfl | None = None
    db: Db | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    scrub: Annotated[bool, Field(description="overwrite secrets in payloads")] = True


class Handle(Arguments):
    """One entry, by its handle."""

    handle: Annotated[Text, Field(description="SNAPSHOT/DISSECTION#ENTRY")]
