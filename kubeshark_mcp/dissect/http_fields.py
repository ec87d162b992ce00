"""The KFL fields of HTTP: those of every version, declared by each protocol that reads one."""

from __future__ import annotations

from kubeshark_mcp.model.field import Field, FieldType

_BOOL, _INT, _STRING, _MAP = FieldType.BOOL, FieldType.INT, FieldType.STRING, FieldType.STRING_MAP

HTTP_FIELDS: tuple[Field, ...] = tuple(
    Field(name, kind, meaning, example, "HTTP", aliases)
    for name, kind, meaning, example, aliases in (
        ("http", _BOOL, "an HTTP request with its response", "http", ("http1", "https")),
        (
            "method",
            _STRING,
            "request method",
            'method == "POST"',
            ("http.request.method", "request.method", "verb"),
        ),
        (
            "url",
            _STRING,
            "request target as sent, with the query",
            'url.contains("/cart?")',
            ("http.request.uri", "request.url", "uri"),
        ),
        (
            "path",
            _STRING,
            "path of the request target, without the query",
            'path.startsWith("/api/")',
            ("request.path", "endpoint", "http.path"),
        ),
        (
            "status_code",
            _INT,
            "status code of the response",
            "status_code >= 500",
            ("http.response.code", "response.status", "status.code", "code", "response.status_code"),
        ),
        (
            "http_version",
            _STRING,
            "version: HTTP/1.1 as sent, HTTP/2, empty for HTTP/0.9",
            'http_version == "HTTP/1.1"',
            ("http.version", "version"),
        ),
        (
            "query_string",
            _MAP,
            "parameters of the query, decoded",
            'query_string["id"] == "42"',
            ("request.query", "query"),
        ),
        (
            "request.headers",
            _MAP,
            "request header fields by lower-case name, repeated ones joined by a comma",
            '"authorization" in request.headers',
            ("request_headers", "http.request.headers", "headers"),
        ),
        (
            "response.headers",
            _MAP,
            "response header fields by lower-case name, repeated ones joined by a comma",
            'response.headers["content-type"].contains("json")',
            ("response_headers", "http.response.headers"),
        ),
        (
            "request.cookies",
            _MAP,
            "cookies that the client sent",
            '"session" in request.cookies',
            ("cookies", "request_cookies"),
        ),
        (
            "response.cookies",
            _MAP,
            "cookies that the server set",
            '"session" in response.cookies',
            ("response_cookies",),
        ),
        (
            "request_headers_size",
            _INT,
            "bytes of request line and header section; in HTTP/2 of the names and values before compression",
            "request_headers_size > 8192",
            (),
        ),
        (
            "request_body_size",
            _INT,
            "bytes of the request content, without chunk sizes",
            "request_body_size > 1048576",
            ("request_size", "http.content_length"),
        ),
        (
            "response_headers_size",
            _INT,
            "bytes of status line and header section; in HTTP/2 of the names and values before compression",
            "response_headers_size > 8192",
            (),
        ),
        (
            "response_body_size",
            _INT,
            "bytes of the response content, without chunk sizes",
            "response_body_size > 1048576",
            ("response_size",),
        ),
        ("request_body_cut", _BOOL, "only the beginning of the request content was kept", "request_body_cut", ()),
        (
            "response_body_cut",
            _BOOL,
            "only the beginning of the response content was kept",
            "response_body_cut",
            (),
        ),
        ("request.trailers", _MAP, "trailer fields of the request", "size(request.trailers) > 0", ()),
        ("response.trailers", _MAP, "trailer fields of the response", "size(response.trailers) > 0", ()),
        (
            "status_text",
            _STRING,
            "reason phrase of the response",
            'status_text == "Not Found"',
            ("reason", "http.response.phrase"),
        ),
    )
)
