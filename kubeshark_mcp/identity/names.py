"""DNS names of addresses: what was answered last before a given time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from kubeshark_mcp.identity.addresses import canonical

NAMES_KEPT = 500_000
"""Changes of name that are remembered over all addresses; further ones are only counted."""


class NameTable:
    """Which DNS name led to an address. The latest answer before a time wins, however long ago it expired.

    A connection outlives the answer that it began with, so the time to live says nothing about whose address it is.
    """

    def __init__(self) -> None:
        self._single: dict[str, tuple[int, str]] = {}
        """Time and name of an address that had no other, as nearly all: lists for each would take three times this."""
        self._several: dict[str, tuple[list[int], list[str]]] = {}
        self._count = 0
        self.dropped = 0

    def add(self, name: str, address: str, time_ns: int) -> None:
        """Remember that `name` was answered with `address` at that time (Unix nanoseconds UTC)."""
        known = canonical(address)
        if not known or not name:
            return
        times, names = self._told(known)
        place = bisect_right(times, time_ns)
        if place and names[place - 1] == name:
            return
        if self._count >= NAMES_KEPT:
            self.dropped += 1
            return
        self._count += 1
        if not times:
            self._single[known] = time_ns, name
            return
        times.insert(place, time_ns)
        names.insert(place, name)
        self._single.pop(known, None)
        self._several[known] = times, names

    def add_all(self, answers: Iterable[tuple[int, Iterable[tuple[str, str]]]]) -> None:
        """Remember many answers, each with its time and the (name, address) that it tells, as `add` does one by one.

        Nearly all of them repeat what an address was called last, or come after all that is known of it.
        """
        single, several = self._single, self._several
        for time_ns, told in answers:
            for name, address in told:
                changes = several.get(address)
                if changes is None:
                    only = single.get(address)
                    if only is None or only[1] != name or time_ns < only[0]:
                        self.add(name, address, time_ns)
                    continue
                times, names = changes
                if time_ns < times[-1] or self._count >= NAMES_KEPT:
                    self.add(name, address, time_ns)
                elif names[-1] != name and name:
                    self._count += 1
                    times.append(time_ns)
                    names.append(name)

    def has_room(self, changes: int) -> bool:
        """Tell whether so many more changes of name would all be remembered."""
        return self._count + changes <= NAMES_KEPT

    def latest(self, address: str) -> int | None:
        """Give when an address got the last of the names that are known; None where none is."""
        single = self._single.get(address)
        if single is not None:
            return single[0]
        several = self._several.get(address)
        return None if several is None else several[0][-1]

    def resolve(self, address: str, time_ns: int) -> str:
        """Give the name of an address at a time; empty where none is known.

        Before the first answer it is that answer's name: who talked to the address then had asked before the capture
        began, and one server must not change its name halfway.
        """
        single = self._single.get(address)
        if single is not None:
            return single[1]
        several = self._several.get(address)
        if several is None:
            return ""
        times, names = several
        return names[max(bisect_right(times, time_ns) - 1, 0)]

    def changes(self, address: str) -> list[int]:
        """Give the times at which an address got another name, in order; empty for one that always has the same."""
        several = self._several.get(address)
        return [] if several is None else several[0]

    def _told(self, address: str) -> tuple[list[int], list[str]]:
        """Give the times at which an address got names, in order, and these names."""
        single = self._single.get(address)
        if single is not None:
            return [single[0]], [single[1]]
        return self._several.get(address) or ([], [])


def from_dns(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Give (name, address) of lines as the KFL field `dns_addresses` has them: `NAME TTL ADDRESS`; skip others."""
    found = []
    for line in lines:
        parts = line.rsplit(" ", 2)
        if len(parts) == 3 and parts[1].isdigit() and canonical(parts[2]):
            found.append((parts[0], parts[2]))
    return found
