"""The commands of Redis, up to 8.0: which words name one, where its first key is, and what Redis looks like.

Facts of Redis' own `COMMAND DOCS` and `COMMAND INFO`.
"""

from __future__ import annotations

import re

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.wire_resp import RespError, scan, text

_WITHOUT_KEY = """
ACL ASKING AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DBSIZE DISCARD ECHO EXEC FAILOVER FLUSHALL FLUSHDB
FUNCTION HELLO INFO KEYS LASTSAVE LATENCY LOLWUT MODULE MONITOR MULTI PING PSYNC PUBSUB QUIT RANDOMKEY READONLY
READWRITE REPLCONF REPLICAOF RESET ROLE SAVE SCAN SCRIPT SELECT SENTINEL SHUTDOWN SLAVEOF SLOWLOG SWAPDB SYNC TIME
UNWATCH WAIT WAITAOF
"""
_KEY_SECOND = "BITOP DEBUG LMPOP MEMORY OBJECT SINTERCARD XGROUP XINFO ZDIFF ZINTER ZINTERCARD ZMPOP ZUNION"
_KEY_THIRD = "BLMPOP BZMPOP MIGRATE"
_SCRIPTS = "EVAL EVAL_RO EVALSHA EVALSHA_RO FCALL FCALL_RO"
_STREAMS = "XREAD XREADGROUP"
_KEY_FIRST = """
APPEND BITCOUNT BITFIELD BITFIELD_RO BITPOS BLMOVE BLPOP BRPOP BRPOPLPUSH BZPOPMAX BZPOPMIN COPY DECR DECRBY DEL DUMP
EXISTS EXPIRE EXPIREAT EXPIRETIME GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEORADIUSBYMEMBER GEORADIUSBYMEMBER_RO
GEORADIUS_RO GEOSEARCH GEOSEARCHSTORE GET GETBIT GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HEXPIRE HEXPIREAT
HEXPIRETIME HGET HGETALL HGETDEL HGETEX HINCRBY HINCRBYFLOAT HKEYS HLEN HMGET HMSET HPERSIST HPEXPIRE HPEXPIREAT
HPEXPIRETIME HPTTL HRANDFIELD HSCAN HSET HSETEX HSETNX HSTRLEN HTTL HVALS INCR INCRBY INCRBYFLOAT LCS LINDEX LINSERT
LLEN LMOVE LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM MGET MOVE MSET MSETNX PERSIST PEXPIRE PEXPIREAT PEXPIRETIME
PFADD PFCOUNT PFDEBUG PFMERGE PFSELFTEST PSETEX PSUBSCRIBE PTTL PUBLISH PUNSUBSCRIBE RENAME RENAMENX RESTORE RPOP
RPOPLPUSH RPUSH RPUSHX SADD SCARD SDIFF SDIFFSTORE SET SETBIT SETEX SETNX SETRANGE SINTER SINTERSTORE SISMEMBER
SMEMBERS SMISMEMBER SMOVE SORT SORT_RO SPOP SPUBLISH SRANDMEMBER SREM SSCAN SSUBSCRIBE STRLEN SUBSCRIBE SUBSTR SUNION
SUNIONSTORE SUNSUBSCRIBE TOUCH TTL TYPE UNLINK UNSUBSCRIBE VADD VCARD VDIM VEMB VGETATTR VINFO VLINKS VRANDMEMBER VREM
VSETATTR VSIM WATCH XACK XADD XAUTOCLAIM XCLAIM XDEL XLEN XPENDING XRANGE XREVRANGE XSETID XTRIM ZADD ZCARD ZCOUNT
ZDIFFSTORE ZINCRBY ZINTERSTORE ZLEXCOUNT ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX ZRANGEBYSCORE
ZRANGESTORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE
ZREVRANK ZSCAN ZSCORE ZUNIONSTORE
"""
_CONTAINERS = """
ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SENTINEL SLOWLOG XGROUP
XINFO
"""
CONTAINERS = frozenset(_CONTAINERS.split())
"""Commands whose first argument is part of their name."""

KEY_FIRST = frozenset(_KEY_FIRST.split())
"""Commands whose first argument is their first key, or a channel."""

_NO_KEY = frozenset(_WITHOUT_KEY.split())
_KEY_AT = {
    **dict.fromkeys(_KEY_SECOND.split(), 2),
    **dict.fromkeys((*_KEY_THIRD.split(), *_SCRIPTS.split()), 3),
}
_COUNTED = frozenset(_SCRIPTS.split())

COMMANDS = _NO_KEY | CONTAINERS | frozenset(_KEY_AT) | KEY_FIRST | frozenset(_STREAMS.split())
"""Names of the commands of Redis itself; modules add names with a dot (`JSON.GET`)."""

_MODULE_COMMAND = re.compile(rb"[A-Za-z]{1,12}\.[A-Za-z_.]{1,24}")


def is_command(name: bytes) -> bool:
    """Tell whether a word names a command of Redis or looks like one of a module."""
    return name.decode("latin-1").upper() in COMMANDS or bool(_MODULE_COMMAND.fullmatch(name))


def key_of(name: str, words: list[bytes]) -> str:
    """Give the first key of a command, or its channel; empty when it has none. name: in upper case."""
    if name in _NO_KEY:
        return ""
    place = _KEY_AT.get(name, 1)
    if name in ("XREAD", "XREADGROUP"):
        upper = [word[:8].upper() for word in words]
        place = upper.index(b"STREAMS") + 1 if b"STREAMS" in upper else len(words)
    if name in _COUNTED and words[2:3] == [b"0"]:
        return ""
    return text(words[place]) if place < len(words) else ""


COMMAND_START = re.compile(rb"\*[1-9]\d{0,8}\r\n\$([1-9]\d{0,4})\r\n([^\r\n]{1,64})\r\n")
"""The beginning of a command that is an array of bulk strings: length of the name, name."""

_COMMAND_PREFIX = re.compile(
    rb"\*(?:[1-9]\d{0,8}(?:\r(?:\n(?:\$(?:[1-9]\d{0,4}(?:\r(?:\n(?:[^\r\n]{1,64}\r?)?)?)?)?)?)?)?)?"
)
_INLINE = re.compile(rb"([A-Za-z][A-Za-z0-9_.]{1,32})(?:[ \t][\t -~\x80-\xff]*)?\r?\n")
_INLINE_PREFIX = re.compile(rb"[A-Za-z][A-Za-z0-9_.]{0,32}(?:[ \t][\t -~\x80-\xff]*)?\r?")

REPLY_START = re.compile(
    rb"(?:\+[^\r\n]{0,1024}|-[A-Z][^\r\n]{0,1024}|:[+-]?\d{1,20}|[$*](?:-1|\d{1,10})|[=!%~>|]\d{1,10}|_|#[tf]"
    rb"|,[+-]?[\dinfae.+-]{1,64}|\([+-]?\d{1,1024})\r\n"
)
"""The first line of a reply."""

_TELLING = (
    b"+PONG\r\n",
    b"+QUEUED\r\n",
    b"-WRONGTYPE ",
    b"-NOAUTH ",
    b"-MOVED ",
    b"-ERR unknown command",
    b"-NOSCRIPT ",
)
_NOTHING = re.compile(rb"\A(?:\r?\n|\*(?:0|-1)\r\n)+")
"""Empty lines and arrays of nothing, which servers pass over without a reply."""
_REFUSALS = (b"-DENIED Redis", b"-ERR max number of clients")
"""What a server says to a client that it does not want, before the client has said anything."""
_LOOKED_AT = 16


def judge_commands(data: bytes, starts: bool) -> Confidence:
    """Say whether the bytes of a client are commands. starts: nothing was before them."""
    data = _NOTHING.sub(b"", data)
    if any(nothing.startswith(data) for nothing in (b"\r\n", b"*0\r\n", b"*-1\r\n")):
        return Confidence.UNDECIDED
    if match := COMMAND_START.match(data):
        if int(match[1]) != len(match[2]):
            return Confidence.NO
        return Confidence.SURE if is_command(match[2]) else Confidence.LIKELY
    if not starts and COMMAND_START.search(data):
        return Confidence.LIKELY
    if _COMMAND_PREFIX.fullmatch(data):
        return Confidence.UNDECIDED
    if match := _INLINE.match(data):
        if is_command(match[1]) and b" HTTP/" not in match[0]:
            return Confidence.POSSIBLE
        return Confidence.NO if b"HTTP/" in match[0] else Confidence.UNDECIDED
    return Confidence.UNDECIDED if _INLINE_PREFIX.fullmatch(data) else Confidence.NO


def judge_replies(data: bytes) -> Confidence:
    """Say whether the bytes of a server are replies; lines alone could be those of other protocols (POP3)."""
    position, strong = 0, False
    for _ in range(_LOOKED_AT):
        while data[position : position + 1] in (b"\r", b"\n"):
            position += 1
        if position >= len(data):
            break
        if not REPLY_START.match(data, position):
            whole_line = b"\n" in data[position : position + 1024]
            if whole_line or data[position] not in b"+-:$*=!%~>|_#,(":
                return Confidence.NO
            break
        try:
            after, remaining, _ = scan(data, position, 1, 0)
        except RespError:
            return Confidence.NO
        strong = strong or data[position] not in b"+-:" or data.startswith(_TELLING, position)
        if remaining:
            break
        position = after
    if strong:
        return Confidence.LIKELY
    return Confidence.POSSIBLE if position else Confidence.UNDECIDED


def find_command(data: bytes, *, inline: bool) -> int:
    """Give where the first command begins in bytes whose beginning may belong to something else; -1 without one.

    inline: the bytes may be lines of words; believed when the first two lines are commands.
    """
    match = COMMAND_START.search(data)
    if match is not None:
        return match.start()
    first = _INLINE.match(data) if inline else None
    if first is None or not is_command(first[1]):
        return -1
    second = _INLINE.match(data, first.end())
    return 0 if first.end() == len(data) or (second is not None and is_command(second[1])) else -1


def is_reply(data: bytes) -> bool:
    """Tell whether a reply may begin here."""
    return REPLY_START.match(data) is not None


def judge(opening: Opening) -> Confidence:
    """Put the opinions on both directions together. Redis does not speak first, but to refuse a client."""
    client = judge_commands(opening.client, opening.client_start) if opening.client else None
    server = judge_replies(opening.server) if opening.server else None
    if (client is Confidence.NO and opening.client_start) or (server is Confidence.NO and opening.server_start):
        return Confidence.NO
    if client is None and opening.connection.from_start and opening.server_start and server is not None:
        return Confidence.POSSIBLE if opening.server.startswith(_REFUSALS) else Confidence.NO
    if client in (Confidence.SURE, Confidence.LIKELY):
        return client
    if client in (Confidence.POSSIBLE, Confidence.UNDECIDED):
        return _judge_inline(client, server, opening.complete)
    opinion = Confidence.UNDECIDED if server is None else server
    return Confidence.NO if opinion is Confidence.UNDECIDED and opening.complete else opinion


def _judge_inline(client: Confidence, server: Confidence | None, complete: bool) -> Confidence:
    """Words on a line are Redis when the replies are: other protocols have the same words (memcached, FTP, POP3)."""
    known = client is Confidence.POSSIBLE
    if server is Confidence.LIKELY:
        return Confidence.LIKELY if known else Confidence.POSSIBLE
    if server in (None, Confidence.UNDECIDED) and not complete:
        return Confidence.UNDECIDED
    return Confidence.POSSIBLE if known and server is not Confidence.NO else Confidence.NO
