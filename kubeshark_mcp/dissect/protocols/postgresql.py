"""PostgreSQL and what speaks like it: simple and extended queries, pipelines, COPY, replication, notifications."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct, unpack_from
from typing import ClassVar, NamedTuple

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Protocol
from kubeshark_mcp.dissect.frames import HELD, Frame, FrameError, FrameSide
from kubeshark_mcp.dissect.postgresql_answers import Answers
from kubeshark_mcp.dissect.postgresql_pairing import Conversation
from kubeshark_mcp.dissect.postgresql_requests import Requests
from kubeshark_mcp.dissect.sql_text import Phrasebook
from kubeshark_mcp.dissect.wire_postgresql import (
    CLIENT_KINDS,
    LONGEST,
    SERVER_KINDS,
    STARTUP_LONGEST,
)
from kubeshark_mcp.dissect.wire_postgresql_probe import find_message, judge, judge_start
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Piece

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING
_FIELDS = tuple(
    Field(f"postgresql{name}", kind, meaning, example, "PostgreSQL", tuple(aliases))
    for name, kind, meaning, example, *aliases in (
        ("", _BOOL, "the entry is PostgreSQL", "postgresql", "postgres", "pgsql", "pg"),
        (
            "_command",
            _STRING,
            "first keyword of the SQL statement in upper case; of other requests the message's name "
            "(`StartupMessage`, `SSLRequest`, `CancelRequest`, `Terminate`, `Parse` of a statement never executed)",
            'postgresql_command == "SELECT"',
        ),
        (
            "_query",
            _STRING,
            "text of the SQL statement; of a prepared one that which was prepared under its name",
            'postgresql_query.contains("orders")',
            "postgres_query",
            "pg_query",
            "pgsql.query",
        ),
        ("_database", _STRING, "database of the session", 'postgresql_database == "shop"'),
        ("_user", _STRING, "user of the session", 'postgresql_user == "app"'),
        ("_request_size", _INT, "bytes of the request's messages", "postgresql_request_size > 1000000"),
        ("_response_size", _INT, "bytes of the answer's messages", "postgresql_response_size > 1000000"),
        ("_total_size", _INT, "bytes of request and answer", "postgresql_total_size > 1000000"),
        (
            "_success",
            _BOOL,
            "the request was answered without an error, or needs no answer",
            "postgresql && !postgresql_success",
        ),
        ("_error_code", _STRING, "SQLSTATE of the error", 'postgresql_error_code == "53300"', "sqlstate"),
        (
            "_error_message",
            _STRING,
            "primary message of the error",
            'postgresql_error_message.contains("too many")',
        ),
        ("_error_severity", _STRING, "`ERROR`, `FATAL` or `PANIC`", 'postgresql_error_severity == "FATAL"'),
        ("_tag", _STRING, "what the server says it did; several with `; `", 'postgresql_tag == "UPDATE 0"'),
        ("_rows", _INT, "rows that were returned", "postgresql_rows > 10000"),
        ("_rows_affected", _INT, "rows inserted, updated, deleted, merged, copied", "postgresql_rows_affected > 1000"),
        ("_columns", _INT, "columns of the rows that were returned", "postgresql_columns > 50"),
        (
            "_transaction",
            _STRING,
            "state behind the answer: `idle`, `in transaction` or `failed transaction`",
            'postgresql_transaction == "failed transaction"',
        ),
        ("_statement", _STRING, "name of the prepared statement", 'postgresql_statement == "S_1"'),
        (
            "_statement_unknown",
            _BOOL,
            "the statement was prepared before the capture began, so its text is not known",
            "postgresql_statement_unknown",
        ),
        ("_parameters", _INT, "values bound to the statement", "postgresql_parameters > 1000"),
        ("_auth", _STRING, "authentication method of the login", 'postgresql_auth == "MD5"'),
        ("_application_name", _STRING, "application name of the session", 'postgresql_application_name == "psql"'),
        ("_server_version", _STRING, "server version, on a login", 'postgresql_server_version.startsWith("13")'),
        ("_process_id", _INT, "server process of the session, or the one to cancel", "postgresql_process_id == 2957"),
        ("_channel", _STRING, "channel of a notification", 'postgresql_channel == "jobs"'),
        ("_notice", _STRING, "first notice or warning in the answer", 'postgresql_notice.contains("skipping")'),
        ("_copy_messages", _INT, "messages of data copied in or out", "postgresql_copy_messages > 100000"),
        ("_copy_bytes", _INT, "bytes of data copied in or out", "postgresql_copy_bytes > 100000000"),
        ("_truncated", _BOOL, "the request was longer than what is kept of it", "postgresql && postgresql_truncated"),
    )
)


_read_header = Struct(">BI").unpack_from


class _Listener(NamedTuple):
    """Who hears one direction. kinds: its messages. runs: those of which many are counted at once."""

    kinds: frozenset[int]
    runs: frozenset[int]
    take: Callable[[Frame], None]
    run: Callable[[Frame, int, int], None]


class PostgresqlDissector(Dissector):
    """Cuts both directions into messages; rows and copied data are counted without a look at each."""

    def __init__(self, context: Context, phrases: Phrasebook) -> None:
        super().__init__(context)
        self._sides = (FrameSide(Direction.CLIENT), FrameSide(Direction.SERVER))
        for side in self._sides:
            side.lost = not context.connection.from_start
        self._conversation = Conversation(context, phrases)
        self._requests = Requests(self._conversation)
        self._answers = Answers(self._conversation)
        self._listeners = (
            _Listener(CLIENT_KINDS, frozenset(b"d"), self._requests.take, self._requests.copy),
            _Listener(SERVER_KINDS, frozenset(b"Dd"), self._answers.take, self._answers.rows),
        )
        self._last_ns = 0

    def on_piece(self, piece: Piece) -> None:
        """Take the messages that end in this piece."""
        side = self._sides[piece.direction]
        client = piece.direction is Direction.CLIENT
        if client and self._conversation.adrift and not piece.gap:
            self._conversation.settle(quiet_ns=piece.times[0] - self._last_ns)
        self._last_ns = piece.times[-1]
        side.buffer.append(piece)
        data = side.buffer.data
        try:
            start = self._resume(piece, side, data) if side.lost else 0
            start = self._read(piece.direction, side, data, start)
        except FrameError as error:
            self._lose(piece.direction, side, data, error)
            start = len(data)
        del data
        side.consume(start)
        if self._conversation.encrypted:
            rest = [piece for side in self._sides for piece in side.buffer.rest()]
            self.hand_over = HandOver("", rest)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Wait for the next message that can be told from its bytes."""
        side = self._sides[direction]
        frame = side.unfinished()
        if frame is not None:
            why = f"{frame.size} bytes of the message were seen, {length} are missing behind them"
            self._conversation.unread(frame, direction, why)
        side.lost = True
        self._conversation.lose()

    def on_close(self, closing: Closing) -> None:
        """Emit what waits, and messages that never ended."""
        why = "the capture ends" if closing.how == "end" else "the connection ends"
        for direction in Direction:
            frame = self._sides[direction].unfinished()
            if frame is not None:
                self._conversation.unread(frame, direction, f"{frame.size} bytes of the message were seen: {why}")
        self._conversation.flush()

    def _resume(self, piece: Piece, side: FrameSide, data: bytes) -> int:
        """Give where the first message begins behind bytes that were not seen; behind all where none does."""
        untyped = piece.direction is Direction.CLIENT and not self._requests.typed
        if untyped and judge_start(data) >= Confidence.LIKELY:
            start = 0
            self._sides[Direction.SERVER].lost = False  # its answer is the first that it says
        else:
            start = find_message(piece.direction, data, piece.starts)
        side.lost = start < 0
        return start if start >= 0 else len(data)

    def _read(self, direction: Direction, side: FrameSide, data: bytes, start: int) -> int:
        """Take all whole messages; give where the first unfinished one begins. Raises FrameError."""
        listener = self._listeners[direction]
        if side.left:
            start, frame = side.go_on(data)
            if frame is not None and frame.body[0] in listener.runs:
                listener.run(frame, 1, frame.body[0])
            elif frame is not None:
                listener.take(frame)
        elif direction is Direction.CLIENT and not self._requests.typed:
            start = self._read_start(side, data, start)
            if not self._requests.typed:
                return start
        elif direction is Direction.SERVER and self._conversation.negotiates:
            start = self._read_negotiation(side, data, start)
        return start if side.left else self._read_kinds(listener, side, data, start)

    def _read_start(self, side: FrameSide, data: bytes, start: int) -> int:
        """Take the messages of a client that lack a kind; their length makes the first byte zero, a kind is never."""
        if start < len(data) and data[start]:
            self._requests.typed = True
        while not self._requests.typed and len(data) - start >= 8:
            size = unpack_from(">I", data, start)[0]
            if not 8 <= size <= STARTUP_LONGEST:
                raise FrameError(f"{size} is no length of a message that begins a session", start)
            if start + size > len(data):
                break
            self._requests.begin(side.whole(data, start, start + size))
            start += size
        return start

    def _read_negotiation(self, side: FrameSide, data: bytes, start: int) -> int:
        """Take single bytes that answer requests for encryption."""
        conversation = self._conversation
        while conversation.negotiates and not conversation.encrypted and data[start : start + 1] in {b"S", b"N", b"G"}:
            conversation.encrypted = self._answers.negotiated(side.whole(data, start, start + 1))
            start += 1
        return start

    def _read_kinds(self, listener: _Listener, side: FrameSide, data: bytes, start: int) -> int:
        """Take messages that have a kind."""
        if self._conversation.encrypted:
            return start
        kinds, runs, take, run = listener
        end, base = len(data), side.buffer.offset
        while end - start >= 5:
            kind, size = _read_header(data, start)
            if kind not in kinds or not 4 <= size <= LONGEST:
                raise FrameError(f"no message begins with 0x{data[start : start + 5].hex()}", start)
            after = start + 1 + size
            if after > end:
                return side.wait(data, start, 1 + size)
            if kind in runs:
                after, count = _count_run(data, start)
                run(side.run(start, after), count, kind)
            elif size < HELD:
                take(Frame(data[start:after], None, 1 + size, side, base + start))
            else:
                take(side.whole(data, start, after))
            start = after
        return start

    def _lose(self, direction: Direction, side: FrameSide, data: bytes, error: FrameError) -> None:
        """Emit what cannot be read, and wait for a message that can be told from its bytes."""
        frame = side.whole(data, error.position, len(data))
        why = f"{error} at byte {frame.offset} of the stream"
        self._conversation.unread(frame, direction, why)
        side.forget()
        side.lost = True
        self._requests.typed = True
        self._conversation.lose()


def _count_run(data: bytes, start: int) -> tuple[int, int]:
    """Give where messages of one kind that lie behind each other end, and how many there are; the first is whole."""
    first, size = _read_header(data, start)
    after, count, end = start + 1 + size, 1, len(data)
    while after + 5 <= end:
        kind, size = _read_header(data, after)
        if kind != first or size < 4 or after + 1 + size > end:
            break
        after, count = after + 1 + size, count + 1
    return after, count


class Postgresql(Protocol):
    """PostgreSQL, CockroachDB, Redshift, Greenplum, pgbouncer: version 3 of the frontend/backend protocol."""

    name: ClassVar[str] = "postgresql"
    title: ClassVar[str] = "PostgreSQL"
    aliases: ClassVar[frozenset[str]] = frozenset({"pgsql", "postgres"})
    specification: ClassVar[str] = "PostgreSQL documentation, Frontend/Backend Protocol, version 3"
    ports: ClassVar[frozenset[int]] = frozenset({5432})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._phrases = Phrasebook()  # many short connections say the same

    def probe(self, opening: Opening) -> Confidence:
        """Look for the first message of a session, or for messages that are what they claim to be."""
        return judge(opening)

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return PostgresqlDissector(context, self._phrases)
