"""Signs in to a directory over LDAP, looks one person up and leaves: a connection each time."""

from __future__ import annotations

import time

import ldap_codec as codec
from clients import CallLog, dial, ends


def person(log: CallLog, host: str, name: str, password: str, find: str, port: int = 389) -> None:
    """Bind, search for a user id, unbind; log both, and raise RuntimeError if the directory refuses."""
    with dial(host, port, 3.0) as connection, connection.makefile("rb") as stream:
        known = ends(connection)

        def ask(serial: int, operation: bytes, method: str) -> int:
            start = time.time()
            connection.sendall(codec.envelope(serial, operation))
            _, tag, content = codec.read(stream)
            while tag == codec.FOUND:
                _, tag, content = codec.read(stream)
            (_, code), *_ = codec.elements(content)
            log.write(
                t=round(start, 6), end=round(time.time(), 6), protocol="ldap", method=method, status=code[0], **known
            )
            return code[0]

        simple = codec.element(codec.BIND, codec.number(3), codec.text(name), codec.text(password, codec.SIMPLE))
        code = ask(1, simple, "bind")
        if code == codec.SUCCESS:
            code = ask(2, search(name.partition(",")[2], find), "search")
        connection.sendall(codec.envelope(3, codec.element(codec.UNBIND)))
    if code:
        raise RuntimeError(f"The directory answered with {code}.")


def search(base: str, find: str) -> bytes:
    """Write a search of the subtree below `base` for a user id."""
    equal = codec.element(codec.EQUAL, codec.text("uid"), codec.text(find))
    limits = (codec.number(0), codec.number(5), codec.element(codec.BOOLEAN, b"\0"))
    scope, never = codec.number(2, codec.ENUMERATED), codec.number(0, codec.ENUMERATED)
    wanted = codec.element(codec.SEQUENCE, codec.text("mail"))
    return codec.element(codec.SEARCH, codec.text(base), scope, never, *limits, equal, wanted)
