"""Did you mean: the nearest field to a name, by meaning first and by spelling second."""

from __future__ import annotations

from collections.abc import Iterable

from kubeshark_mcp.model.field import Field

MEANINGS: dict[str, str] = {
    "response.status": "status_code",
    "response.status_code": "status_code",
    "response.code": "status_code",
    "response.statuscode": "status_code",
    "status": "status_code",
    "code": "status_code",
    "http_status": "status_code",
    "http.status_code": "status_code",
    "http.status": "status_code",
    "http.response.code": "status_code",
    "request.method": "method",
    "http.method": "method",
    "http.request.method": "method",
    "verb": "method",
    "request.path": "path",
    "request.url": "url",
    "request.uri": "url",
    "http.path": "path",
    "http.url": "url",
    "http.request.uri": "url",
    "uri": "url",
    "endpoint": "path",
    "request.query": "query_string",
    "query": "query_string",
    "headers": "request.headers",
    "cookies": "request.cookies",
    "http.request.headers": "request.headers",
    "http.response.headers": "response.headers",
    "response.latency": "elapsed_time",
    "latency": "elapsed_time",
    "duration": "elapsed_time",
    "response_time": "elapsed_time",
    "elapsedtime": "elapsed_time",
    "elapsed": "elapsed_time",
    "time": "timestamp",
    "src.ns": "src.namespace",
    "dst.ns": "dst.namespace",
    "src.pod": "src.pod.name",
    "dst.pod": "dst.pod.name",
    "src.svc": "src.service.name",
    "dst.svc": "dst.service.name",
    "src.service": "src.service.name",
    "dst.service": "dst.service.name",
    "source": "src.name",
    "destination": "dst.name",
    "client": "src.name",
    "server": "dst.name",
    "src.host": "src.dns",
    "dst.host": "dst.dns",
    "src.address": "src.ip",
    "dst.address": "dst.ip",
    "ip.src": "src.ip",
    "ip.dst": "dst.ip",
    "source.ip": "src.ip",
    "destination.ip": "dst.ip",
    "src_ip": "src.ip",
    "dst_ip": "dst.ip",
    "sport": "src.port",
    "dport": "dst.port",
    "proto": "protocol",
    "namespace": "namespaces",
    "pod": "pods",
    "service": "services",
    "labels": "local_labels",
    "annotations": "local_annotations",
    "dns.qry.name": "dns_questions",
    "sni": "tlsx_sni",
    "postgres": "postgresql",
    "pgsql": "postgresql",
    "mongo": "mongodb",
    "graphql": "gql",
    "websocket": "ws",
    "https": "tls",
    "connection": "conn",
}
"""What people write -> the field they mean."""

LONGEST = 60
"""No name of more characters is misspelt one of ours."""


class Names:
    """The names of fields, arranged so that the one that was probably meant is found fast."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._known: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._squeezed: dict[str, str] = {}
        for field in fields:
            self._known.setdefault(field.name.lower(), field.name)
            self._squeezed.setdefault(_squeeze(field.name), field.name)
            for alias in field.aliases:
                self._said.setdefault(alias.lower(), field.name)
        self._letters = [(name, _letters(name)) for name in sorted(self._known.values())]

    def nearest(self, name: str) -> str | None:
        """Give the field that was probably meant, by meaning, then by spelling; None when nothing is near."""
        folded = name.lower()
        meant = MEANINGS.get(folded)
        if meant is not None and self._known.get(meant.lower()) == meant:
            return meant
        exact = self._known.get(folded) or self._said.get(folded) or self._squeezed.get(_squeeze(name))
        if exact is not None or len(name) > LONGEST:
            return exact
        limit = min(3, max(1, len(name) // 4))
        letters = _letters(name)
        near = (other for other, has in self._letters if (letters ^ has).bit_count() <= 2 * limit)
        best = min(((distance(folded, other.lower(), limit), other) for other in near), default=(limit + 1, ""))
        return best[1] if best[0] <= limit else None


def nearest(name: str, fields: Iterable[Field]) -> str | None:
    """Give the name of the field that was probably meant, or None when nothing is near."""
    return Names(fields).nearest(name)


def _squeeze(name: str) -> str:
    return name.lower().replace("_", "").replace(".", "").replace("-", "")


def _letters(name: str) -> int:
    """Give which characters a name has, as bits: one edit changes two of them at most."""
    bits = 0
    for char in name.lower():
        bits |= 1 << (ord(char) % 64)
    return bits


def distance(one: str, other: str, limit: int) -> int:
    """Count the edits (insert, delete, replace, swap) from one to the other; `limit` + 1 when there are more."""
    if abs(len(one) - len(other)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, char in enumerate(one, 1):
        older, before, row = before, row, [at]
        for column, letter in enumerate(other, 1):
            cost = min(before[column] + 1, row[-1] + 1, before[column - 1] + (char != letter))
            if at > 1 and column > 1 and char == other[column - 2] and one[at - 2] == letter:
                cost = min(cost, older[column - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]


def closest(name: str, names: Iterable[str]) -> str | None:
    """Give the name with the fewest edits to a misspelt one, or None when none is near."""
    if len(name) > LONGEST:
        return None
    limit = max(1, len(name) // 3)
    ranked = min(((distance(name.lower(), other.lower(), limit), other) for other in names), default=(limit + 1, ""))
    return ranked[1] if ranked[0] <= limit else None
