"""Questions and answers paired as columns, where a conversation asks and is answered as usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Exchanges:
    """n messages in the order in which they came.

    connection: int of n. number: int of n, below 2^16, what question and answer have in common. key: int of n, below
    2^24, what is asked for. answers: bool of n, the message is an answer. time_ns: int64 of n.
    """

    connection: NDArray[np.int32]
    number: NDArray[np.int64]
    key: NDArray[np.int32]
    answers: NDArray[np.bool_]
    time_ns: NDArray[np.int64]

    def taken(self, chosen: NDArray[np.bool_]) -> Exchanges:
        """Give some messages."""
        return Exchanges(
            self.connection[chosen],
            self.number[chosen],
            self.key[chosen],
            self.answers[chosen],
            self.time_ns[chosen],
        )


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a conversation may do to count as usual.

    lifetime_ns: longest time from a question to any answer of its number; to its own alone where `each` is set.
    same_number, at_once: unanswered questions of one number, and of one connection, at any moment.
    """

    lifetime_ns: int
    same_number: int
    at_once: int
    each: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """What came of n messages: questions with their answers, first come first served, and questions that wait.

    unusual: bool of the connections; nothing of theirs is in the others. asked, answered, waiting: positions; pairs are
    in the order of their answers.
    """

    unusual: NDArray[np.bool_]
    asked: NDArray[np.intp]
    answered: NDArray[np.intp]
    waiting: NDArray[np.intp]

    def usual(self, connection: NDArray[np.integer[Any]]) -> Pairs:
        """Give them without those of connections marked as unusual since. connection: that of each message."""
        if not self.unusual.any():
            return self
        stay = ~self.unusual[connection[self.asked]]
        waiting = self.waiting[~self.unusual[connection[self.waiting]]]
        return Pairs(self.unusual, self.asked[stay], self.answered[stay], waiting)


def pair(messages: Exchanges, connections: int, bounds: Bounds) -> Pairs:
    """Pair the messages of so many connections.

    Unusual is an answer that nothing asks for or that comes too late, and too many questions without one.
    """
    unusual = np.zeros(connections, bool)
    place = messages.connection.astype(np.int64) << 16 | messages.number
    order = np.argsort(place, kind="stable")
    starts = _starts(place[order])
    if not bounds.each:
        _mark(unusual, messages, order, starts, _too_late(messages, order, starts, bounds.lifetime_ns))
    _mark(unusual, messages, order, starts, _most_open(messages, order, starts) > bounds.same_number)
    if (np.bincount(messages.connection, ~messages.answers, connections) > bounds.at_once).any():
        by_connection = np.argsort(messages.connection, kind="stable")
        runs = _starts(messages.connection[by_connection])
        most = _most_open(messages, by_connection, runs)
        _mark(unusual, messages, by_connection, runs, most > bounds.at_once)
    full = place << 24 | messages.key
    if (np.diff(messages.key[order]) != 0)[np.diff(place[order]) == 0].any():
        order = np.argsort(full, kind="stable")
    starts = _starts(full[order])
    _mark(unusual, messages, order, starts, _fewest_open(messages, order, starts) < 0)
    paired = _paired(messages, unusual, order[~unusual[messages.connection[order]]], full)
    return _timely(paired, messages, bounds.lifetime_ns) if bounds.each else paired


def _paired(messages: Exchanges, unusual: NDArray[np.bool_], order: NDArray[np.intp], full: NDArray[np.int64]) -> Pairs:
    """Give the i-th question of each group its i-th answer; there are never more answers than questions."""
    answers = messages.answers[order]
    asked, answered = order[~answers], order[answers]
    groups = np.cumsum(np.diff(full[order], prepend=-1) != 0) - 1
    ask_groups, answer_groups = groups[~answers], groups[answers]
    first_ask = np.searchsorted(ask_groups, answer_groups)
    rank = np.arange(len(answered)) - np.searchsorted(answer_groups, answer_groups)
    matching = first_ask + rank
    waits = np.ones(len(asked), bool)
    waits[matching] = False
    by_answer = np.argsort(answered)
    return Pairs(unusual, asked[matching][by_answer], answered[by_answer], np.sort(asked[waits]))


def repeats(messages: Exchanges) -> NDArray[np.intp]:
    """Give the position of the question before each that is asked while one of its number is open; -1 for all others.

    No number may have more answers than questions, at any moment.
    """
    previous = np.full(len(messages.number), -1)
    if not len(previous):
        return previous
    place = messages.connection.astype(np.int64) << 16 | messages.number
    order = np.argsort(place, kind="stable")
    asked = ~messages.answers[order]
    again = np.flatnonzero(asked & (_open_at_each(messages, order, _starts(place[order])) > 1))
    latest = np.maximum.accumulate(np.where(asked, np.arange(len(order)), 0))
    previous[order[again]] = order[latest[again - 1]]
    return previous


def _timely(paired: Pairs, messages: Exchanges, lifetime_ns: int) -> Pairs:
    """Mark connections with an answer that came too late for its own question."""
    late = messages.time_ns[paired.answered] - messages.time_ns[paired.asked] > lifetime_ns
    paired.unusual[messages.connection[paired.answered[late]]] = True
    return paired.usual(messages.connection)


def _starts(ordered: NDArray[np.signedinteger[Any]]) -> NDArray[np.intp]:
    return np.flatnonzero(np.diff(ordered, prepend=-1) != 0)


def _mark(
    unusual: NDArray[np.bool_],
    messages: Exchanges,
    order: NDArray[np.intp],
    starts: NDArray[np.intp],
    found: NDArray[np.bool_],
) -> None:
    """Mark the connections of the groups found."""
    unusual[messages.connection[order[starts[found]]]] = True


def _open_at_each(messages: Exchanges, order: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[np.int64]:
    """Count the questions of its group that are open behind each message."""
    running = np.cumsum(np.where(messages.answers[order], -1, 1))
    sizes = np.diff(starts, append=len(order))
    base = np.concatenate([np.zeros(1, np.int64), running])[starts]
    return np.asarray(running - np.repeat(base, sizes))


def _most_open(messages: Exchanges, order: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[np.int64]:
    if not len(order):
        return np.zeros(0, np.int64)
    return np.asarray(np.maximum.reduceat(_open_at_each(messages, order, starts), starts))


def _fewest_open(messages: Exchanges, order: NDArray[np.intp], starts: NDArray[np.intp]) -> NDArray[np.int64]:
    if not len(order):
        return np.zeros(0, np.int64)
    return np.asarray(np.minimum.reduceat(_open_at_each(messages, order, starts), starts))


def _too_late(
    messages: Exchanges, order: NDArray[np.intp], starts: NDArray[np.intp], lifetime_ns: int
) -> NDArray[np.bool_]:
    """Tell of each group whether some answer came too long after some question, whichever it belongs to."""
    if not len(order):
        return np.zeros(0, bool)
    times, answers = messages.time_ns[order], messages.answers[order]
    earliest = np.minimum.reduceat(times, starts)
    latest = np.maximum.reduceat(np.where(answers, times, np.iinfo(np.int64).min), starts)
    return np.asarray((latest > earliest) & (latest - np.minimum(earliest, latest) > lifetime_ns))
