"""Conversations with Redis that the laws of every dissector are tried on."""

from __future__ import annotations

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def command(*words: str | bytes) -> bytes:
    """Give a command as an array of bulk strings."""
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a key is read": [(CLIENT, command("GET", "cart:17")), (SERVER, b"$5\r\nhello\r\n")],
    "a command is of the wrong type": [
        (CLIENT, command("LPUSH", "cart:17", "x")),
        (SERVER, b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n"),
    ],
    "commands are pipelined": [
        (CLIENT, command("SET", "a", "1") + command("INCR", "a") + command("MGET", "a", "b")),
        (SERVER, b"+OK\r\n:2\r\n*2\r\n$1\r\n2\r\n$-1\r\n"),
    ],
    "inline commands are answered": [(CLIENT, b'PING\r\nSET a "b c"\r\n'), (SERVER, b"+PONG\r\n+OK\r\n")],
    "a transaction is queued and executed": [
        (CLIENT, command("MULTI") + command("SET", "a", "1") + command("EXEC")),
        (SERVER, b"+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n"),
    ],
    "a channel is subscribed and speaks": [
        (CLIENT, command("SUBSCRIBE", "news", "sport")),
        (SERVER, b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$5\r\nsport\r\n:2\r\n"),
        (SERVER, b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\nhi\r\n"),
    ],
    "version 3 answers with maps and pushes": [
        (CLIENT, command("HELLO", "3") + command("HGETALL", "h")),
        (SERVER, b"%1\r\n$5\r\nproto\r\n:3\r\n>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nh\r\n%1\r\n$1\r\nf\r\n#t\r\n"),
    ],
    "a command stays unanswered": [(CLIENT, command("BLPOP", "queue", "0"))],
    "a long value is written": [(CLIENT, command("SET", "big", b"x" * 2_000)), (SERVER, b"+OK\r\n")],
    "a replica gets the database and the stream": [
        (CLIENT, command("PSYNC", "?", "-1")),
        (
            SERVER,
            b"+FULLRESYNC 8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb 0\r\n$9\r\nREDIS0011" + command("SET", "a", "1"),
        ),
        (CLIENT, command("REPLCONF", "ACK", "31")),
    ],
}

TRANSPORT = "tcp"
