"""The MySQL client/server protocol and what MariaDB adds: what its packets say.

Source: MySQL internals, "Client/Server Protocol"; MariaDB documentation, "Client/Server Protocol". A packet is
`length (3 bytes, little endian), sequence number (1), payload`; functions here take payloads unless they say otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

from kubeshark_mcp.dissect.sql_text import read_text

HEADER = 4
FULL = 0xFFFFFF
"""Length of a packet that goes on in the next one."""

TEXT_LIMIT = 1024
"""Characters of a name or a message that are kept."""
OLD_LOGIN_LONGEST = 512
"""Bytes of a login of before protocol 4.1: two names and a proof of eight characters."""

OK, LOCAL_INFILE, EOF, ERR = 0x00, 0xFB, 0xFE, 0xFF
"""First bytes of answers."""

PROGRESS = 0xFFFF
"""Error code of MariaDB's progress reports, which are no errors."""

PARAMETERS = 4096
"""Query attributes of one query that are walked over."""

COMMANDS = {
    0: "COM_SLEEP",
    1: "COM_QUIT",
    2: "COM_INIT_DB",
    3: "COM_QUERY",
    4: "COM_FIELD_LIST",
    5: "COM_CREATE_DB",
    6: "COM_DROP_DB",
    7: "COM_REFRESH",
    8: "COM_SHUTDOWN",
    9: "COM_STATISTICS",
    10: "COM_PROCESS_INFO",
    11: "COM_CONNECT",
    12: "COM_PROCESS_KILL",
    13: "COM_DEBUG",
    14: "COM_PING",
    15: "COM_TIME",
    16: "COM_DELAYED_INSERT",
    17: "COM_CHANGE_USER",
    18: "COM_BINLOG_DUMP",
    19: "COM_TABLE_DUMP",
    20: "COM_CONNECT_OUT",
    21: "COM_REGISTER_SLAVE",
    22: "COM_STMT_PREPARE",
    23: "COM_STMT_EXECUTE",
    24: "COM_STMT_SEND_LONG_DATA",
    25: "COM_STMT_CLOSE",
    26: "COM_STMT_RESET",
    27: "COM_SET_OPTION",
    28: "COM_STMT_FETCH",
    29: "COM_DAEMON",
    30: "COM_BINLOG_DUMP_GTID",
    31: "COM_RESET_CONNECTION",
    32: "COM_CLONE",
    33: "COM_SUBSCRIBE_GROUP_REPLICATION_STREAM",
    0xFA: "COM_STMT_BULK_EXECUTE",
    0xFE: "COM_MULTI",
}
"""Names of the commands; those from 0xFA on are MariaDB's."""


class Capability:
    """What client and server agree on, as far as it changes what is read here."""

    CONNECT_WITH_DB = 1 << 3
    COMPRESS = 1 << 5
    PROTOCOL_41 = 1 << 9
    SSL = 1 << 11
    SECURE_CONNECTION = 1 << 15
    PLUGIN_AUTH = 1 << 19
    CONNECT_ATTRS = 1 << 20
    PLUGIN_AUTH_LENENC = 1 << 21
    SESSION_TRACK = 1 << 23
    DEPRECATE_EOF = 1 << 24
    ZSTD = 1 << 26
    QUERY_ATTRIBUTES = 1 << 27


class Status:
    """Flags of the server behind an answer."""

    IN_TRANSACTION = 1 << 0
    MORE_RESULTS = 1 << 3
    NO_GOOD_INDEX = 1 << 4
    NO_INDEX = 1 << 5
    CURSOR = 1 << 6
    SLOW = 1 << 11
    SESSION_CHANGED = 1 << 14


def integer(data: bytes, start: int) -> tuple[int, int]:
    """Read a length-encoded integer; give it and the position behind it, (-1, start) where there is none."""
    if start < 0 or start >= len(data):
        return -1, start
    first = data[start]
    if first < 0xFB:
        return first, start + 1
    size = {0xFC: 2, 0xFD: 3, 0xFE: 8}.get(first, 0)
    if not size or start + 1 + size > len(data):
        return -1, start
    return int.from_bytes(data[start + 1 : start + 1 + size], "little"), start + 1 + size


def string(data: bytes, start: int) -> tuple[bytes, int]:
    """Read a length-encoded string; give it and the position behind it, -1 where it does not fit."""
    size, position = integer(data, start)
    if size < 0 or position + size > len(data):
        return b"", -1
    return data[position : position + size], position + size


def text_at(data: bytes, start: int) -> tuple[str, int]:
    """Read a zero-terminated string, or up to the end; give it, cut at TEXT_LIMIT, and the position behind it."""
    end = data.find(b"\0", start)
    if end < 0:
        end = len(data)
    return read_text(data[start : min(end, start + TEXT_LIMIT)]), end + 1


def number(data: bytes, start: int, size: int) -> int:
    """Read an integer of fixed size; what is not there counts as zero."""
    return int.from_bytes(data[start : start + size], "little")


class Greeting(NamedTuple):
    """What a server says first. connection_id: number of the session, which KILL takes."""

    version: str
    connection_id: int
    capabilities: int
    plugin: str


def read_greeting(data: bytes) -> Greeting | None:
    """Read a Handshake of version 10 or 9; None where it is none."""
    end = data.find(b"\0", 1, 256)
    if (
        data[:1] not in {b"\x0a", b"\x09"}
        or end < 2
        or not data[1:end].isascii()
        or not data[1:end].decode().isprintable()
    ):
        return None
    version = data[1:end].decode().removeprefix("5.5.5-")
    connection_id, position = number(data, end + 1, 4), end + 5
    if data[0] == 9:
        return Greeting(version, connection_id, 0, "") if len(data) > position else None
    if len(data) < position + 11 or data[position + 8]:
        return None
    capabilities = number(data, position + 9, 2) | number(data, position + 14, 2) << 16
    plugin = ""
    if capabilities & Capability.PLUGIN_AUTH:
        plugin, _ = text_at(data, position + 27 + max(13, number(data, position + 16, 1) - 8))
    return Greeting(version, connection_id, capabilities, plugin)


class Login(NamedTuple):
    """What a client says of itself when it logs in, without what proves it. program: of the connection attributes."""

    capabilities: int
    user: str
    database: str
    plugin: str
    program: str


def read_login(data: bytes) -> Login | None:
    """Read a HandshakeResponse of protocol 4.1 or of before; None where it is none."""
    capabilities = number(data, 0, 4)
    if not capabilities & Capability.PROTOCOL_41:
        return _read_old_login(data)
    user_end = data.find(b"\0", 32)
    if len(data) < 34 or user_end < 0 or any(data[10:28]):
        return None
    position = user_end + 1
    if capabilities & Capability.PLUGIN_AUTH_LENENC:
        _, position = string(data, position)
    elif capabilities & Capability.SECURE_CONNECTION:
        position += 1 + number(data, position, 1)
    else:
        _, position = text_at(data, position)
    if position < 0:
        return None
    return _read_login_rest(data, position, capabilities, read_text(data[32:user_end])[:TEXT_LIMIT])


def _read_login_rest(data: bytes, position: int, capabilities: int, user: str) -> Login:
    database = plugin = program = ""
    if capabilities & Capability.CONNECT_WITH_DB:
        database, position = text_at(data, position)
    if capabilities & Capability.PLUGIN_AUTH:
        plugin, position = text_at(data, position)
    if capabilities & Capability.CONNECT_ATTRS:
        program = _program(string(data, position)[0])
    return Login(capabilities, user, database, plugin, program)


def _program(attributes: bytes) -> str:
    """Give the program's name, or that of the client library, from connection attributes."""
    found: dict[bytes, bytes] = {}
    position = 0
    while 0 <= position < len(attributes) and len(found) < 64:
        name, position = string(attributes, position)
        value, position = string(attributes, position)
        found[name] = value
    return read_text(found.get(b"program_name") or found.get(b"_client_name", b""))[:TEXT_LIMIT]


def _read_old_login(data: bytes) -> Login | None:
    end = data.find(b"\0", 5)
    if not 7 <= len(data) <= OLD_LOGIN_LONGEST or end < 0 or not data[5:end].decode("latin-1").isprintable():
        return None
    capabilities = number(data, 0, 2)
    if not capabilities:
        return None
    database = ""
    if capabilities & Capability.CONNECT_WITH_DB:
        database, _ = text_at(data, text_at(data, end + 1)[1])
    return Login(capabilities, read_text(data[5:end])[:TEXT_LIMIT], database, "mysql_old_password", "")


def read_change_user(data: bytes) -> Login:
    """Read a COM_CHANGE_USER, without what proves the user."""
    user, position = text_at(data, 1)
    position += 1 + number(data, position, 1)
    database, position = text_at(data, position)
    plugin, position = text_at(data, position + 2) if position + 2 < len(data) else ("", position)
    return Login(0, user, database, plugin, _program(string(data, position)[0]))


def wants_tls(data: bytes) -> bool:
    """Tell whether a client's first packet is an SSLRequest, behind which TLS begins."""
    return len(data) in {5, 32} and bool(number(data, 0, 2) & Capability.SSL)


class Outcome(NamedTuple):
    """What an OK or EOF packet says. affected: -1 where it does not say."""

    affected: int
    insert_id: int
    status: int
    warnings: int
    info: bytes


def read_ok(data: bytes) -> Outcome:
    """Read an OK packet, or an EOF packet of either form."""
    if data[0] == EOF and len(data) <= 5:
        return Outcome(-1, 0, number(data, 3, 2), number(data, 1, 2), b"")
    affected, position = integer(data, 1)
    insert_id, position = integer(data, position)
    info = data[position + 4 :]
    return Outcome(affected, max(0, insert_id), number(data, position, 2), number(data, position + 2, 2), info)


def read_info(info: bytes, *, tracked: bool) -> tuple[str, str]:
    """Give the words at the end of an OK packet, and the database the session changed to.

    tracked: the session's changes are reported (capability SESSION_TRACK).
    """
    size, position = integer(info, 0)
    if not tracked and position + size != len(info):
        return read_text(info)[:TEXT_LIMIT], ""
    words, position = string(info, 0)
    changes, _ = string(info, position)
    database, position = "", 0
    while 0 <= position < len(changes):
        kind = changes[position]
        change, position = string(changes, position + 1)
        if kind == 1:
            database = read_text(string(change, 0)[0])[:TEXT_LIMIT]
    return read_text(words)[:TEXT_LIMIT], database


class Failure(NamedTuple):
    """What an ERR packet says."""

    code: int
    state: str
    message: str


def read_error(data: bytes) -> Failure:
    """Read an ERR packet."""
    code = number(data, 1, 2)
    if data[3:4] == b"#":
        return Failure(code, read_text(data[4:9]), read_text(data[9 : 9 + TEXT_LIMIT]))
    return Failure(code, "", read_text(data[3 : 3 + TEXT_LIMIT]))


_SIZES = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 0, 8: 8, 9: 4, 13: 2}
_WITH_LENGTH = frozenset({7, 10, 11, 12})


def query_text(data: bytes, *, attributes: bool | None) -> bytes:
    """Give the statement of a COM_QUERY. attributes: whether query attributes lie before it, None if that is not known.

    Where they cannot be read the whole payload is given.
    """
    if attributes is None:
        attributes = len(data) > 2 and data[2] == 1 and (data[1] < 9 or 13 < data[1] < 32)
    if not attributes:
        return data[1:]
    count, position = integer(data, 1)
    _, position = integer(data, position)
    if not 0 < count <= PARAMETERS:
        return data[position:] if count == 0 else data[1:]
    nulls = data[position : position + (count + 7) // 8]
    if len(nulls) * 8 < count:
        return data[1:]
    position += len(nulls) + 1
    kinds: list[int] = []
    for _ in range(count):
        kinds.append(number(data, position, 1))
        _, position = string(data, position + 2)
        if position < 0:
            return data[1:]
    for index, kind in enumerate(kinds):
        if nulls[index // 8] >> index % 8 & 1:
            continue
        position = _behind_value(data, position, kind)
        if position < 0:
            return data[1:]
    return data[position:]


def _behind_value(data: bytes, position: int, kind: int) -> int:
    """Give the position behind a binary value, -1 where it does not fit."""
    if kind in _SIZES:
        return position + _SIZES[kind]
    if kind in _WITH_LENGTH:
        return position + 1 + number(data, position, 1)
    return string(data, position)[1]
