"""A directory of people over LDAP: simple binds and searches by user id. Settings: `port`, `users`.

users: distinguished names and passwords, read anew when they change; everybody who is looked up is there.
"""

from __future__ import annotations

import contextlib
import socketserver

import ldap_codec as codec
from settings import Settings

SETTINGS = Settings()


class Handler(socketserver.StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer until the client leaves."""
        with contextlib.suppress(EOFError, OSError, ValueError, IndexError):
            while True:
                serial, tag, content = codec.read(self.rfile)
                if tag == codec.UNBIND:
                    return
                for answer in answers(tag, content):
                    self.wfile.write(codec.envelope(serial, answer))


def answers(tag: int, content: bytes) -> list[bytes]:
    """Answer a bind or a search."""
    if tag == codec.BIND:
        _, (_, name), (_, password) = codec.elements(content)
        if SETTINGS.read()["users"].get(name.decode()) == password.decode():
            return [codec.result(codec.BOUND, codec.SUCCESS)]
        return [codec.result(codec.BOUND, codec.INVALID_CREDENTIALS, "")]
    base, *_ = [part for kind, part in codec.elements(content) if kind == codec.OCTETS]
    (condition,) = [part for kind, part in codec.elements(content) if kind == codec.EQUAL]
    _, (_, find) = codec.elements(condition)
    mail = codec.element(0x31, codec.text(f"{find.decode()}@mail.example"))
    entry = codec.element(codec.SEQUENCE, codec.element(codec.SEQUENCE, codec.text("mail"), mail))
    named = codec.text(f"uid={find.decode()},{base.decode()}")
    return [codec.element(codec.FOUND, named, entry), codec.result(codec.DONE, codec.SUCCESS)]


if __name__ == "__main__":
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer.daemon_threads = True
    socketserver.ThreadingTCPServer(("0.0.0.0", SETTINGS.read()["port"]), Handler).serve_forever()
