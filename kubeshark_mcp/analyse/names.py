"""DNS look-ups as detectors see them: names without what a resolver's search list appended."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np

from kubeshark_mcp.analyse.columns import Int64, Mask, groups
from kubeshark_mcp.analyse.facts import Facts

_SERVICE = re.compile(r"(?:^|\.)svc\.(?P<domain>[a-z0-9.-]+)$", re.IGNORECASE)
_NEVER = -1


@dataclass(frozen=True, slots=True)
class Lookups:
    """DNS calls with what they are about. rows: of `facts.calls`, in order of time; all arrays are as long.

    base: index into `bases` of the name as the program asked for it, without search domains. last: the query is the
    one that a resolver sends when all search domains have failed, so that its NXDOMAIN is final. searched: it has a
    search domain appended.
    """

    rows: Int64
    base: Int64
    last: Mask
    searched: Mask
    bases: tuple[str, ...]
    nxdomain: Mask
    good: Mask


def question(endpoint: str) -> tuple[str, str]:
    """Take `A www.example.com` apart: type and name, in lower case, without a dot at the end."""
    kind, _, name = endpoint.partition(" ")
    return kind.upper(), name.split(" ", 1)[0].rstrip(".").lower()


def cluster_domains(names: set[str]) -> tuple[str, ...]:
    """Give the domains that cluster services live in (`cluster.local`), shortest first, by their `svc` label."""
    found = {match["domain"] for name in names if (match := _SERVICE.search(name))}
    # A search domain appended to a name that has one already gives a longer false domain: the shortest ones are real.
    short = {one for one in found if not any(one != other and one.endswith(f".{other}") for other in found)}
    return tuple(sorted((one for one in short if ".svc." not in one), key=len))


def without_search(name: str, namespace: str, domains: tuple[str, ...], asked: Set[str] = frozenset()) -> str:
    """Give a name as a program in a pod of `namespace` asked for it, without its resolver's search domains.

    `payments.shop.svc.cluster.local` may be `payments` asked for in `shop`, or `payments.shop`: the longest candidate
    whose first search domain was tried too (it is among the names `asked`) is the one; else all is stripped.
    """
    suffixes = [f".{part}{domain}" for domain in domains for part in (f"{namespace}.svc.", "svc.", "")]
    firsts = [f".{namespace}.svc.{domain}" for domain in domains]
    candidates, row = [name], [name]
    while row:
        row = [one[: -len(end)] for one in row for end in suffixes if one.endswith(end) and len(one) > len(end)]
        row = [one for one in dict.fromkeys(row) if one not in candidates]
        candidates += row
    candidates.sort(key=len, reverse=True)
    return next((one for one in candidates if any(one + first in asked for first in firsts)), candidates[-1])


def home_of(asked: Set[str], domains: tuple[str, ...]) -> str:
    """Guess the namespace of a client that has no name: the one whose search domain it tries before the plain `svc`."""
    votes: Counter[str] = Counter()
    for domain in domains:
        for name in asked:
            bare, _, namespace = name.removesuffix(f".svc.{domain}").rpartition(".")
            if name.endswith(f".svc.{domain}") and bare and f"{bare}.svc.{domain}" in asked:
                votes[namespace] += 1
    return votes.most_common(1)[0][0] if votes else ""


def lookups(facts: Facts) -> Lookups:
    """Give all DNS look-ups, for `facts.derived`."""
    calls = facts.calls
    rows = np.flatnonzero(calls.protocol.equal("dns"))
    endpoints, clients = calls.endpoint.taken(rows), calls.client.taken(rows)
    asked = {code: question(calls.endpoint.values[code])[1] for code in np.unique(endpoints.codes)}
    domains = cluster_domains(set(asked.values()))
    numbers: dict[str, int] = {}
    base = np.full(len(rows), _NEVER, np.int64)
    searched, last = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    questions: dict[str, dict[str, list[Int64]]] = defaultdict(lambda: defaultdict(list))
    for (client, endpoint), own in groups(clients, endpoints):
        questions[client][question(endpoint)[1]].append(own)
    shortest: dict[tuple[str, str], int] = defaultdict(lambda: 1 << 30)
    places: list[tuple[str, str, str, Int64]] = []
    for client, names in questions.items():
        namespace = client.partition("/")[0] if "/" in client else home_of(names.keys(), domains)
        for name, parts in names.items():
            bare = without_search(name, namespace, domains, names.keys())
            own = np.concatenate(parts)
            base[own] = numbers.setdefault(bare, len(numbers))
            shortest[client, bare] = min(shortest[client, bare], len(name))
            places.append((client, bare, name, own))
    for client, bare, name, own in places:
        last[own] = len(name) == shortest[client, bare]
        searched[own] = len(name) > shortest[client, bare]
    status = calls.status.taken(rows)
    return Lookups(rows, base, last, searched, tuple(numbers), status.equal("NXDOMAIN"), status.equal("NOERROR"))


def entropy(text: str) -> float:
    """Give the bits a character of a text carries (Shannon); 0 for an empty one."""
    counts: Mapping[str, int] = {letter: text.count(letter) for letter in set(text)}
    total = len(text)
    return float(-sum(n / total * np.log2(n / total) for n in counts.values())) if total else 0.0


def registered(name: str) -> str:
    """Give the last two labels of a name: near enough to what somebody registered."""
    return ".".join(name.split(".")[-2:])
