"""What a service does to answer a call, as data: lists of these are the routes of a workload.

In texts, `{n}` is the number at the end of the caller's path, `{tail}` its last part, `{id}` the call's id. Common
options: `share` (of the calls that do this step), `times`, `otherwise` (status of the answer if the step fails; 0: go
on without it), and for steps that ask a server `pool` (connections at most), `wait` (seconds for a free one),
`timeout` (seconds), `reuse` (calls before a new connection).
"""

from __future__ import annotations

from typing import Any

Step = dict[str, Any]


def work(seconds: float, **more: Any) -> Step:
    """Take time: 60 to 140 % of `seconds`, without using the processor."""
    return {"do": "work", "seconds": seconds, **more}


def answer(status: int = 200, size: int = 60, headers: dict[str, str] | None = None, **more: Any) -> Step:
    """Say what the answer will be: its status, and how many bytes its body has. now: end the call here."""
    return {"do": "answer", "status": status, "bytes": size, "headers": headers or {}, **more}


def guard(**more: Any) -> Step:
    """End calls without a bearer token with 401."""
    return {"do": "guard", **more}


def known(up_to: int, **more: Any) -> Step:
    """End calls whose number is higher with 404."""
    return {"do": "known", "up_to": up_to, **more}


def http(host: str, path: str, method: str = "GET", **more: Any) -> Step:
    """Ask another service.

    retries and backoff (seconds): after no answer or 5xx; send: bytes of a body; token: a bearer token; tls: HTTPS,
    verified with the lab's authority; pass_on: a 4xx ends the call with the same status.
    """
    return {"do": "http", "host": host, "path": path, "method": method, **more}


def sql(host: str, text: str, **more: Any) -> Step:
    """Run a statement on PostgreSQL; user, password and database where they are not `app`."""
    return {"do": "sql", "host": host, "text": text, **more}


def prepared(host: str, text: str, *arguments: str, **more: Any) -> Step:
    """Run a statement with `$1`, `$2`, ... by PostgreSQL's extended protocol, prepared once on each connection."""
    return {"do": "prepared", "host": host, "text": text, "arguments": list(arguments), **more}


def bind(host: str, name: str, password: str, find: str, **more: Any) -> Step:
    """Sign in to a directory (LDAP) under a distinguished name and look somebody up."""
    return {"do": "bind", "host": host, "name": name, "password": password, "find": find, **more}


def redis(host: str, *command: str | int, **more: Any) -> Step:
    """Give Redis a command."""
    return {"do": "redis", "host": host, "command": list(command), **more}


def cached(host: str, key: str, inner: Step, expiry: int, **more: Any) -> Step:
    """Ask Redis for a key; if it is not there or Redis fails, do `inner` and store the result for `expiry` seconds."""
    return {"do": "cached", "host": host, "key": key, "inner": inner, "expiry": expiry, **more}


def grpc(host: str, method: str, deadline: float = 2.0, **more: Any) -> Step:
    """Call a gRPC method (`/package.Service/Method`) with a deadline in seconds."""
    return {"do": "grpc", "host": host, "method": method, "deadline": deadline, **more}


def lookup(name: str, **more: Any) -> Step:
    """Look a name up, with the search domains."""
    return {"do": "lookup", "name": name, **more}


def ask_names(under: str, size: int, **more: Any) -> Step:
    """Ask the resolver for a name below `under` that carries so many bytes; type: `TXT` or `A`."""
    return {"do": "ask_names", "under": under, "bytes": size, **more}


def connect(addresses: list[str], ports: list[int], **more: Any) -> Step:
    """Open a connection to each port of each address; timeout and pause in seconds."""
    return {"do": "connect", "addresses": addresses, "ports": ports, **more}


def agree(first: str, second: str, key: str, **more: Any) -> Step:
    """Ask two Redis servers for a key; other values end the call with 409."""
    return {"do": "agree", "hosts": [first, second], "host": first, "key": key, **more}


def publish(host: str, queue: str, text: str, **more: Any) -> Step:
    """Publish a message to a queue of an AMQP broker."""
    return {"do": "publish", "host": host, "queue": queue, "text": text, **more}
