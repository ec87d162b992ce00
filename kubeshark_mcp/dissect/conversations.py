"""Conversations over TCP read as columns: questions and answers in messages whose length is told, answered in order.

A protocol takes this way by giving three things (see `ConversationReader`): which first bytes it is sure of, where the
usual messages of all ways end, and what the entries of questions with their answers are. Everything else is here: what
waits from one block to the next, evidence, pairing, and the way to a dissector for whatever is not usual.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.dissect.base import HandOver, StreamReader, TakenStreams
from kubeshark_mcp.dissect.pairing import WAITING
from kubeshark_mcp.dissect.ways import Ways, ways_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubeshark_mcp.model.entry_columns import EntryColumns
    from kubeshark_mcp.model.stream import Connection, Piece
    from kubeshark_mcp.model.stream_block import StreamBlock

HELD_BYTES = 64 * 1024
"""Bytes of one connection that are held, unanswered or unfinished; with more of them it goes to a dissector."""

Int64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """n messages of one direction, connection by connection, in their order. All are int64 of n.

    connection: whose it is. begin, end: where its bytes are in `Ways.data`. code: what it says, as its reader has it.
    """

    connection: Int64
    begin: Int64
    end: Int64
    code: Int64

    def taken(self, chosen: Int64) -> Messages:
        """Give some of them."""
        return Messages(self.connection[chosen], self.begin[chosen], self.end[chosen], self.code[chosen])


class Notes:
    """Takes down messages as they are read, which follow on from each other within a way. A list has but numbers."""

    __slots__ = ("_ways", "codes", "ends")

    def __init__(self) -> None:
        self.ends: list[int] = []
        """Where each message ends in `Ways.data`."""
        self.codes: list[int] = []
        """What each says."""
        self._ways: list[tuple[int, int, int]] = []

    def begin(self, connection: int, position: int) -> None:
        """Hear whose messages come next, and where the first of them begins."""
        self._ways.append((connection, position, len(self.ends)))

    def messages(self) -> Messages:
        """Give all of them as columns."""
        ways = np.array(self._ways, np.int64).reshape(-1, 3)
        counts = np.diff(ways[:, 2], append=len(self.ends))
        ends = np.array(self.ends, np.int64)
        begins = np.append(np.zeros(1, np.int64), ends)[:-1]
        (some,) = np.nonzero(counts)
        begins[ways[some, 2]] = ways[some, 1]
        return Messages(ways[:, 0].repeat(counts), begins, ends, np.array(self.codes, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What was read of c connections.

    rest: int64 of 2c, position of each way behind its last whole message. odd: bool of c, connections in which
    something else than usual messages was found; what is told of them does not matter.
    """

    asked: Messages
    answered: Messages
    rest: Int64
    odd: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Resumption(HandOver):
    """What a dissector has to know to go on with a connection; `rest` begins with messages, in both directions.

    pipelined: the client was seen to ask before all answers were there. answers: the server was heard before.
    """

    pipelined: bool = False
    answers: bool = False


class ConversationReader(StreamReader):
    """Reads connections whose questions are answered in their order, one answer each."""

    def __init__(self, protocol: str) -> None:
        """Begin. protocol: its KFL name."""
        self._protocol = protocol
        self._held: dict[int, list[Piece]] = {}
        self._pipelined: set[int] = set()
        self._unheard: set[int] = set()

    @abstractmethod
    def is_question(self, data: bytes) -> bool:
        """Tell whether the probe is sure of a connection whose client begins with these bytes, with a message."""

    @abstractmethod
    def is_answer(self, data: bytes) -> bool:
        """Tell whether a message surely begins the bytes of a server whose connection was joined on its way."""

    @abstractmethod
    def read(self, ways: Ways) -> Said:
        """Find the messages of all ways."""

    @abstractmethod
    def entries(
        self, ways: Ways, connections: Sequence[Connection], asked: Messages, answered: Messages
    ) -> EntryColumns:
        """Make the entries of questions, each with the answer in the same place."""

    def feed(self, block: StreamBlock, offered: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> TakenStreams:
        """Take what is usual; see StreamReader."""
        chosen = offered.copy()
        chosen[block.connection[block.gap > 0]] = False
        self._look(block, chosen, fresh)
        if not chosen.any():
            return TakenStreams(chosen)
        places = np.flatnonzero(chosen)
        connections = [block.connections[place] for place in places.tolist()]
        held = {
            place: self._held[connection.number]
            for place, connection in enumerate(connections)
            if connection.number in self._held
        }
        ways = ways_of(block, chosen, held)
        said = self.read(ways)
        pairs = pair_in_order(ways, said)
        odd, waits = pairs.odd, ways.bounds[1:] - pairs.waits
        odd |= waits[0::2] + waits[1::2] > HELD_BYTES
        chosen[places[odd]] = False
        self._note(block, chosen, fresh)
        self._hold(ways, connections, odd, pairs)
        rows = np.flatnonzero(~odd[said.answered.connection[pairs.answered]])
        if not len(rows):
            return TakenStreams(chosen)
        asked, answered = said.asked.taken(pairs.asked[rows]), said.answered.taken(pairs.answered[rows])
        return TakenStreams(chosen, self.entries(ways, connections, asked, answered))

    def waits(self, number: int) -> bool:
        """Tell whether anything of a connection is unfinished or unanswered."""
        return number in self._held

    def part(self, number: int) -> HandOver:
        """Give a connection up, with what is held of it."""
        heard, pipelined = number not in self._unheard, number in self._pipelined
        pieces = self._held.get(number, [])
        self.forget(number)
        return Resumption(self._protocol, pieces, pipelined=pipelined, answers=heard)

    def forget(self, number: int) -> None:
        """Hear that a connection has ended."""
        self._held.pop(number, None)
        self._pipelined.discard(number)
        self._unheard.discard(number)

    def _look(self, block: StreamBlock, chosen: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> None:
        """Choose no connection whose beginning is not sure, or whose server is first heard inside a message."""
        for place in np.flatnonzero(chosen & fresh).tolist():
            connection = block.connections[place]
            run = int(np.searchsorted(block.connection, place))
            begins = not block.direction[run] and (not connection.from_start or not block.offset[run])
            chosen[place] = begins and self.is_question(_first_bytes(block, run))
        for place in np.flatnonzero(chosen).tolist():
            if self._is_unheard(block.connections[place], fresh[place]) and (run := _server_run(block, place)) >= 0:
                chosen[place] = self.is_answer(_first_bytes(block, run))

    def _is_unheard(self, connection: Connection, fresh: np.bool_) -> bool:
        return not connection.from_start and (bool(fresh) or connection.number in self._unheard)

    def _note(self, block: StreamBlock, kept: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> None:
        """Note of connections that were joined on their way whether the server was heard."""
        for place in np.flatnonzero(kept).tolist():
            connection = block.connections[place]
            if self._is_unheard(connection, fresh[place]):
                if _server_run(block, place) < 0:
                    self._unheard.add(connection.number)
                else:
                    self._unheard.discard(connection.number)

    def _hold(self, ways: Ways, connections: Sequence[Connection], odd: NDArray[np.bool_], pairs: Pairs) -> None:
        """Hold what waits of the connections that are not odd, and nothing else of them."""
        for place in np.flatnonzero(~odd).tolist():
            self._held.pop(connections[place].number, None)
        for place in np.flatnonzero(pairs.pipelined & ~odd).tolist():
            self._pipelined.add(connections[place].number)
        waits = (ways.bounds[1:] > pairs.waits) & np.repeat(~odd, 2)
        for way in np.flatnonzero(waits).tolist():
            piece = ways.rest(way, int(pairs.waits[way]))
            self._held.setdefault(connections[way >> 1].number, []).append(piece)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What came of questions and answers.

    odd: bool of c. asked, answered: positions of questions and of their answers, none of connections that were odd
    before. waits: int64 of 2c, where what is unanswered or unfinished begins in each way. pipelined: bool of c, whether
    a question came before the answer to the one before it.
    """

    odd: NDArray[np.bool_]
    asked: Int64
    answered: Int64
    waits: Int64
    pipelined: NDArray[np.bool_]


def pair_in_order(ways: Ways, said: Said) -> Pairs:
    """Pair the answers of each connection with its questions in their order.

    Odd is an answer that came before its question, or that nobody asked for, and too many questions without an answer.
    """
    count = len(said.odd)
    odd = said.odd.copy()
    questions, answers = said.asked.connection, said.answered.connection
    asked, answered = np.bincount(questions, minlength=count), np.bincount(answers, minlength=count)
    odd |= answered > asked
    first_asked, first_answered = np.cumsum(asked) - asked, np.cumsum(answered) - answered
    rows = np.flatnonzero(~odd[answers])
    of = answers[rows]
    question = first_asked[of] + rows - first_answered[of]
    came, went = ways.arrived(said.asked.end), ways.arrived(said.answered.end)
    odd[of[came[question] > went[rows]]] = True
    further = np.flatnonzero(question + 1 < (first_asked + asked)[of])
    pipelined = np.zeros(count, np.bool_)
    pipelined[of[further[came[question[further] + 1] < went[rows[further]]]]] = True
    for place in np.flatnonzero((asked > WAITING) & ~odd).tolist():
        ours = slice(first_asked[place], first_asked[place] + asked[place])
        theirs = went[first_answered[place] : first_answered[place] + answered[place]]
        open_then = np.arange(1, asked[place] + 1) - np.searchsorted(theirs, came[ours])
        odd[place] = open_then.max() > WAITING
    waits = said.rest.copy()
    unanswered = np.flatnonzero((asked > answered) & ~odd)
    waits[2 * unanswered] = said.asked.begin[first_asked[unanswered] + answered[unanswered]]
    return Pairs(odd, question, rows, waits, pipelined)


def _server_run(block: StreamBlock, place: int) -> int:
    """Give the first run of a connection's server in a block, -1 where there is none."""
    start, end = np.searchsorted(block.connection, [place, place + 1])
    found = np.flatnonzero(block.direction[start:end])
    return int(start + found[0]) if len(found) else -1


def _first_bytes(block: StreamBlock, run: int) -> bytes:
    """Give the bytes of the first packet of a run."""
    packet = int(block.first[run])
    start = int(block.start[packet])
    return block.data[start : start + int(block.length[packet])].tobytes()
