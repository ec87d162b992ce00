"""Who waits for whom, as numbers: pods and workloads, their calls as slices, and their times on one line.

Everything is done for some pods and workloads at a time, so that a million calls need no more memory than a part of
them does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, Texts, Whole
from kubeshark_mcp.analyse.facts import Facts

VAGUE = 0.1
"""Share of a workload's calls without a pod above which its pods are not told apart."""
BLOCK = 1 << 17
"""Rows that are looked at together, about; more where one pod or workload has more."""


class Keys:
    """Numbers for pods and workloads, from 0 on; `size` is one more than the greatest.

    server: whom each call is answered by: the pod, or the workload where pods are not known well enough; -1 unknown.
    """

    def __init__(self, facts: Facts) -> None:
        calls = facts.calls
        self._numbers: dict[str, int] = {}
        client_pod, client = self.pods(calls.client_pod), self.workloads(calls.client)
        server_pod, workload = self.pods(calls.server_pod), self.workloads(calls.server)
        self.pods(facts.connections.client_pod)
        self.workloads(facts.connections.client)
        self.size = len(self._numbers) + 1
        made = np.bincount(client + 1, minlength=self.size + 1)[1:]
        podless = np.bincount(client[client_pod < 0] + 1, minlength=self.size + 1)[1:]
        vague = podless > VAGUE * made
        self.server = np.where((server_pod >= 0) & ~vague[workload], server_pod, workload)

    def pods(self, column: Texts) -> Whole:
        """Give the number of each row's pod; -1 for an empty one."""
        return self._of(column, "pod ")

    def workloads(self, column: Texts) -> Whole:
        """Give the number of each row's workload; -1 for an empty one."""
        return self._of(column, "")

    def _of(self, column: Texts, prefix: str) -> Whole:
        numbers = [
            self._numbers.setdefault(prefix + value, len(self._numbers)) if value else -1 for value in column.values
        ]
        found: Whole = np.array(numbers, np.int32)[column.codes] if numbers else np.zeros(0, np.int32)
        return found


class Lanes:
    """Rows of a table in order of time, sorted by key: those of some keys are one slice."""

    def __init__(self, key: Whole, chosen: Mask, size: int) -> None:
        rows = np.flatnonzero(chosen).astype(np.int32)
        own = key[rows]
        short = own.astype(np.int16) if size <= np.iinfo(np.int16).max else own  # Short numbers are sorted by radix.
        self._rows = rows[np.argsort(short, kind="stable")]
        self.counts: Int64 = np.bincount(own, minlength=size)
        self._ends = np.concatenate([[0], np.cumsum(self.counts)])

    def of(self, low: int, high: int) -> tuple[Whole, Int64]:
        """Give the rows of the keys from `low` on and below `high`, by key and time, and the key of each less `low`."""
        return (
            self._rows[self._ends[low] : self._ends[high]],
            np.repeat(np.arange(high - low, dtype=np.int64), self.counts[low:high]),
        )


def blocks(*lanes: Lanes) -> Iterator[tuple[int, int]]:
    """Give ranges of keys that have about BLOCK rows together; keys without a row in the first lanes are left out."""
    total = np.cumsum(np.sum([one.counts for one in lanes], axis=0))
    keys = np.flatnonzero(lanes[0].counts)
    while len(keys):
        low = int(keys[0])
        before = int(total[low - 1]) if low else 0
        high = max(int(np.searchsorted(total, before + BLOCK, "right")), low + 1)
        yield low, high
        keys = keys[keys >= high]


class Axis:
    """Times of many keys on one line: no span of a key reaches into the next key's part."""

    def __init__(self, first_ns: int, last_ns: int) -> None:
        self._first, self._width = first_ns - 1, last_ns - first_ns + 3

    def at(self, key: Int64, time_ns: Int64) -> Int64:
        """Give the place of a time; outside of the window it is the window's edge."""
        place: Int64 = time_ns - self._first
        np.clip(place, 0, self._width - 1, out=place)
        place += key * self._width
        return place
