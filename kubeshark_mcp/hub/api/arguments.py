"""The arguments of the Hub's tools as they arrive: one model each, from which schemas and checks follow.

Times come as Unix milliseconds, RFC 3339 or relative (`-15m`); lists as arrays or comma-separated text. Names are those
of the published contract; where Hubs differ in a name, the others are accepted as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.present.times import Clock, parse_duration

_CLOCK = Clock()
_QUOTED = 80


def _time(value: object, info: ValidationInfo) -> datetime:
    return _CLOCK.parse(value, info.field_name or "the time")


def _duration(value: object, info: ValidationInfo) -> float:
    return parse_duration(value, info.field_name or "duration")


def _list(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _label_map(value: object) -> object:
    """Read `app=cart,tier=web` (or several such texts, as a query string has them) as a map."""
    texts = value.split(",") if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) and "=" in text for text in texts):
        return value
    return dict(text.split("=", 1) for text in texts)


Time = Annotated[
    datetime,
    BeforeValidator(_time),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}],
            "description": "Unix milliseconds, RFC 3339, or relative such as -15m",
        }
    ),
]
Duration = Annotated[
    float, BeforeValidator(_duration), WithJsonSchema({"type": "string", "description": "such as 30m"})
]
Names = Annotated[list[str], BeforeValidator(_list)]
Labels = Annotated[dict[str, str], BeforeValidator(_label_map)]
Limit = Annotated[int, Field(ge=1, le=1000)]
Text = Annotated[str, Field(min_length=1, max_length=4096)]


class Arguments(BaseModel):
    """Base of all arguments: unknown names are an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _aliases(name: str, *others: str) -> Any:
    return Field(validation_alias=AliasChoices(name, *others))


class Nothing(Arguments):
    """No arguments."""


class CreateSnapshot(Arguments):
    """Which part of the raw capture to keep."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    start_time: Time | None = None
    end_time: Time | None = None
    duration: Duration | None = None
    nodes: Names | None = None


class OneSnapshot(Arguments):
    """One snapshot, by its id."""

    id: Annotated[Text, _aliases("id", "snapshot_id", "snapshot")]


class OneCloudJob(Arguments):
    """One upload or download, by its id."""

    job_id: Annotated[Text, _aliases("job_id", "job", "id")]


class ExportPcap(OneSnapshot):
    """Which packets of a snapshot to write."""

    nodes: Names | None = None
    bpf_filter: Annotated[str | None, Field(max_length=4096, description="tcpdump syntax")] = None
    start_time: Time | None = None
    end_time: Time | None = None


class OneDissection(Arguments):
    """A dissection of a snapshot; without a name the usual one."""

    snapshot_id: Annotated[Text, _aliases("snapshot_id", "id", "snapshot")]
    name: Text | None = None


class NamedDissection(Arguments):
    """A dissection of a snapshot, by its name."""

    snapshot_id: Annotated[Text, _aliases("snapshot_id", "id", "snapshot")]
    name: Text


class MaybeSnapshot(Arguments):
    """One snapshot, or what there is without."""

    snapshot_id: Annotated[Text | None, _aliases("snapshot_id", "id", "snapshot")] = None


class Workloads(Arguments):
    """Which workloads: one by name and namespace, or a scan."""

    snapshot_id: Text | None = None
    name: Text | None = None
    namespace: Text | None = None
    namespaces: Names | None = None
    name_regex: Text | None = None
    labels: Labels | None = None
    type: Literal["pod", "service"] | None = None
    timestamp: Time | None = None


class Addresses(Arguments):
    """Which addresses: one, or a scan."""

    snapshot_id: Text | None = None
    ip: Text | None = None
    namespaces: Names | None = None
    name_regex: Text | None = None
    labels: Labels | None = None
    timestamp: Time | None = None


Kfl = Annotated[str, Field(max_length=16_384, description="a KFL filter, such as status_code >= 500")]
Db = Annotated[str, Field(min_length=1, max_length=4096, description="SNAPSHOT/DISSECTION")]


class Calls(Arguments):
    """Which API calls, and how much of each."""

    kfl: Kfl | None = None
    limit: Limit = 100
    format: Literal["compact", "full", "raw"] = "compact"
    group_by: Literal["node", "ns", "worker"] | None = None
    start: Time | None = None
    end: Time | None = None
    snapshot_id: Text | None = None
    db: Db | None = None
    cursor: Annotated[Text | None, Field(description="of the page before")] = None
    newest_first: bool = False
    keep_duplicates: Annotated[bool, Field(description="each sighting of a call apart")] = False


class OneCall(Arguments):
    """One API call in full."""

    id: Annotated[Text, Field(coerce_numbers_to_str=True)]
    node_id: str | None = None
    include_payload: bool = True
    include_l4: bool = True
    include_pcap: bool = False
    max_payload_size: Annotated[int, Field(ge=0, le=16 * 1024 * 1024)] = 65536
    snapshot_id: Text | None = None
    db: Db | None = None


class Stats(Arguments):
    """Numbers over API calls."""

    kfl: Kfl | None = None
    start: Time | None = None
    end: Time | None = None
    snapshot_id: Text | None = None
    db: Db | None = None
    group_by: Annotated[
        Text | None, Field(description="endpoint, service, protocol, node, ns, worker, or a KFL field")
    ] = None
    limit: Limit = 20


class Flows(Arguments):
    """Which L4 flows."""

    format: Literal["compact", "full", "raw"] = "compact"
    aggregate: Literal["pod", "namespace", "node", "service"] | None = None
    l4proto: Literal["tcp", "udp"] | None = None
    ip: Text | None = None
    ns: Text | None = None
    pod: Text | None = None
    svc: Text | None = None
    limit: Limit = 100
    snapshot_id: Text | None = None
    cursor: Annotated[Text | None, Field(description="of the page before")] = None


class Filter(Arguments):
    """A filter, and the database that it is meant for."""

    kfl: Kfl
    db: Db | None = None


class FieldUses(Arguments):
    """Fields whose filling is asked for."""

    names: Annotated[Names, Field(min_length=1, max_length=100)]
    db: Db | None = None


class OnePath(Arguments):
    """A file, by the relative path that another tool gave."""

    path: Text


def read_arguments(tool: str, model: type[Arguments], given: Mapping[str, Any]) -> Arguments:
    """Check what a client sent; raises UsageError with one sentence about everything that is wrong."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        told = "; ".join(_sentence(detail, model) for detail in error.errors(include_url=False)[:5])
        raise UsageError(f"{tool}: {told}.") from error


def _sentence(detail: ErrorDetails, model: type[Arguments]) -> str:
    name = ".".join(str(part) for part in detail["loc"]) or "the arguments"
    if detail["type"] == "missing":
        return f"{name} is missing"
    if detail["type"] == "extra_forbidden":
        close = get_close_matches(name, model.model_fields, n=1)
        known = f"did you mean {close[0]}?" if close else f"there are {', '.join(model.model_fields) or 'none'}"
        return f"there is no argument {_quoted(name)}; {known}".removesuffix(".")
    message = detail["msg"].rstrip(".")
    return f"{name} is {_quoted(detail['input'])}: {message[:1].lower()}{message[1:]}"


def _quoted(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else f"{shown[: _QUOTED - 1]}…"
