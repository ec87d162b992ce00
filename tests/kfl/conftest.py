"""A catalogue of every type, and rows for it, for all tests of the filter language."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kubeshark_mcp.dissect.discovery import all_fields, load_protocols
from kubeshark_mcp.kfl import Catalogue
from kubeshark_mcp.model.field import Field, FieldType

sys.path.insert(0, str(Path(__file__).resolve().parent))

NOW_NS = 1_700_000_000_000_000_000

TABLE = """
src.ip string
dst.ip string
src.port int
dst.port int
protocol string
timestamp timestamp
elapsed_time int
http bool
dns bool
tcp bool
tls bool
redis bool
method string
url string
path string
status_code int
request.headers map[string]string
response.headers map[string]string
query_string map[string]string
request_body_size int
dns_questions []string
pods []string
namespaces []string
tcp_payload bytes
src.pod.name string
src.pod.namespace string
dst.pod.name string
dst.pod.namespace string
src.service.name string
dst.service.name string
src.name string
dst.name string
src.namespace string
dst.namespace string
src.dns string
dst.dns string
node map[string]string
local_labels map[string]string
loss_ratio double
grpc_status int
malformed string
redis_command string
tlsx_sni string
"""


def fields() -> list[Field]:
    made = []
    for line in TABLE.split("\n"):
        if line:
            name, kind = line.split()
            default = -1 if name == "grpc_status" else None
            made.append(Field(name, FieldType(kind), f"the {name}", name, default=default))
    return made


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return Catalogue(fields())


@pytest.fixture(scope="session")
def everything() -> Catalogue:
    """All fields of the installed protocols."""
    return Catalogue(all_fields(load_protocols()))
