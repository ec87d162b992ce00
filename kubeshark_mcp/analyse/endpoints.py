"""What is asked, in general: calls of one kind put together, and KFL that selects a kind."""

from __future__ import annotations

import re

import numpy as np

from kubeshark_mcp.analyse.columns import Texts, distinct
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.filters import text

LONGEST = 200
"""Characters of a summary that endpoints are made of; a pattern of a longer one is open at its end."""
MOST = 400
"""Kinds of one protocol above which they are told apart by their first words alone."""
UNREAD = ("tcp", "udp", "sctp", "icmp", "tls", "dtls")
"""Protocols whose entries are no calls that a workload answers: handshakes, and payload that nobody read."""

_HTTP = re.compile(r"^[A-Z]+ /|^/")
_REDIS = re.compile(r"^([A-Z][A-Z.]* )([^\s:]*:)?(.*)$", re.DOTALL)
_SEGMENT = re.compile(r"(?<=/)(?!v\d{1,2}(?:/|$))[^/]*\d[^/]*")
_QUOTED = re.compile(r"'[^']*'?")
_SPECIAL = re.compile(r"[.$()*+?|{}^\[\]\\]")
_STATEMENTS = ("postgresql", "mysql")


def kind_of(endpoint: str, protocol: str) -> str:
    """Write an endpoint without what still varies: path segments with digits, keys behind their first part, texts."""
    if protocol == "redis":
        found = _REDIS.match(endpoint)
        return f"{found[1]}{found[2] or ''}{{}}" if found else endpoint
    if protocol in _STATEMENTS:
        return _QUOTED.sub("{}", endpoint)
    return _SEGMENT.sub("{}", endpoint) if _HTTP.match(endpoint) else endpoint


def endpoint_kinds(facts: Facts) -> Texts:
    """Give the kind of each call's endpoint (`GET /orders/{}`, `SET cart:{}`), for `facts.derived`."""
    calls = facts.calls
    if not len(calls):
        return Texts.of(())
    pairs = calls.endpoint.codes.astype(np.int64) * len(calls.protocol.values) + calls.protocol.codes
    known, inverse = distinct(pairs)
    endpoints, protocols = np.divmod(known, len(calls.protocol.values))
    names = [calls.protocol.values[code] for code in protocols]
    kinds = [kind_of(calls.endpoint.values[code], name) for code, name in zip(endpoints, names, strict=True)]
    crowded = {name for name in set(names) if len({k for k, n in zip(kinds, names, strict=True) if n == name}) > MOST}
    kinds = [_first_words(k) if n in crowded else k for k, n in zip(kinds, names, strict=True)]
    short = Texts.of(kinds)
    return Texts(short.codes[inverse], short.values)


def _first_words(kind: str) -> str:
    words = kind.split(" ")
    return kind if len(words) <= 2 else " ".join(words[:2]) + " {}"


def kind_filter(kind: str, protocol: str) -> str:
    """Select the calls of a kind by a pattern over `summary`."""
    wild = "[^/?]+" if protocol not in (*_STATEMENTS, "redis") else ".*"
    pattern = wild.join(_SPECIAL.sub(_escaped, part) for part in kind.split("{}"))
    if _HTTP.match(kind):
        return f"summary.matches({text('^' + pattern + '([?].*)?$')})"
    return f"summary.matches({text('^' + pattern + ('$' if len(kind) < LONGEST else ''))})"


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}" if found[0] in "[]^\\" else f"[{found[0]}]"
