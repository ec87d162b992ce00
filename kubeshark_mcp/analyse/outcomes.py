"""What a status means, whatever the protocol: a fault of the server, a refusal, a limit, or everyday life."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.analyse.columns import distinct
from kubeshark_mcp.analyse.facts import Facts


class Outcome(IntEnum):
    """How a call ended.

    FINE: answered, or refused as servers refuse every day (404, NXDOMAIN, a unique key). FAULT: the server could not.
    STATEMENT: the server could not with what it was asked (400, an SQL syntax error): news only where it is a change.
    LIMIT: too many requests. AUTHENTICATION: not accepted. DEADLINE: given up when the client's time was over.
    CACHE: a store that refuses to store or serve (OOM, READONLY, LOADING). LOCK: a lock was not got in time, or a
    deadlock. CONNECTIONS: no connection left. SIZE: too large. NONE: no answer.
    """

    FINE = 0
    FAULT = 1
    STATEMENT = 2
    LIMIT = 3
    AUTHENTICATION = 4
    DEADLINE = 5
    CACHE = 6
    LOCK = 7
    CONNECTIONS = 8
    SIZE = 9
    NONE = 10


_O = Outcome
_GRPC = {
    _O.FAULT: ("UNKNOWN", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "ABORTED", "UNIMPLEMENTED", "INTERNAL_ERROR"),
    _O.STATEMENT: ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"),
    _O.LIMIT: ("RESOURCE_EXHAUSTED", "ENHANCE_YOUR_CALM"),
    _O.AUTHENTICATION: ("PERMISSION_DENIED", "UNAUTHENTICATED"),
    _O.DEADLINE: ("DEADLINE_EXCEEDED", "deadline exceeded"),
}
_HTTP = {
    "401": _O.AUTHENTICATION, "403": _O.AUTHENTICATION, "407": _O.AUTHENTICATION, "429": _O.LIMIT,
    "413": _O.SIZE, "431": _O.SIZE, "414": _O.SIZE, "400": _O.STATEMENT, "405": _O.STATEMENT, "406": _O.STATEMENT,
    "415": _O.STATEMENT, "422": _O.STATEMENT, "426": _O.STATEMENT,
}  # fmt: skip
_SQLSTATES = {
    "42501": _O.AUTHENTICATION, "40P01": _O.LOCK, "55P03": _O.LOCK, "40001": _O.LOCK, "1205": _O.LOCK,
    "1213": _O.LOCK, "53300": _O.CONNECTIONS, "08004": _O.CONNECTIONS, "1040": _O.CONNECTIONS,
    "1203": _O.CONNECTIONS, "23505": _O.FINE, "00000": _O.FINE,
}  # fmt: skip
_CLASSES = {
    "28": _O.AUTHENTICATION, "42": _O.STATEMENT, "22": _O.STATEMENT, "23": _O.STATEMENT, "25": _O.STATEMENT,
    "26": _O.STATEMENT, "34": _O.STATEMENT,
}  # fmt: skip
_REDIS = {
    "OOM": _O.CACHE, "READONLY": _O.CACHE, "LOADING": _O.CACHE, "MISCONF": _O.CACHE, "MASTERDOWN": _O.CACHE,
    "CLUSTERDOWN": _O.CACHE, "NOREPLICAS": _O.CACHE, "BUSY": _O.CACHE, "NOAUTH": _O.AUTHENTICATION,
    "WRONGPASS": _O.AUTHENTICATION, "NOPERM": _O.AUTHENTICATION, "MOVED": _O.FINE, "ASK": _O.FINE,
    "NOSCRIPT": _O.FINE,
}  # fmt: skip
_STATUS_OF_GRPC = {name: outcome for outcome, names in _GRPC.items() for name in names}
_EVERYDAY = ("dns", "tls", "dtls", "icmp", "tcp", "udp", "sctp", "ws")
"""Protocols whose failures others look after."""


def outcome_of(status: str, protocol: str, failed: bool) -> Outcome:
    """Judge one status of an answered call."""
    if protocol in ("http", "http2"):
        if status in _STATUS_OF_GRPC:
            return _STATUS_OF_GRPC[status]
        return _O.FAULT if status[:1] == "5" and len(status) == 3 else _HTTP.get(status, _O.FINE)
    if not failed or protocol in _EVERYDAY:
        return _O.FINE
    if protocol == "redis":
        return _REDIS.get(status, _O.STATEMENT)
    if protocol in ("postgresql", "mysql"):
        return _SQLSTATES.get(status, _CLASSES.get(status[:2], _O.FAULT))
    return _O.AUTHENTICATION if "credentials" in status.lower() else _O.STATEMENT


def outcomes(facts: Facts) -> NDArray[np.int8]:
    """Give the outcome of each call, for `facts.derived`."""
    calls = facts.calls
    if not len(calls):
        return np.zeros(0, np.int8)
    size = len(calls.protocol.values)
    known, inverse = distinct((calls.status.codes.astype(np.int64) * size + calls.protocol.codes) * 2 + calls.failed)
    judged = [
        outcome_of(calls.status.values[one // 2 // size], calls.protocol.values[one // 2 % size], bool(one % 2))
        for one in known.tolist()
    ]
    found = np.array(judged, np.int8)[inverse]
    # A gRPC call that was given up at its deadline has no answer but a status of its own.
    unanswered = ~calls.answered & (found != _O.DEADLINE)
    found[unanswered] = _O.NONE
    return found
