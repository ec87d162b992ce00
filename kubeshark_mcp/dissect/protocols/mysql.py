"""MySQL, MariaDB and what speaks like them: commands, prepared statements, result sets, logins, compression."""

from __future__ import annotations

from struct import Struct
from typing import ClassVar

from kubeshark_mcp.dissect.base import Confidence, Context, Dissector, HandOver, Opening, Protocol
from kubeshark_mcp.dissect.buffer import join, piece_span
from kubeshark_mcp.dissect.frames import HELD, Frame, FrameError, FrameSide
from kubeshark_mcp.dissect.mysql_answers import Answers
from kubeshark_mcp.dissect.mysql_compression import ZSTD, Inflater, Opaque
from kubeshark_mcp.dissect.mysql_exchange import Await, Exchange, Session
from kubeshark_mcp.dissect.mysql_requests import Requests
from kubeshark_mcp.dissect.sql_text import Phrasebook
from kubeshark_mcp.dissect.wire_mysql import FULL, HEADER
from kubeshark_mcp.dissect.wire_mysql_probe import find_command, judge, judge_server
from kubeshark_mcp.model.field import Field, FieldType
from kubeshark_mcp.model.stream import Closing, Direction, Piece

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING
_FIELDS = tuple(
    Field(f"mysql{name}", kind, meaning, example, "MySQL", tuple(aliases))
    for name, kind, meaning, example, *aliases in (
        ("", _BOOL, "the entry is MySQL or MariaDB", "mysql", "mariadb"),
        (
            "_command",
            _STRING,
            "name of the command; of a session's beginning `Handshake`, `SSLRequest`, `HandshakeResponse`",
            'mysql_command == "COM_QUERY"',
        ),
        (
            "_query",
            _STRING,
            "text of the statement; of a prepared one that which was prepared under its number",
            'mysql_query.startsWith("SELECT")',
            "mysql.query",
        ),
        ("_database", _STRING, "database in use", 'mysql_database == "shop"', "mysql.schema"),
        ("_statement_id", _INT, "number of the prepared statement", "mysql_statement_id == 1"),
        (
            "_statement_unknown",
            _BOOL,
            "the statement was prepared before the capture began, so its text is not known",
            "mysql_statement_unknown",
        ),
        ("_request_size", _INT, "bytes of the request's packets", "mysql_request_size > 1000000"),
        ("_response_size", _INT, "bytes of the answer's packets", "mysql_response_size > 1000000"),
        ("_total_size", _INT, "bytes of request and answer", "mysql_total_size > 1000000"),
        (
            "_success",
            _BOOL,
            "the command was answered without an error, or needs no answer",
            "mysql && !mysql_success",
        ),
        ("_error_code", _INT, "number of the error", "mysql_error_code == 1045"),
        ("_error_message", _STRING, "text of the error", 'mysql_error_message.contains("Access denied")'),
        ("_sqlstate", _STRING, "SQLSTATE of the error", 'mysql_sqlstate == "42000"'),
        ("_rows", _INT, "rows that were returned, or events of a replication stream", "mysql_rows > 10000"),
        ("_affected_rows", _INT, "rows inserted, updated or deleted", "mysql_affected_rows > 1000"),
        ("_columns", _INT, "columns of the last result set", "mysql_columns > 50"),
        ("_results", _INT, "results of the answer, where there is more than one", "mysql_results > 1"),
        ("_insert_id", _INT, "first automatic number of the inserted rows", "mysql_insert_id > 2000000000"),
        ("_warnings", _INT, "warnings of the server", "mysql_warnings > 0"),
        ("_info", _STRING, "the server's words on what it did", 'mysql_info.contains("Duplicates")'),
        ("_transaction", _BOOL, "a transaction is open behind the answer", "mysql_transaction"),
        ("_no_index", _BOOL, "the server used no index, or no good one", "mysql_no_index"),
        ("_slow", _BOOL, "the server counts the query among the slow ones", "mysql_slow"),
        ("_parameters", _INT, "parameters of the prepared statement", "mysql_parameters > 1000"),
        ("_table", _STRING, "table of a COM_FIELD_LIST", 'mysql_table == "orders"'),
        ("_user", _STRING, "user of the session", 'mysql_user == "app"'),
        ("_auth", _STRING, "authentication method of the login", 'mysql_auth == "mysql_native_password"'),
        ("_program_name", _STRING, "program that the client calls itself", 'mysql_program_name == "mysqldump"'),
        ("_server_version", _STRING, "version of the server, on a login", 'mysql_server_version.contains("MariaDB")'),
        ("_connection_id", _INT, "number of the session, as KILL takes it", "mysql_connection_id == 17"),
        ("_compression", _STRING, "compression of the session: `zlib` or `zstd`", 'mysql_compression == "zlib"'),
        ("_local_file", _STRING, "file that LOAD DATA LOCAL asks the client for", 'mysql_local_file != ""'),
        ("_local_bytes", _INT, "bytes of that file", "mysql_local_bytes > 1000000"),
        ("_progress_reports", _INT, "reports of progress in the answer (MariaDB)", "mysql_progress_reports > 0"),
        ("_truncated", _BOOL, "the request was longer than what is kept of it", "mysql && mysql_truncated"),
    )
)

_read_head = Struct("<I").unpack_from
"""Reads the header of a packet: three bytes of length, one of sequence."""
_read_beginning = Struct("<IB").unpack_from
"""Reads the header of a packet and the first byte behind it."""


class MysqlDissector(Dissector):
    """Cuts both directions into packets; rows are counted without a look at each."""

    def __init__(self, context: Context, phrases: Phrasebook) -> None:
        super().__init__(context)
        self._sides = (FrameSide(Direction.CLIENT), FrameSide(Direction.SERVER))
        for side in self._sides:
            side.lost = not context.connection.from_start
        self._parts: list[Frame | None] = [None, None]
        self._inflaters: tuple[Inflater, Inflater] | None = None
        self._session = Session(context, phrases)
        self._requests = Requests(self._session)
        self._answers = Answers(self._session)
        self._last_ns = 0

    def on_piece(self, piece: Piece) -> None:
        """Take the packets that end in this piece."""
        if piece.direction is Direction.CLIENT and self._session.adrift and not piece.gap:
            self._session.settle(quiet_ns=piece.times[0] - self._last_ns)
        self._last_ns = piece.times[-1]
        if self._inflaters is None:
            self._take(piece)
        else:
            self._inflate(self._inflaters[piece.direction], piece)

    def on_gap(self, direction: Direction, length: int) -> None:
        """Wait for the next command, or for the answer to it."""
        self._cut(direction, f"{length} bytes are missing behind them")
        if self._inflaters is not None:
            self._inflaters[direction].lose()
        self._session.lose()

    def on_close(self, closing: Closing) -> None:
        """Emit what waits, and messages that never ended."""
        why = "the capture ends" if closing.how == "end" else "the connection ends"
        for direction in Direction:
            self._cut(direction, why)
        self._session.flush()

    def _cut(self, direction: Direction, why: str) -> None:
        """Emit the message that is unfinished and stays so."""
        side, parts = self._sides[direction], self._parts[direction]
        frame = side.unfinished()
        if parts is not None:
            frame = parts if frame is None else _together(parts, frame)
        if frame is not None:
            self._session.unread(frame, direction, f"{frame.size} bytes of the message were seen: {why}")
        self._parts[direction] = None
        side.lost = True

    def _take(self, piece: Piece) -> None:
        """Take a piece of packets that are not compressed, or no longer."""
        session, direction = self._session, piece.direction
        side = self._sides[direction]
        side.buffer.append(piece)
        data = side.buffer.data
        try:
            start = self._resume(piece, data) if side.lost else 0
            start = self._read(direction, side, data, start)
        except FrameError as error:
            self._lose(direction, side, data, error)
            start = len(data)
        del data
        side.consume(start)
        if session.encrypted and self.hand_over is None:
            self.hand_over = HandOver("", [rest for each in self._sides for rest in each.buffer.rest()])
        elif session.compression and self._inflaters is None:
            self._begin_compression()

    def _begin_compression(self) -> None:
        """Read what follows the login as compressed packets."""
        client, server = (
            Inflater(direction, self._session.compression, self._sides[direction].buffer.offset)
            for direction in Direction
        )
        self._inflaters = (client, server)
        for direction in Direction:
            buffer = self._sides[direction].buffer
            rest = buffer.rest()
            buffer.clear()
            for piece in rest:
                self._inflate(self._inflaters[direction], piece)

    def _inflate(self, inflater: Inflater, piece: Piece) -> None:
        """Take a piece of compressed packets."""
        try:
            found = inflater.feed(piece)
        except FrameError as error:
            frame = Frame(piece.data[:HELD], piece_span(piece, 0, len(piece.data)), len(piece.data))
            self._session.unread(frame, piece.direction, f"{error} at byte {piece.offset} of the stream")
            self._cut(piece.direction, "what follows cannot be read")
            inflater.lose()
            self._session.lose()
            return
        for inner in found:
            if isinstance(inner, Opaque):
                self._unread(piece.direction, inner)
            else:
                self._take(inner)

    def _unread(self, direction: Direction, packet: Opaque) -> None:
        """Take a compressed packet that cannot be read: a command, its answer, or more of either."""
        session = self._session
        frame = Frame(b"\0" * HEADER, packet.span, packet.span.length)
        if direction is Direction.CLIENT and packet.first:
            session.flush()
            exchange = Exchange(session, "compressed", Await.UNKNOWN)
            exchange.entry.malformed = ZSTD
            exchange.ask(frame, shown=False)
            session.ask(exchange)
        elif (waiting := session.waiting.next) is not None and direction is Direction.CLIENT:
            waiting.ask(frame, shown=False)
        elif waiting is not None:
            waiting.entry.malformed = waiting.entry.malformed or ZSTD
            waiting.awaits = Await.UNKNOWN
            waiting.hear(frame, shown=False)

    def _resume(self, piece: Piece, data: bytes) -> int:
        """Give where the first message begins behind bytes that were not seen; behind all where none does."""
        side, waiting = self._sides[piece.direction], self._session.waiting.next
        if piece.direction is Direction.CLIENT:
            start = find_command(data, piece.starts)
        elif waiting is not None and len(data) > HEADER and data[3] == waiting.sequence:
            start = 0
        else:
            enough = Confidence.POSSIBLE if waiting is None else Confidence.LIKELY
            start = 0 if judge_server(data, complete=True) >= enough else -1
        side.lost = start < 0
        return start if start >= 0 else len(data)

    def _read(self, direction: Direction, side: FrameSide, data: bytes, start: int) -> int:
        """Take all whole packets; give where the first unfinished one begins. Raises FrameError."""
        session, compression = self._session, self._session.compression
        if side.left:
            start, frame = side.go_on(data)
            if frame is None:
                return start
            self._packet(direction, frame)
        end, base, parts = len(data), side.buffer.offset, self._parts
        take = self._answers.take if direction is Direction.SERVER else self._requests.take
        while end - start >= HEADER and not session.encrypted and session.compression == compression:
            if direction is Direction.SERVER and (after := self._count(side, data, start)):
                start = after
                continue
            head = _read_head(data, start)[0]
            size = head & FULL
            after = start + HEADER + size
            if after > end:
                return side.wait(data, start, HEADER + size)
            try:
                if size < HELD - HEADER and parts[direction] is None:
                    take(Frame(data[start:after], None, HEADER + size, side, base + start), head >> 24)
                else:
                    self._packet(direction, side.whole(data, start, after))
            except FrameError as error:
                raise FrameError(str(error), start) from None
            start = after
        return start

    def _count(self, side: FrameSide, data: bytes, start: int) -> int:
        """Count rows or column definitions that lie behind each other; give where they end, 0 where none are."""
        exchange = self._answers.counts
        if exchange is None:
            return 0
        after, count = _count_packets(data, start, exchange.left or len(data))
        if not count or (data[start + 3] != exchange.sequence and not self._session.compression):
            return 0
        self._answers.run(exchange, side.run(start, after), count)
        return after

    def _packet(self, direction: Direction, frame: Frame) -> None:
        """Take a packet; one of the greatest length goes on in the next. Raises FrameError."""
        last = frame.body[3]
        parts = self._parts[direction]
        if parts is not None:
            frame = _together(parts, frame)
        if int.from_bytes(frame.body[:3], "little") == FULL and (parts is None or frame.size - parts.size == FULL):
            self._parts[direction] = Frame(frame.body, frame.span, frame.size)
            return
        self._parts[direction] = None
        if direction is Direction.CLIENT:
            self._requests.take(frame, last)
        else:
            self._answers.take(frame, last)

    def _lose(self, direction: Direction, side: FrameSide, data: bytes, error: FrameError) -> None:
        """Emit what cannot be read, and wait for the next command."""
        frame = side.whole(data, error.position, len(data))
        self._session.unread(frame, direction, f"{error} at byte {frame.offset} of the stream")
        side.forget()
        side.lost = True
        self._parts[direction] = None
        self._session.lose()


def _together(first: Frame, second: Frame) -> Frame:
    """Put the parts of a message together; the header of the second one does not count."""
    return Frame(first.body, join(first.span, second.span), first.size + second.size - HEADER)


def _count_packets(data: bytes, start: int, most: int) -> tuple[int, int]:
    """Give where whole packets end that lie behind each other and end nothing, and how many there are."""
    end, count, sequence = len(data), 0, data[start + 3]
    last = end - HEADER
    while start < last and count < most:
        head, first = _read_beginning(data, start)
        size = head & FULL
        after = start + HEADER + size
        if after > end or first >= 0xFE or head >> 24 != sequence or not 0 < size < FULL:
            break
        start, count, sequence = after, count + 1, (sequence + 1) & 0xFF
    return start, count


class Mysql(Protocol):
    """MySQL, MariaDB, Percona Server, TiDB, Vitess, ProxySQL: the client/server protocol with version 4.1 and later."""

    name: ClassVar[str] = "mysql"
    title: ClassVar[str] = "MySQL"
    aliases: ClassVar[frozenset[str]] = frozenset({"mariadb"})
    specification: ClassVar[str] = "MySQL internals, Client/Server Protocol; MariaDB client/server protocol"
    ports: ClassVar[frozenset[int]] = frozenset({3306})
    fields: ClassVar[tuple[Field, ...]] = _FIELDS

    def __init__(self) -> None:
        self._phrases = Phrasebook()  # many short connections say the same

    def probe(self, opening: Opening) -> Confidence:
        """Look for a server's greeting, a client's login, or commands and answers that are what they claim to be."""
        return judge(opening)

    def open(self, context: Context) -> Dissector:
        """Begin to read a connection."""
        return MysqlDissector(context, self._phrases)
