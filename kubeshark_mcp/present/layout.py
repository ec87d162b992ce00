"""Where the boxes of a service map go: layers from left to right, few crossings, no edge through a box.

The usual steps of layered drawing (Sugiyama, Tagawa and Toda, 1981): break cycles, assign layers by the longest path,
put a bend on every layer that an edge passes, order layers by barycenters, place by the order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 8
BOX_HEIGHT, BEND_HEIGHT, GAP = 58.0, 26.0, 22.0

Node = str | tuple[str, str, int]
"""A box by its name, or a bend: client, server and layer of the edge that passes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Layers of boxes and bends. place: node -> layer from 0 and middle height; height: of the whole drawing.

    ways: edge -> the heights it passes at, one for each layer from its client's to its server's. An edge that leads
    back to an earlier layer, or to the same box, has its ends only.
    """

    layers: int
    height: float
    place: Mapping[str, tuple[int, float]]
    ways: Mapping[tuple[str, str], Sequence[float]]


def layered(edges: Iterable[tuple[str, str]]) -> Layout:
    """Place the nodes of a graph; the same graph in the same order gives the same drawing."""
    every = list(dict.fromkeys(edges))
    forward = _acyclic(every)
    rank = _ranks(forward, [name for edge in every for name in edge])
    columns, links = _with_bends(forward, rank)
    _order(columns, links)
    heights = _heights(columns, links)
    total = max((heights[node] + _size(node) / 2 for column in columns for node in column), default=0.0)
    place = {name: (rank[name], heights[name]) for name in rank}
    ways: dict[tuple[str, str], list[float]] = {}
    for client, server in every:
        if (client, server) in forward:
            bends = [heights[client, server, layer] for layer in range(rank[client] + 1, rank[server])]
        else:
            bends = []
        ways[client, server] = [heights[client], *bends, heights[server]]
    return Layout(len(columns), total, place, ways)


def _acyclic(edges: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Leave out edges that close a cycle, by a depth-first walk that begins where nothing comes in."""
    below: dict[str, list[str]] = defaultdict(list)
    incoming: dict[str, int] = defaultdict(int)
    for client, server in edges:
        if client != server:
            below[client].append(server)
            incoming[server] += 1
    names = sorted(dict.fromkeys(name for edge in edges for name in edge), key=lambda name: incoming[name] > 0)
    kept: set[tuple[str, str]] = set()
    state: dict[str, int] = {}  # 1: on the way, 2: done
    for start in names:
        if start in state:
            continue
        stack = [(start, iter(below[start]))]
        state[start] = 1
        while stack:
            name, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[name] = 2
                stack.pop()
            elif state.get(following) != 1:
                kept.add((name, following))
                if following not in state:
                    state[following] = 1
                    stack.append((following, iter(below[following])))
    return kept


def _ranks(forward: set[tuple[str, str]], names: Iterable[str]) -> dict[str, int]:
    """Give each name the length of the longest way that leads to it."""
    below: dict[str, list[str]] = defaultdict(list)
    waiting = dict.fromkeys(names, 0)
    for client, server in sorted(forward):
        below[client].append(server)
        waiting[server] += 1
    rank = dict.fromkeys(waiting, 0)
    ready = [name for name, count in waiting.items() if not count]
    while ready:
        name = ready.pop()
        for server in below[name]:
            rank[server] = max(rank[server], rank[name] + 1)
            waiting[server] -= 1
            if not waiting[server]:
                ready.append(server)
    return rank


def _with_bends(
    forward: set[tuple[str, str]], rank: Mapping[str, int]
) -> tuple[list[list[Node]], list[tuple[Node, Node]]]:
    columns: list[list[Node]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for name, layer in rank.items():
        columns[layer].append(name)
    links: list[tuple[Node, Node]] = []
    for client, server in sorted(forward, key=lambda edge: (rank[edge[0]], edge)):
        before: Node = client
        for layer in range(rank[client] + 1, rank[server]):
            bend = (client, server, layer)
            columns[layer].append(bend)
            links.append((before, bend))
            before = bend
        links.append((before, server))
    return columns, links


def _order(columns: list[list[Node]], links: Sequence[tuple[Node, Node]]) -> None:
    """Sort every layer by the middle of its neighbours, to and fro."""
    left, right = _neighbours(links)
    for sweep in range(SWEEPS):
        place = {node: number for column in columns for number, node in enumerate(column)}
        known = left if sweep % 2 == 0 else right
        for column in columns if sweep % 2 == 0 else reversed(columns):
            middles = {
                node: sum(place[other] for other in known[node]) / len(known[node]) if known[node] else place[node]
                for node in column
            }
            column.sort(key=lambda node: middles[node])
            place.update({node: number for number, node in enumerate(column)})


def _neighbours(links: Sequence[tuple[Node, Node]]) -> tuple[dict[Node, list[Node]], dict[Node, list[Node]]]:
    left: dict[Node, list[Node]] = defaultdict(list)
    right: dict[Node, list[Node]] = defaultdict(list)
    for one, other in links:
        left[other].append(one)
        right[one].append(other)
    return left, right


def _size(node: Node) -> float:
    return BOX_HEIGHT if isinstance(node, str) else BEND_HEIGHT


def _heights(columns: Sequence[Sequence[Node]], links: Sequence[tuple[Node, Node]]) -> dict[Node, float]:
    """Give the middle of each node: near the middle of its neighbours, in the order of the layer, without overlap."""
    left, right = _neighbours(links)
    heights: dict[Node, float] = {}
    for column in columns:
        top = 0.0
        for node in column:
            heights[node] = top + _size(node) / 2
            top += _size(node) + GAP
    for sweep in range(SWEEPS):
        known = left if sweep % 2 == 0 else right
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wanted = [
                sum(heights[other] for other in known[node]) / len(known[node]) if known[node] else heights[node]
                for node in column
            ]
            heights.update(zip(column, spread(wanted, [_size(node) for node in column]), strict=True))
    lowest = min((heights[node] - _size(node) / 2 for node in heights), default=0.0)
    return {node: height - lowest for node, height in heights.items()}


def spread(wanted: Sequence[float], sizes: Sequence[float], gap: float = GAP) -> list[float]:
    """Give the middles nearest to what is wanted (least squares) that keep the order and leave a gap between.

    Pools of neighbours that would overlap move as one (pool adjacent violators).
    """
    offsets = [0.0]
    for above, below in pairwise(sizes):
        offsets.append(offsets[-1] + (above + below) / 2 + gap)
    pools: list[tuple[float, int]] = []  # mean, members
    for want, offset in zip(wanted, offsets, strict=True):
        mean, members = want - offset, 1
        while pools and pools[-1][0] > mean:
            other, count = pools.pop()
            mean, members = (mean * members + other * count) / (members + count), members + count
        pools.append((mean, members))
    bases = [mean for mean, members in pools for _ in range(members)]
    return [base + offset for base, offset in zip(bases, offsets, strict=True)]
