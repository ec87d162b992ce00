"""The commands of many connections, cut out of the bytes of their clients."""

from __future__ import annotations

from kubeshark_mcp.dissect.conversations import Notes
from kubeshark_mcp.dissect.redis_pairing import UNUSUAL
from kubeshark_mcp.dissect.redis_reading import REMEMBERED_BYTES, Asked, read_asked
from kubeshark_mcp.dissect.wire_resp import HELD, RespError, read_command
from kubeshark_mcp.dissect.wire_resp_usual import COUNTS, fit


class Commands:
    """Collects the commands of a block. asked: what each code says."""

    def __init__(self) -> None:
        self.notes = Notes()
        self.asked: list[Asked] = []
        self._codes: dict[bytes, int] = {}

    def read(self, connection: int, data: bytes, begin: int, end: int) -> int:
        """Read the commands in data[begin:end]; give where the first unfinished one begins, -1 if one is unusual."""
        chunk = data[begin:end]
        self.notes.begin(connection, begin)
        position = self._flat(chunk, begin)
        if 0 <= position < len(chunk):
            position = self._careful(chunk, begin, position)
        return position if position < 0 else begin + position

    def _flat(self, chunk: bytes, base: int) -> int:
        """Read commands in whose words no line ends: one split finds all parts of all of them."""
        tokens = chunk.split(b"\r\n")
        codes, ends, noted = self._codes, self.notes.ends, self.notes.codes
        first = position = 0
        while count := COUNTS.get(tokens[first]):
            behind = first + 1 + 2 * count
            if behind >= len(tokens):
                break
            after = position + sum(map(len, tokens[first:behind])) + 2 * (behind - first)
            body = chunk[position:after]
            code = codes.get(body, -1)
            if code < 0:
                words = tokens[first + 2 : behind : 2]
                if not fit(tokens[first + 1 : behind : 2], words):
                    break
                code = self._code(body, words, count - 1)
                if code < 0:
                    return -1
            ends.append(base + after)
            noted.append(code)
            position, first = after, behind
        return position

    def _careful(self, chunk: bytes, base: int, position: int) -> int:
        """Read on one command after the other."""
        while position < len(chunk):
            if chunk[position] != 0x2A:
                return -1
            try:
                found = read_command(chunk, position)
            except RespError:
                return -1
            if found is None:
                break
            (words, arguments), after = found
            code = self._code(chunk[position:after], words, arguments)
            if code < 0:
                return -1
            self.notes.ends.append(base + after)
            self.notes.codes.append(code)
            position = after
        return position

    def _code(self, body: bytes, words: list[bytes], arguments: int) -> int:
        """Give the code of a command, -1 of an unusual one: its reply would be more than an outcome."""
        code = self._codes.get(body, -1)
        if code >= 0:
            return code
        if not words or len(body) > HELD:
            return -1
        asked = read_asked((words, arguments))
        if asked.name in UNUSUAL or (
            asked.name == "CLIENT" and asked.words[1:2] and asked.words[1].upper() == b"REPLY"
        ):
            return -1
        code = len(self.asked)
        self.asked.append(asked)
        if len(body) <= REMEMBERED_BYTES:
            self._codes[body] = code
        return code
