"""What Redis commands say: read once, remembered by their bytes, because clients say the same again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubeshark_mcp.dissect.wire_resp import Command, text
from kubeshark_mcp.dissect.wire_resp_commands import CONTAINERS, KEY_FIRST, key_of
from kubeshark_mcp.dissect.wire_resp_usual import usual_commands

REMEMBERED = 4096
"""Commands that are remembered."""
REMEMBERED_BYTES = 256
"""Bytes of the longest command that is remembered."""


_KEY_BEHIND = {spelt.encode(): name for name in KEY_FIRST for spelt in (name, name.lower())}
"""Usual spellings of the commands whose key is their first argument -> their names."""


@dataclass(slots=True)
class Asked:
    """What a command says. name: in upper case. key: first key, or channel. arguments: how many follow the name."""

    words: list[bytes]
    name: str
    key: str
    arguments: int
    summary: str


def read_asked(command: Command) -> Asked:
    """Say what a command says that has at least one word."""
    words, arguments = command
    name = _KEY_BEHIND.get(words[0])
    if name is not None and len(words) > 1:
        key = text(words[1])
        return Asked(words, name, key, arguments, f"{name} {key}" if key else name)
    name = words[0].decode("ascii", "backslashreplace").upper()
    key = key_of(name, words)
    summary = f"{name} {key}" if key else name
    if name in CONTAINERS and len(words) > 1:
        summary = " ".join((name, text(words[1]).upper(), key)).rstrip()
    return Asked(words, name, key, arguments, summary)


class Readings:
    """Reads usual commands (see `usual_commands`); shared by all connections."""

    def __init__(self) -> None:
        self._known: dict[bytes, Asked] = {}

    def read(self, data: bytes) -> Iterator[tuple[Asked, bytes]]:
        """Read the usual commands at the beginning of some bytes; give what each one says, and its own bytes."""
        known = self._known.get(data)
        if known is not None:
            yield known, data
            return
        start = 0
        for command, after in usual_commands(data):
            body = data[start:after]
            start = after
            yield self.asked(body, command), body

    def asked(self, body: bytes, command: Command) -> Asked:
        """Say what a command says that has these bytes, and at least one word."""
        asked = self._known.get(body)
        if asked is None:
            asked = read_asked(command)
            self._remember(body, asked)
        return asked

    def _remember(self, body: bytes, asked: Asked) -> None:
        if len(body) <= REMEMBERED_BYTES:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[body] = asked
