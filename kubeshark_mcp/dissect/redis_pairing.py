"""Redis: which reply belongs to which command, through pipelines, subscriptions, silence, MONITOR and replication."""

from __future__ import annotations

import re
from typing import Any

from kubeshark_mcp.dissect.base import Context
from kubeshark_mcp.dissect.buffer import join
from kubeshark_mcp.dissect.pairing import Pipeline
from kubeshark_mcp.dissect.redis_reading import Asked, read_asked
from kubeshark_mcp.dissect.wire_resp import Command, Dump, Message, Reply, read_reply
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span

MISSING = "bytes of the connection are missing, its reply may be among them"
QUIET_NS = 200_000_000
"""After this long without a byte of either side no reply is outstanding, but that of a blocking command."""

CHANNELS = 4096
"""Channels of each kind that are followed on one connection."""

_SUBSCRIPTIONS = frozenset(("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"))
_CONFIRMATIONS = frozenset(name.lower() for name in _SUBSCRIPTIONS)
_PUSHES = frozenset({"message", "pmessage", "smessage"})
_CHANGING = frozenset({"MONITOR", "PSYNC", "RESET"})
UNUSUAL = _SUBSCRIPTIONS | _CHANGING | {"SYNC"}
"""Commands whose replies are more than an outcome."""
_MONITORED = re.compile(rb"\+\d+\.\d+ \[")


class RedisPairing:
    """Makes entries of commands and replies; replies come in the order of the commands.

    replica: what the server sends now are commands for a replica. dump: a database comes, without an end of line.
    adrift: it is not known to which command the next reply belongs. pipelined: commands came before earlier replies.
    """

    def __init__(self, context: Context) -> None:
        self.replica = False
        self.dump: Dump | None = None
        self._connection, self._emit = context.connection, context.emit
        self._limit = context.settings.body_limit
        self._waiting: Pipeline[Entry] = Pipeline()
        self._forgotten = 0
        self.adrift = self.pipelined = False
        self._silent = self._skip_next = False
        self._subscribed = self._monitoring = False
        self._confirmed = 0
        self._channels: dict[str, set[str]] = {}

    def ask(self, direction: Direction, command: Command, span: Span, body: bytes) -> None:
        """Take the words of a command; there may be none. body: its bytes, or the first of them."""
        if command[0]:
            self.take(direction, read_asked(command), span, body)

    def take(self, direction: Direction, asked: Asked, span: Span, body: bytes) -> None:
        """Let a command wait for its reply, unless none will come."""
        name, length = asked.name, span.length
        fields: dict[str, Any] = {
            "redis": True,
            "redis_type": "command",
            "redis_command": name,
            "redis_key": asked.key,
            "redis_arguments": asked.arguments,
            "redis_request_size": length,
            "redis_total_size": length,
        }
        if length > len(body):
            fields["redis_truncated"] = True
        entry = Entry("redis", self._connection, span, None, fields, asked.summary)
        entry.request_body = body[: self._limit]
        if direction is Direction.SERVER:
            entry.request, entry.response = None, span
            entry.request_body, entry.response_body = b"", entry.request_body
            fields["redis_response_size"] = fields.pop("redis_request_size")
            self._emit(entry)
        elif (
            self._silent or self._skip_next or self.replica or self.dump is not None or name == "CLIENT"
        ) and not self._is_answered(name, asked.words):
            self._emit(entry)
        elif self.adrift:
            entry.malformed = MISSING
            self._emit(entry)
        elif (oldest := self._waiting.ask(entry)) is not None:
            self._forgotten += 1
            self._emit(oldest)

    def _is_answered(self, name: str, words: list[bytes]) -> bool:
        """Follow CLIENT REPLY OFF, SKIP and ON; a replica that follows the stream gets no replies."""
        mode = b""
        if name == "CLIENT" and len(words) > 2 and words[1].upper() == b"REPLY":
            mode = words[2].upper()
        if mode == b"ON":
            self._silent = self._skip_next = False
            return True
        if mode == b"OFF":
            self._silent = True
        if self._silent or self.replica or self.dump is not None:
            return False
        skipped, self._skip_next = self._skip_next, mode == b"SKIP"
        return not (skipped or mode == b"SKIP")

    def lose(self) -> None:
        """Hear that bytes are missing or cannot be read: what waits may have been answered there."""
        self.adrift = True
        self._confirmed = self._forgotten = 0
        for entry in self._waiting.flush():
            entry.malformed = entry.malformed or MISSING
            self._emit(entry)

    def settle(self, *, whole_replies: bool, quiet_ns: int) -> None:
        """Hear that the client speaks, behind whole replies or not, and how long nobody spoke before.

        Then all replies are in, unless it is a client that does not wait for them.
        """
        if quiet_ns >= QUIET_NS or (whole_replies and not self.pipelined):
            self.adrift = False

    def answer_usual(self, reply_type: str, span: Span, body: bytes) -> bool:
        """Take a reply that is no error or push, without further looks; False where it needs them."""
        waiting = self._waiting
        entry = waiting.next
        if entry is None or self._monitoring or self._forgotten or self._subscribed:
            return False
        fields, length = entry.fields, span.length
        if fields["redis_command"] in UNUSUAL:
            return False
        waiting.answer()
        if waiting.next is not None:
            self.pipelined = True
        fields["redis_type"], fields["redis_response_size"] = reply_type, length
        fields["redis_total_size"] += length
        entry.response, entry.response_body, entry.status = span, body[: self._limit], "OK"
        self._emit(entry)
        return True

    def answer(self, message: Message) -> None:
        """Take a whole reply. Raises RespError."""
        reply = read_reply(message.body)
        self.pipelined = self.pipelined or len(self._waiting) > 1
        own = reply.type == "push" or self._subscribed
        if reply.first in _CONFIRMATIONS and (own or self._waits_for(_SUBSCRIPTIONS)):
            self._confirm(reply, message)
        elif reply.type == "push" or (self._subscribed and reply.first in _PUSHES):
            self._push(reply, message)
        elif self._monitoring and _MONITORED.match(message.body):
            self._push(Reply(reply.type, "", "monitor"), message)
        else:
            entry = self._next() or self._lone(reply.type)
            self._complete(entry, reply, message)
            self._follow(entry, message.body)
            self._emit(entry)

    def begins_dump(self, byte: int) -> bool:
        """Tell whether the reply to SYNC begins here, which is a database."""
        if byte != 0x24 or not self._waits_for(frozenset({"SYNC"})):
            return False
        self.dump = Dump()
        return True

    def end_dump(self, dump: Dump) -> None:
        """Emit the database; the stream of commands follows."""
        self.dump, self.replica = None, True
        entry = self._next() if self._waits_for(frozenset({"SYNC"})) else None
        entry = entry or self._lone("RDB")
        if dump.span is not None:
            self._complete(entry, Reply("bulk string"), Message(dump.span, b"", dump.span.length))
            self._emit(entry)

    def unread(self, message: Message, direction: Direction, why: str) -> None:
        """Emit what cannot be read; on the server's side it is the reply to the command that waits."""
        entry = (self._next() if direction is Direction.SERVER else None) or self._lone("")
        body = message.body[: self._limit]
        entry.malformed = why
        if direction is Direction.CLIENT:
            entry.request, entry.request_body = message.span, body
            entry.fields |= {"redis_type": "command", "redis_request_size": message.size}
        else:
            entry.response, entry.response_body = message.span, body
            entry.fields["redis_response_size"] = message.size
        entry.fields["redis_total_size"] = entry.fields.get("redis_total_size", 0) + message.size
        self._emit(entry)

    def flush(self) -> None:
        """Emit the commands that wait: no reply will come."""
        self._confirmed = self._forgotten = 0
        for entry in self._waiting.flush():
            self._emit(entry)

    def _next(self) -> Entry | None:
        """Take the command that the present reply belongs to, unless it was let go because too many waited."""
        if self._forgotten:
            self._forgotten -= 1
            return None
        return self._waiting.answer()

    def _waits_for(self, names: frozenset[str]) -> bool:
        entry = self._waiting.next
        return entry is not None and entry.fields["redis_command"] in names

    def _follow(self, entry: Entry, body: bytes) -> None:
        """Change the mode of the connection where the reply to a command does so."""
        name = entry.fields.get("redis_command", "")
        if entry.failed or name not in _CHANGING:
            return
        if name == "MONITOR":
            self._monitoring = True
        elif name == "RESET":
            self._monitoring = self._subscribed = False
        elif body.startswith(b"+FULLRESYNC"):
            self.dump = Dump()
        elif body.startswith(b"+CONTINUE"):
            self.replica = True

    def _confirm(self, reply: Reply, message: Message) -> None:
        """Take one of the confirmations of a subscription; there is one for each channel."""
        entry = self._waiting.next
        self._subscribed = True
        left = self._followed(reply)
        if entry is None or entry.fields["redis_command"] != reply.first.upper():
            self._push(reply, message)
            return
        if entry.response is None:
            self._complete(entry, reply, message)
        else:
            entry.response = join(entry.response, message.span)
            entry.fields["redis_response_size"] += message.size
            entry.fields["redis_total_size"] += message.size
        self._confirmed += 1
        wanted = entry.fields["redis_arguments"]
        if self._confirmed >= wanted if wanted else not left:
            self._confirmed = 0
            self._waiting.answer()
            self._emit(entry)

    def _followed(self, reply: Reply) -> int:
        """Follow what is subscribed, all of which UNSUBSCRIBE without arguments means; give how many are left."""
        kind = reply.first.replace("unsubscribe", "").replace("subscribe", "")
        channels = self._channels.setdefault(kind, set())
        if "unsubscribe" in reply.first:
            channels.discard(reply.second)
        elif len(channels) < CHANNELS:
            channels.add(reply.second)
        return len(channels)

    def _push(self, reply: Reply, message: Message) -> None:
        """Emit a message that nobody asked for at this moment."""
        kind = reply.first.upper()
        entry = self._lone(f"{kind} {reply.second}".strip() or "push")
        entry.fields |= {"redis_command": kind, "redis_key": reply.second}
        self._complete(entry, reply, message)
        self._emit(entry)

    def _lone(self, summary: str) -> Entry:
        return Entry("redis", self._connection, None, None, {"redis": True}, summary)

    def _complete(self, entry: Entry, reply: Reply, message: Message) -> None:
        """Add the reply to a command, or to an entry that has none."""
        fields = entry.fields
        fields["redis_type"] = reply.type
        fields["redis_response_size"] = message.size
        fields["redis_total_size"] = fields.get("redis_request_size", 0) + message.size
        if message.size > len(message.body):
            fields["redis_truncated"] = True
        entry.response, entry.response_body = message.span, message.body[: self._limit]
        if reply.type.endswith("error"):
            fields["redis_error"] = reply.error
            entry.status, entry.failed = reply.error.split(" ", 1)[0] or "ERR", True
        else:
            entry.status = "OK"
