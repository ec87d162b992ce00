"""The replies on many connections, cut out of the bytes of their servers."""

from __future__ import annotations

from dataclasses import dataclass

from kubeshark_mcp.dissect.conversations import Notes
from kubeshark_mcp.dissect.wire_resp import HELD, REPLY_TYPES, RespError, read_reply, scan
from kubeshark_mcp.dissect.wire_resp_usual import usual_reply


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reply says of its command. error: its text where it failed."""

    type: str
    error: str = ""
    failed: bool = False

    @property
    def status(self) -> str:
        """Give the status of the entry: the first word of an error."""
        return (self.error.split(" ", 1)[0] or "ERR") if self.failed else "OK"


_USUAL = [Outcome(name) for name in ("null", *REPLY_TYPES.values())]
_CODES = {outcome.type: code for code, outcome in enumerate(_USUAL)}
_UNASKED = b">|"
"""First bytes of what is no reply to a command alone: a push; an attribute, which stands before another value."""


class Replies:
    """Collects the replies of a block. outcomes: what each code says."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.outcomes = list(_USUAL)
        self._errors: dict[tuple[str, str], int] = {}

    def read(self, connection: int, data: bytes, begin: int, end: int) -> int:
        """Read the replies in data[begin:end]; give where the first unfinished one begins, -1 if one is unusual."""
        self.notes.begin(connection, begin)
        chunk, ends, codes = data[begin:end], self.notes.ends, self.notes.codes
        position, length = 0, end - begin
        while position < length:
            reply_type, after = usual_reply(chunk, position)
            if after:
                code = _CODES[reply_type]
            else:
                code, after = self._unusual(chunk, position)
                if code < 0:
                    return -1
                if not after:
                    break
            if after - position > HELD:
                return -1
            ends.append(begin + after)
            codes.append(code)
            position = after
        return begin + position

    def _unusual(self, chunk: bytes, position: int) -> tuple[int, int]:
        """Read an error or a rarer type; gives its code, -1 if it is for a dissector, and its end, 0 if unfinished."""
        if chunk[position] in _UNASKED:
            return -1, 0
        try:
            after, remaining, _ = scan(chunk, position, 1, 0)
            if remaining:
                return 0, 0
            reply = read_reply(chunk[position : min(after, position + HELD)])
        except RespError:
            return -1, 0
        if not reply.type.endswith("error"):
            return _CODES.get(reply.type, -1), after
        code = self._errors.setdefault((reply.type, reply.error), len(self.outcomes))
        if code == len(self.outcomes):
            self.outcomes.append(Outcome(reply.type, reply.error, failed=True))
        return code, after
