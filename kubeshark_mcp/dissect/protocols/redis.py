"""Redis and what speaks like it: commands paired with replies, messages of subscriptions, replication streams."""

from __future__ import annotations

import re
from typing import ClassVar

from kubeshark_mcp.dissect.base import (
    Confidence,
    Context,
    Dissector,
    HandOver,
    Opening,
    Protocol,
    Settings,
    StreamReader,
)
from kubeshark_mcp.dissect.buffer import join, piece_span
from kubeshark_mcp.dissect.conversations import Resumption
from kubeshark_mcp.dissect.redis_columns import RedisColumns
from kubeshark_mcp.dissect.redis_pairing import RedisPairing
from kubeshark_mcp.dissect.redis_reading import Readings
from kubeshark_mcp.dissect.wire_resp import (
    HELD,
    LINE_LIMIT,
    Dump,
    RespError,
    Side,
    read_command,
    read_inline,
    words_of,
)
from kubeshark_mcp.dissect.wire_resp_commands import find_command, is_reply, judge
from kubeshark_mcp.dissect.wire_resp_usual import usual_reply
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Piece

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING
_FIELDS = tuple(
    Field(name, kind, meaning, example, "Redis")
    for name, kind, meaning, example in (
        ("redis", _BOOL, "the entry is Redis", "redis"),
        (
            "redis_type",
            _STRING,
            "type of the reply (`bulk string`, `simple error`, `null`, `push` ...); `command` where none was seen",
            'redis_type == "simple error"',
        ),
        ("redis_command", _STRING, "command in upper case; kind of a message pushed", 'redis_command == "GET"'),
        ("redis_key", _STRING, "first key of the command, or its channel", 'redis_key.startsWith("cart:")'),
        ("redis_arguments", _INT, "how many arguments follow the command's name", "redis_arguments > 100"),
        ("redis_error", _STRING, "text of an error reply", 'redis_error.startsWith("WRONGTYPE")'),
        ("redis_truncated", _BOOL, "a message was longer than what is kept of it", "redis && redis_truncated"),
        ("redis_request_size", _INT, "bytes of the command", "redis_request_size > 1000000"),
        ("redis_response_size", _INT, "bytes of the reply", "redis_response_size > 1000000"),
        ("redis_total_size", _INT, "bytes of command and reply", "redis_total_size > 1000000"),
    )
)
_NAME = re.compile(rb"[A-Za-z][\w.:|-]{0,63}")


class RedisDissector(Dissector):
    """Takes messages out of both directions; a long one is walked through without being kept."""

    def __init__(self, context: Context, readings: Readings) -> None:
        super().__init__(context)
        self._readings = readings
        self._sides = (Side(Direction.CLIENT), Side(Direction.SERVER))
        for side in self._sides:
            side.lost = not context.connection.from_start
        self._pairing = RedisPairing(context)
        self._arrays = self._inline = self._broken = False
        self._last, self._last_ns = Direction.CLIENT, 0

    def resume(self, resumption: Resumption) -> None:
        """Begin between messages that were read elsewhere."""
        client, server = self._sides
        client.lost, server.lost = False, not resumption.answers
        self._arrays = True
        self._pairing.pipelined = resumption.pipelined

    def on_piece(self, piece: Piece) -> None:
        """Take the messages that end in this piece."""
        side = self._sides[piece.direction]
        start = 0
        if self._pairing.adrift:
            self._notice(piece)
        self._last, self._last_ns = piece.direction, piece.times[-1]
        if side.lost:
            start = self._resume(piece)
            if start < 0:
                return
            side.lost = False
        elif not (side.remaining or len(side.buffer)):
            start = self._ask(piece) if piece.direction is Direction.CLIENT else self._answer(piece)
            if start == len(piece.data):
                return
        side.buffer.append(piece)
        data = side.buffer.data
        try:
            start = self._read(piece.direction, side, data, start)
            start = side.drop(data, start)
        except RespError as error:
            self._lose(piece.direction, side, data, error)
            start = len(data)
        del data
        side.buffer.consume(start)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Find the next message at the beginning of a packet. Replies that are missing leave their commands alone."""
        side, dump = self._sides[direction], self._pairing.dump
        self._broken = True
        if direction is Direction.SERVER and dump is not None and (dump.mark or dump.left >= length):
            dump.left -= 0 if dump.mark else length
            return
        self._end(direction, f"{length} bytes are missing behind them")
        side.lost = True
        self._pairing.lose()

    def on_close(self, closing: Closing) -> None:
        """Emit what waits, and messages that never ended."""
        why = "the capture ends" if closing.how == "end" else "the connection ends"
        self._end(Direction.CLIENT, why)
        self._end(Direction.SERVER, why)
        self._pairing.flush()

    def _ask(self, piece: Piece) -> int:
        """Read the usual commands at the beginning of a piece, on a way without detours; give where they end."""
        take, start = self._pairing.take, 0
        for asked, body in self._readings.read(piece.data):
            self._arrays = True
            after = start + len(body)
            take(Direction.CLIENT, asked, piece_span(piece, start, after), body)
            start = after
        return start

    def _answer(self, piece: Piece) -> int:
        """Read the usual replies at the beginning of a piece likewise."""
        pairing, data = self._pairing, piece.data
        start, end = 0, len(data)
        if pairing.dump is not None or pairing.replica:
            return 0
        while start < end:
            reply_type, after = usual_reply(data, start)
            if not 0 < after - start <= HELD:
                break
            if not pairing.answer_usual(reply_type, piece_span(piece, start, after), data[start:after]):
                break
            start = after
        return start

    def _notice(self, piece: Piece) -> None:
        """See whether the client speaks when all replies are in: behind them, or after a silence."""
        if piece.direction is Direction.CLIENT and not piece.gap:
            server = self._sides[Direction.SERVER]
            whole = self._last is Direction.SERVER and (server.lost or not len(server.buffer))
            self._pairing.settle(whole_replies=whole, quiet_ns=piece.times[0] - self._last_ns)

    def _resume(self, piece: Piece) -> int:
        """Give where a message begins in a piece behind bytes that were not read; -1 when none does."""
        if piece.direction is Direction.SERVER:
            return 0 if is_reply(piece.data) else -1
        inline = self._inline or not (self._arrays or self._broken)
        return find_command(piece.data, inline=inline)

    def _read(self, direction: Direction, side: Side, data: bytes, start: int) -> int:
        """Read all whole messages; give where the first unfinished one begins. Raises RespError."""
        pairing = self._pairing
        client = direction is Direction.CLIENT
        end = len(data)
        while start < end:
            side.begin = start
            if side.remaining:
                after = self._walk(direction, side, data, start)
            elif not client and (pairing.dump is not None or pairing.begins_dump(data[start])):
                after = self._read_dump(side, data, start)
            elif data[start] in b"\r\n":
                after = start + 1
            elif client or pairing.replica:
                after = self._read_command(direction, side, data, start)
            else:
                after = self._walk(direction, side, data, start)
            if after < 0:
                break
            start = after
        return start

    def _walk(self, direction: Direction, side: Side, data: bytes, start: int) -> int:
        message = side.walk(data, start)
        if message is None:
            return -1
        after = side.position
        side.forget()
        if direction is Direction.CLIENT or self._pairing.replica:
            self._pairing.ask(direction, words_of(message.body), message.span, message.body)
        else:
            self._pairing.answer(message)
        return after

    def _read_command(self, direction: Direction, side: Side, data: bytes, start: int) -> int:
        if data[start] == 0x2A:
            self._arrays = True
            found = read_command(data, start)
            if found is None:
                return self._walk(direction, side, data, start)
            command, after = found
        else:
            after = data.find(b"\n", start, start + LINE_LIMIT) + 1
            if not after:
                if len(data) - start >= LINE_LIMIT:
                    raise RespError(f"a line is longer than {LINE_LIMIT} bytes", start)
                return -1
            self._inline = not self._arrays
            command = read_inline(data[start:after].rstrip())
            if command[0] and not _NAME.fullmatch(command[0][0]):
                raise RespError("no command begins", start)
        span = side.buffer.span(start, after)
        self._pairing.ask(direction, command, span, data[start : min(after, start + HELD)])
        return after

    def _read_dump(self, side: Side, data: bytes, start: int) -> int:
        """Pass over a database; a master sends empty lines while it prepares one."""
        dump = self._pairing.dump or Dump()
        if dump.span is None and data[start] in b"\r\n":
            return start + 1
        end = dump.walk(data, start)
        if end > start:
            span = side.buffer.span(start, end)
            dump.span = span if dump.span is None else join(dump.span, span)
        if dump.left == 0:
            self._pairing.end_dump(dump)
        return end

    def _lose(self, direction: Direction, side: Side, data: bytes, error: RespError) -> None:
        """Emit what cannot be read, and wait for a packet that begins with a message."""
        where = side.buffer.offset + error.position
        message = side.take(data, side.begin, len(data))
        self._pairing.unread(message, direction, f"{error} at byte {where} of the stream")
        side.forget()
        side.lost = self._broken = True
        self._pairing.lose()

    def _end(self, direction: Direction, why: str) -> None:
        """Emit the message that is unfinished and stays so."""
        side = self._sides[direction]
        message = side.unfinished()
        if message is not None:
            self._pairing.unread(message, direction, f"{message.size} bytes of the message were seen: {why}")
        side.buffer.clear()
        side.forget()


class Redis(Protocol):
    """Redis, Valkey, KeyDB, Dragonfly: commands and replies in RESP2 and RESP3."""

    name: ClassVar[str] = "redis"
    title: ClassVar[str] = "Redis"
    aliases: ClassVar[frozenset[str]] = frozenset({"resp"})
    specification: ClassVar[str] = "RESP2 and RESP3 (Redis serialization protocol specification)"
    ports: ClassVar[frozenset[int]] = frozenset({6379})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def probe(self, opening: Opening) -> Confidence:
        """Look for a command as an array of bulk strings, or for known words with replies of the right form."""
        return judge(opening)

    def __init__(self) -> None:
        self._readings = Readings()

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return RedisDissector(context, self._readings)

    def adopt(self, context: Context, hand_over: HandOver) -> Dissector:
        """Go on with a connection that was read as columns until now."""
        dissector = RedisDissector(context, self._readings)
        if isinstance(hand_over, Resumption):
            dissector.resume(hand_over)
        return dissector

    def stream_columns(self, settings: Settings) -> StreamReader | None:
        """Give what reads connections of commands and replies as columns."""
        return RedisColumns(settings.body_limit)
