"""Redis as columns: connections on which each command gets one reply, as on nearly all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.dissect.conversations import ConversationReader, Said
from kubeshark_mcp.dissect.redis_commands import Commands
from kubeshark_mcp.dissect.redis_replies import Replies
from kubeshark_mcp.dissect.wire_resp_commands import COMMAND_START, is_command, is_reply
from kubeshark_mcp.model.entry_columns import Coded, Column, ConnectionColumns, EntryColumns, Numbers, Slices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kubeshark_mcp.dissect.conversations import Messages
    from kubeshark_mcp.dissect.ways import Ways
    from kubeshark_mcp.model.stream import Connection


class RedisColumns(ConversationReader):
    """Reads connections without subscriptions, MONITOR, replication, CLIENT REPLY, inline commands and pushes."""

    def __init__(self, body_limit: int) -> None:
        """Begin. body_limit: bytes of each command and reply that are kept."""
        super().__init__("redis")
        self._limit = body_limit

    def is_question(self, data: bytes) -> bool:
        """Tell whether a known command begins here."""
        start = COMMAND_START.match(data)
        return start is not None and int(start[1]) == len(start[2]) and is_command(start[2])

    def is_answer(self, data: bytes) -> bool:
        """Tell whether a reply begins here."""
        return is_reply(data)

    def read(self, ways: Ways) -> Said:
        """Find the commands and replies of all ways."""
        self._commands, self._replies = Commands(), Replies()
        bounds = ways.bounds.tolist()
        rest = list(bounds[1:])
        odd = np.zeros(len(rest) // 2, np.bool_)
        for connection in range(len(odd)):
            begin, middle, end = bounds[2 * connection : 2 * connection + 3]
            client = self._commands.read(connection, ways.data, begin, middle)
            server = self._replies.read(connection, ways.data, middle, end) if client >= 0 else -1
            odd[connection] = server < 0
            if server >= 0:
                rest[2 * connection : 2 * connection + 2] = client, server
        asked, answered = self._commands.notes.messages(), self._replies.notes.messages()
        return Said(asked, answered, np.array(rest, np.int64), odd)

    def entries(
        self, ways: Ways, connections: Sequence[Connection], asked: Messages, answered: Messages
    ) -> EntryColumns:
        """Make the entries of commands with their replies."""
        used, places = np.unique(asked.connection, return_inverse=True)
        requests, responses = asked.end - asked.begin, answered.end - answered.begin
        commands, replies = self._commands, self._replies
        codes, said = _Used(asked.code), _Used(answered.code)
        texts = [commands.asked[code] for code in codes.distinct]
        outcomes = [replies.outcomes[code] for code in said.distinct]
        errors = [None if not outcome.failed else outcome.error for outcome in outcomes]
        fields: dict[str, Column] = {
            "redis": Numbers(np.ones(len(requests), np.bool_)),
            "redis_type": said.of([outcome.type for outcome in outcomes]),
            "redis_command": codes.of([one.name for one in texts]),
            "redis_key": codes.of([one.key for one in texts]),
            "redis_arguments": Numbers(np.array([one.arguments for one in texts], np.int64)[codes.places]),
            "redis_request_size": Numbers(requests),
            "redis_response_size": Numbers(responses),
            "redis_total_size": Numbers(requests + responses),
        }
        failed = np.array([outcome.failed for outcome in outcomes], np.bool_)[said.places]
        if failed.any():
            fields["redis_error"] = said.of(errors)
        return EntryColumns(
            "redis",
            ConnectionColumns.of([connections[place] for place in used.tolist()], np.array),
            places.astype(np.int32),
            ways.spans(2 * asked.connection, asked.begin, asked.end),
            ways.spans(2 * answered.connection + 1, answered.begin, answered.end),
            fields,
            codes.of([one.summary for one in texts]),
            said.of([outcome.status for outcome in outcomes]),
            failed,
            None,
            Slices(ways.data, asked.begin, np.minimum(requests, self._limit)),
            Slices(ways.data, answered.begin, np.minimum(responses, self._limit)),
        )


class _Used:
    """Which codes occur, and where."""

    def __init__(self, codes: NDArray[np.int64]) -> None:
        distinct, self.places = np.unique(codes, return_inverse=True)
        self.distinct: list[int] = distinct.tolist()

    def of(self, values: list[Any]) -> Coded:
        """Give a column of a value for each distinct code, none for None."""
        known: dict[Any, int] = {None: -1}
        values_of = [known.setdefault(value, len(known) - 1) for value in values]
        del known[None]
        return Coded(list(known), np.array(values_of, np.int32)[self.places])
