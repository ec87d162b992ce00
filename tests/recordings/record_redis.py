"""The Redis recordings: redis-server on loopback; one small capture and one log a case."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import capture, server
from redis_client import Connection

PORT = 6379
Log = list[dict[str, Any]]


def resp2(log: Log) -> None:
    """Each kind of reply of RESP2."""
    talk = Connection(PORT, log)
    for command in (
        ("PING",), ("SET", "greeting", "hello"), ("GET", "greeting"), ("GET", "missing"), ("INCR", "counter"),
        ("DECRBY", "counter", 5), ("SET", "empty", ""), ("GET", "empty"), ("SET", "raw", b"\x00\r\n\xff$5"),
        ("GET", "raw"), ("RPUSH", "list", "a", "b", "c"), ("LRANGE", "list", 0, -1), ("LRANGE", "none", 0, -1),
        ("MGET", "greeting", "missing", "counter"), ("HSET", "user:1", "name", "Ada", "age", 36),
        ("HGETALL", "user:1"), ("ZADD", "board", 1.5, "x", 2, "y"), ("ZRANGE", "board", 0, -1, "WITHSCORES"),
        ("ZSCORE", "board", "x"), ("SADD", "tags", "red", "blue"), ("SISMEMBER", "tags", "red"),
        ("SET", "session:9", "v", "EX", 30), ("TTL", "session:9"), ("EXISTS", "greeting", "nope"),
        ("EVAL", "return {1, {2, 'x'}, false, redis.status_reply('fine')}", 0), ("CONFIG", "GET", "maxmemory*"),
        ("SCAN", 0, "COUNT", 100), ("OBJECT", "ENCODING", "counter"), ("DEL", "greeting", "list"), ("DBSIZE",),
        ("SELECT", 1), ("FLUSHDB",), ("QUIT",),
    ):  # fmt: skip
        talk.call(*command)
    talk.close()


def resp3(log: Log) -> None:
    """HELLO 3, then each kind of reply that RESP3 adds."""
    talk = Connection(PORT, log)
    talk.call("HELLO", 3, "SETNAME", "recorder")
    for command in (
        ("SET", "k", "v"), ("GET", "none"), ("HSET", "user:2", "name", "Grace", "rank", "RDML"), ("HGETALL", "user:2"),
        ("SADD", "s", "one", "two"), ("SMEMBERS", "s"), ("ZADD", "z", 1.25, "a", "inf", "b"), ("ZSCORE", "z", "a"),
        ("ZRANGE", "z", 0, -1, "WITHSCORES"), ("CONFIG", "GET", "appendonly"), ("LPOP", "none"),
        ("DEBUG", "PROTOCOL", "string"), ("DEBUG", "PROTOCOL", "integer"), ("DEBUG", "PROTOCOL", "double"),
        ("DEBUG", "PROTOCOL", "null"), ("DEBUG", "PROTOCOL", "array"), ("DEBUG", "PROTOCOL", "set"),
        ("DEBUG", "PROTOCOL", "map"), ("DEBUG", "PROTOCOL", "attrib"), ("DEBUG", "PROTOCOL", "push"),
        ("DEBUG", "PROTOCOL", "verbatim"), ("DEBUG", "PROTOCOL", "true"), ("DEBUG", "PROTOCOL", "false"),
        ("DEBUG", "PROTOCOL", "bignum"), ("HGET", "k", "field"), ("CLIENT", "NO-EVICT", "sometimes"),
    ):  # fmt: skip
        talk.call(*command)
        if command[-1] == "push":
            # The command's only answer is the push that reply() has logged; the next reply belongs to the next command.
            continue
    talk.call("CLIENT", "TRACKING", "ON")
    talk.call("GET", "k")
    other = Connection(PORT, log)
    other.call("SET", "k", "changed")
    talk.message()
    talk.call("HELLO", 2)
    talk.call("HGETALL", "user:2")
    talk.close()
    other.close()


def inline(log: Log) -> None:
    """Commands as lines of text, mixed with arrays on one connection."""
    talk = Connection(PORT, log)
    for line in ("PING", "SET note hello", "GET note", "INCR note", "nosuch command", "EXISTS note other"):
        talk.inline(line)
    talk.call("GET", "note")
    talk.inline("DEL note")
    talk.close()


def pipelining(log: Log) -> None:
    """Many commands in one write, and commands cut into small pieces."""
    talk = Connection(PORT, log)
    talk.pipeline([("SET", f"row:{number}", f"value {number}") for number in range(40)])
    talk.pipeline([("GET", f"row:{number}") for number in range(0, 60, 3)])
    talk.pipeline([("INCR", "hits"), ("LPUSH", "row:1", "x"), ("INCR", "hits"), ("NOSUCH",), ("INCR", "hits")])
    whole = b"*3\r\n$3\r\nSET\r\n$5\r\nslow1\r\n$12\r\nhello\r\nworld\r\n*2\r\n$3\r\nGET\r\n$5\r\nslow1\r\n"
    for start in range(0, len(whole), 7):
        talk.socket.sendall(whole[start : start + 7])
        time.sleep(0.003)
    talk.reply("SET", "slow1", "hello\r\nworld")
    talk.reply("GET", "slow1")
    talk.close()


def publish_subscribe(log: Log) -> None:
    """Channels and patterns, in RESP2 and RESP3, a blocking pop, and MONITOR."""
    sender, old, new = Connection(PORT, log), Connection(PORT, log), Connection(PORT, log)
    old.socket.sendall(b"*3\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n$7\r\nweather\r\n")
    old.reply("SUBSCRIBE", "news", "weather")
    old.message()
    new.call("HELLO", 3)
    new.unanswered("PSUBSCRIBE", "ne*")
    new.message()
    for channel, words in (("news", "first"), ("weather", "rain"), ("news", "second"), ("empty", "nobody")):
        sender.call("PUBLISH", channel, words)
    for _ in range(3):
        old.message()
    for _ in range(2):
        new.message()
    new.call("GET", "while-subscribed")
    old.call("UNSUBSCRIBE", "weather")
    old.call("PING")
    blocked = Connection(PORT, log)
    blocked.socket.sendall(b"*3\r\n$5\r\nBLPOP\r\n$5\r\nqueue\r\n$1\r\n5\r\n")
    time.sleep(0.15)
    sender.call("RPUSH", "queue", "job-1")
    blocked.reply("BLPOP", "queue", 5)
    watcher = Connection(PORT, log)
    watcher.call("MONITOR")
    sender.call("SET", "watched", "yes")
    watcher.message()
    for talk in (watcher, blocked, old, new, sender):
        talk.close()


def transactions(log: Log) -> None:
    """MULTI and EXEC: done, discarded, refused, and lost to a watched key."""
    talk, other = Connection(PORT, log), Connection(PORT, log)
    for command in (
        ("MULTI",), ("SET", "a", 1), ("INCR", "a"), ("GET", "a"), ("EXEC",), ("MULTI",), ("SET", "a", 9), ("DISCARD",),
        ("MULTI",), ("NOSUCH",), ("SET", "a", 3), ("EXEC",), ("MULTI",), ("LPUSH", "a", "x"), ("INCR", "a"), ("EXEC",),
        ("WATCH", "a"),
    ):  # fmt: skip
        talk.call(*command)
    other.call("SET", "a", 100)
    for command in (("MULTI",), ("INCR", "a"), ("EXEC",)):
        talk.call(*command)
    talk.pipeline([("MULTI",), ("INCR", "b"), ("INCR", "b"), ("EXEC",)])
    talk.close()
    other.close()


def errors(log: Log) -> None:
    """Errors that servers really give, the last of them ends the connection."""
    talk = Connection(PORT, log)
    talk.call("SET", "text", "abc")
    for command in (
        ("LPUSH", "text", "x"), ("INCR", "text"), ("NOSUCH", "a", "b"), ("GET",), ("SET", "k", "v", "EX", "soon"),
        ("EVALSHA", "0" * 40, 0), ("SELECT", 99), ("AUTH", "wrong"), ("EXEC",), ("HELLO", 4),
        ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">"), ("EVAL", "return redis.error_reply('MY own')", 0),
        ("CONFIG", "SET", "maxmemory", "1"), ("SET", "refused", "x"), ("CONFIG", "SET", "maxmemory", "0"),
        ("CONFIG", "SET", "requirepass", "secret"),
    ):  # fmt: skip
        talk.call(*command)
    stranger = Connection(PORT, log)
    stranger.call("GET", "text")
    stranger.call("AUTH", "secret")
    stranger.call("GET", "text")
    talk.call("CONFIG", "SET", "requirepass", "")
    stranger.socket.sendall(b"*1\r\n$abc\r\n")
    stranger.message()
    for each in (talk, stranger):
        each.close()


def big_values(log: Log) -> None:
    """Values that take many segments, up and down, and one that is cut by the client's end."""
    talk = Connection(PORT, log)
    value = random.Random(5).randbytes(9000)
    talk.call("SET", "blob", value)
    talk.call("GET", "blob")
    talk.call("GETRANGE", "blob", 10, 29)
    talk.pipeline([("APPEND", "blob", b"\r\n" * 700), ("STRLEN", "blob")])
    talk.call("RPUSH", "many", *(f"item {number}" for number in range(200)))
    talk.call("LRANGE", "many", 0, -1)
    talk.close()
    cut = Connection(PORT, log)
    cut.socket.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\nhalf\r\n$5000\r\n" + b"h" * 1500)
    cut.close()


def real_client(log: Log) -> None:
    """redis-cli and redis-benchmark as they talk themselves; the log tells commands, without replies."""
    for command in (("SET", "tool", "cli"), ("GET", "tool"), ("LLEN", "tool")):
        run = ("redis-cli", "-p", str(PORT), *command)
        done = subprocess.run(run, capture_output=True, text=True, timeout=20, check=False)
        log.append({"command": list(command), "printed": done.stdout.strip()})
    load = ("redis-benchmark", "-p", str(PORT), "-q", "-n", "20", "-c", "2", "-P", "5", "-t", "set,get")
    subprocess.run(load, capture_output=True, timeout=20, check=True)
    log.append({"command": ["SET"], "times": 20})
    log.append({"command": ["GET"], "times": 20})


CASES: tuple[Callable[[Log], None], ...] = (
    resp2, resp3, inline, pipelining, publish_subscribe, transactions, errors, big_values, real_client,
)  # fmt: skip


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/redis`, each against an empty server."""
    folder = out / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        log: Log = []
        options = ("--save", "", "--appendonly", "no", "--enable-debug-command", "yes", "--dir", str(work))
        with (
            server("redis-server", "--port", str(PORT), "--bind", "127.0.0.1", *options, port=PORT),
            capture(folder / f"{case.__name__}.pcap", f"tcp port {PORT}"),
        ):
            case(log)
        told = {"about": (case.__doc__ or "").strip(), "calls": log}
        (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
