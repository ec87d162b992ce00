from __future__ import annotations

from kubeshark_mcp.dissect.http_fields import HTTP_FIELDS
from kubeshark_mcp.dissect.protocols.http import Http
from kubeshark_mcp.dissect.protocols.http2 import Http2
from kubeshark_mcp.model.field import FieldType


def test_every_version_of_http_declares_the_same_fields():
    assert len({field.name for field in HTTP_FIELDS}) == len(HTTP_FIELDS)
    assert set(HTTP_FIELDS) <= set(Http.fields)
    assert set(HTTP_FIELDS) <= set(Http2.fields)


def test_the_fields_of_the_contract_have_its_types():
    types = {field.name: field.type for field in HTTP_FIELDS}
    assert types["http"] is FieldType.BOOL
    assert {types[name] for name in ("method", "url", "path", "http_version")} == {FieldType.STRING}
    assert {types[name] for name in ("status_code", "request_headers_size", "response_body_size")} == {FieldType.INT}
    maps = ("query_string", "request.headers", "response.headers", "request.cookies", "response.cookies")
    assert {types[name] for name in maps} == {FieldType.STRING_MAP}
