"""What the Hub's answers look like, as JSON schemas: for the OpenAPI document, and for tests that hold us to it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
OBJECT: Schema = {"type": "object"}
TIME: Schema = {"type": ["integer", "null"], "description": "Unix milliseconds UTC"}
WARNINGS: Schema = {"type": "array", "items": STRING}


def listed(items: Schema) -> Schema:
    """Give the schema of a list."""
    return {"type": "array", "items": items}


def shape(optional: Schema | None = None, /, **required: Schema) -> Schema:
    """Give the schema of an object that has the required keys, and may have the optional ones and others."""
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


EMPTY = shape(code=STRING, sentence=STRING, remedy=STRING, tool=STRING, arguments=OBJECT)
NODE = shape({"packets": INTEGER}, name=STRING, oldest_ts=TIME, newest_ts=TIME)
BOUNDARIES = shape(
    {"dissection_enabled": BOOLEAN, "warnings": WARNINGS},
    cluster=shape(oldest_ts=TIME, newest_ts=TIME),
    nodes=listed(NODE),
)
SNAPSHOT = shape(
    {"nodes": listed(STRING), "error": STRING, "warnings": WARNINGS},
    id=STRING,
    name=STRING,
    status=STRING,
    size_bytes=INTEGER,
    created_at=TIME,
    start_ts=TIME,
    end_ts=TIME,
    node_count=INTEGER,
    packet_count=INTEGER,
)
SNAPSHOTS = shape(snapshots=listed(SNAPSHOT))
CREATED = shape(success=BOOLEAN, id=STRING, name=STRING, status=STRING)
DELETED = shape(success=BOOLEAN, id=STRING)
EXPORT = shape({"packets": INTEGER, "size_bytes": INTEGER}, path=STRING)
DISSECTION = shape(
    {"warnings": WARNINGS},
    snapshot=STRING,
    name=STRING,
    status=STRING,
    progress={"type": "integer", "minimum": 0, "maximum": 100},
    stats=OBJECT,
    errors=listed(STRING),
)
STARTED = shape(success=BOOLEAN, snapshot=STRING, name=STRING, status=STRING)
DISSECTIONS = shape(dissections=listed(DISSECTION))
STOPPED = shape(success=BOOLEAN, snapshot=STRING, name=STRING)
DATABASES = shape(
    databases=listed(
        shape(
            {"node": STRING, "snapshot": STRING, "name": STRING},
            type=STRING,
            entry_count=INTEGER,
            status=STRING,
            first_ts=TIME,
            last_ts=TIME,
        )
    )
)
ADDRESS = shape({"timestamp": TIME}, ip=STRING)
WORKLOADS = shape(
    workloads=listed(
        shape({"node": STRING}, name=STRING, namespace=STRING, kind=STRING, labels=OBJECT, ips=listed(ADDRESS))
    ),
    total=INTEGER,
)
OWNER = shape({"kind": STRING, "timestamp": TIME}, name=STRING, namespace=STRING)
ADDRESSES = shape(ips=listed(shape(ip=STRING, records=listed(OWNER))), total=INTEGER)
CALLS = shape(
    {"cursor": STRING, "db": STRING, "groups": OBJECT, "warnings": WARNINGS, "empty": EMPTY},
    calls=listed(shape(id={"type": ["integer", "string"]}, ts=TIME)),
    total=INTEGER,
    truncated=BOOLEAN,
)
CALL = shape(
    {
        "l4_flow": OBJECT,
        "l4_conn": OBJECT,
        "pcap": STRING,
        "req_body_encoding": {"const": "base64"},
        "resp_body_encoding": {"const": "base64"},
        "warnings": WARNINGS,
    },
    entry=OBJECT,
    req_body=STRING,
    resp_body=STRING,
    truncated=BOOLEAN,
)
STATS_ROW = shape(key=STRING, count=INTEGER, errors=INTEGER, error_rate=NUMBER, per_second=NUMBER)
STATS = shape(
    {"warnings": WARNINGS, "empty": EMPTY, "start": TIME, "end": TIME},
    total=STATS_ROW,
    groups=listed(STATS_ROW),
    groups_total=INTEGER,
    database=STRING,
)
FLOW = shape(proto=STRING, client=OBJECT, server=OBJECT, client_stats=OBJECT, server_stats=OBJECT, totals=OBJECT)
FLOWS = shape(
    {"cursor": STRING, "warnings": WARNINGS, "empty": EMPTY}, flows=listed(FLOW), total=INTEGER, truncated=BOOLEAN
)
FLOW_SUMMARY = shape(
    {"warnings": WARNINGS},
    total_flows=INTEGER,
    tcp_flows=INTEGER,
    udp_flows=INTEGER,
    total_bytes=INTEGER,
    total_pkts=INTEGER,
    unique_clients=INTEGER,
    unique_servers=INTEGER,
    top_by_bytes=listed(OBJECT),
    top_by_pkts=listed(OBJECT),
    by_namespace=OBJECT,
    cross_namespace=listed(OBJECT),
)
ENABLED = shape(enabled=BOOLEAN)
STATUS = shape(running=BOOLEAN, kind=STRING, location=STRING, version=STRING, details=OBJECT, next_steps=listed(STRING))
FIELDS = shape(fields=listed(shape(name=STRING, type=STRING, meaning=STRING, example=STRING)), total=INTEGER)
CHECK = shape(valid=BOOLEAN, canonical=STRING, message=STRING, warnings=WARNINGS)
PLAN = shape(canonical=STRING, total=INTEGER, matches=INTEGER, clauses=listed(OBJECT))
FIELD_USE = shape(fields=listed(shape(name=STRING, filled=INTEGER, total=INTEGER, commonest=listed({"type": "array"}))))
URL = shape(url=STRING)
CLOUD_STATUS = shape(
    {
        "location": STRING,
        "problem": STRING,
        "advice": STRING,
        "snapshots": listed(SNAPSHOT),
        "snapshots_total": INTEGER,
        "warnings": WARNINGS,
    },
    enabled=BOOLEAN,
    provider=STRING,
    connected=BOOLEAN,
)
CLOUD_JOB = shape(
    {
        "error": STRING,
        "completed_at": TIME,
        "progress": INTEGER,
        "bytes_done": INTEGER,
        "bytes_total": INTEGER,
        "warnings": WARNINGS,
    },
    job_id=STRING,
    snapshot_id=STRING,
    operation={"enum": ["upload", "download"]},
    status={"enum": ["in_progress", "completed", "failed"]},
    started_at=TIME,
)
CLOUD_STARTED = shape({"warnings": WARNINGS}, success=BOOLEAN, job_id=STRING)


def of_shape(model: type[BaseModel]) -> Schema:
    """Give the schema of one of our own shapes, with what it refers to in its place."""
    schema = model.model_json_schema(mode="serialization")
    definitions = schema.pop("$defs", {})
    inlined: Schema = _inlined(schema, definitions)
    return inlined


def _inlined(value: Any, definitions: Schema) -> Any:
    if isinstance(value, dict):
        if "$ref" in value:
            return _inlined(definitions[value["$ref"].rpartition("/")[2]], definitions)
        return {key: _inlined(item, definitions) for key, item in value.items()}
    return [_inlined(item, definitions) for item in value] if isinstance(value, list) else value


DIAGNOSIS = of_shape(ca.Diagnosis)
VERIFIED = of_shape(ca.Verified)
COMPARISON = of_shape(cv.Comparison)
TRACE = of_shape(cv.Trace)
SERVICE_MAP = of_shape(cv.ServiceMap)
TIMELINE = of_shape(cv.Timeline)
CUT = of_shape(cv.Cut)
SOURCE = of_shape(cv.Source)
