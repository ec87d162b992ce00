"""Flows summed up in arrays: a row of state a flow, to which connections are added many at once."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.dissect.layer4 import FAILED, HANDSHAKES, group_ids, lists_of, place_of
from kubeshark_mcp.model.entry_columns import Coded, Column, ConnectionColumns, EntryColumns, Numbers, SpanColumns
from kubeshark_mcp.model.stats_columns import STATES, StatsColumns
from kubeshark_mcp.model.stream import Endpoint

Int64 = NDArray[np.int64]

OPEN_STATES = ("active", "established", "closing")
ADDED = (
    "retransmissions",
    "fast_retransmissions",
    "zero_window_events",
    "window_full_events",
    "out_of_order",
    "dup_acks",
    "missing_segments",
    "rst_count",
    "fin_count",
    "keepalive_count",
    "rtt_samples",
    "goodput_bytes",
)
"""Metrics of a flow that are the sums of those of its connections."""
AVERAGED = ("initial_rtt_us", "handshake_time_us", "connection_time_us", "time_to_first_byte_us")
"""Metrics of a flow that are averages over its connections."""
WEIGHTED = ("rtt_avg_us", "jitter_us")
"""Metrics of a flow that are averages over its round trips."""

_MEANS = (*AVERAGED, *WEIGHTED)
_FIRSTS = ("capture", "point", "number", "client", "server", "port")
"""What is known of the first connection of a flow; its ends are codes of texts."""
_EXTREMES = ("first_packet", "last_packet", "first_ns", "last_ns")
_TRAFFIC = ("local_pkts", "local_bytes", "remote_pkts", "remote_bytes")
_STATE = tuple(f"state {name}" for name in STATES)
_OPEN_CODES = [STATES.index(state) for state in OPEN_STATES]
_HIGHEST = 2**63 - 1
_SECOND_NS = 1_000_000_000
_COLUMNS: dict[str, int] = {
    **dict.fromkeys((*_FIRSTS, *_EXTREMES, "payload", "touched", "l7", *_TRAFFIC, *_STATE), 0),
    **dict.fromkeys((*ADDED, *chain.from_iterable((f"{name} total", f"{name} weight") for name in _MEANS)), 0),
    **dict.fromkeys(("measured", "packets", "windows", "completeness"), 0),
    **{"scale_low": _HIGHEST, "scale_high": -_HIGHEST, "rtt_min": _HIGHEST, "rtt_max": -_HIGHEST},
}
"""Columns of the state, and what they begin with; `rates` is another, of floats."""


class Flows:
    """Sums up the connections of one transport: by capture, both addresses, and the server's port."""

    def __init__(self, protocol: str, transport: str) -> None:
        self._protocol, self._transport = protocol, transport
        self._rows: dict[tuple[int, str, str, int], int] = {}
        self._texts: dict[str, int] = {}
        self._state = {name: np.full(0, first, np.int64) for name, first in _COLUMNS.items()}
        self._rates = np.zeros(0)
        self._l7: dict[tuple[str, ...], int] = {(): 0}
        self._handshakes: list[tuple[NDArray[np.int32], Int64]] = []
        self._added = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, stats: StatsColumns) -> None:
        """Take connections of the transport."""
        if not len(stats):
            return
        flows, codes = self._rows_of(stats)
        rows, state = flows[codes], self._state
        self._note_extremes(stats, rows)
        np.add.at(state["payload"], rows, stats.payload.sum(axis=1))
        for name, column in zip(_TRAFFIC, (stats.packets, stats.bytes) * 2, strict=True):
            np.add.at(state[name], rows, column[:, int(name.startswith("remote"))])
        for code in np.unique(stats.state).tolist():
            np.add.at(state[_STATE[code]], rows[stats.state == code], 1)
        state["touched"][rows] = self._added + np.arange(len(rows))
        self._added += len(rows)
        self._note_protocols(stats.l7, rows)
        if stats.metrics:
            self._note_metrics(stats, rows)

    def quietest(self, count: int) -> EntryColumns:
        """Give the flows that were quiet longest, and forget them."""
        order = np.argsort(self._state["touched"][: len(self)], kind="stable")
        made = self._entries(order[:count])
        self._keep(np.sort(order[count:]))
        return made

    def first(self, count: int) -> EntryColumns:
        """Give the flows that appeared first, and forget them."""
        made = self._entries(np.arange(min(count, len(self))))
        self._keep(np.arange(len(made), len(self)))
        return made

    def _rows_of(self, stats: StatsColumns) -> tuple[Int64, NDArray[np.int32]]:
        """Give the row of each flow of these connections, and which of them each connection belongs to."""
        connections = stats.connections
        first, codes = connections.flows()
        if (connections.capture != connections.capture[0]).any():
            places = np.unique(connections.capture, return_inverse=True)[1] * len(first) + codes
            _, first, wide = np.unique(places, return_index=True, return_inverse=True)
            codes = wide.astype(np.int32)
        texts = [self._texts.setdefault(text, len(self._texts)) for text in connections.addresses]
        known, rows = len(self), np.empty(len(first), np.int64)
        fresh: list[int] = []
        for flow in np.argsort(first).tolist():  # in order of appearance
            at = int(first[flow])
            client, server = int(connections.client_address[at]), int(connections.server_address[at])
            addresses = connections.addresses
            key = (int(connections.capture[at]), addresses[client], addresses[server], int(connections.server_port[at]))
            rows[flow] = row = self._rows.setdefault(key, len(self._rows))
            if row == known + len(fresh):
                fresh.append(at)
        if fresh:
            self._begin(stats, np.array(fresh), np.array(texts, np.int64), known)
        return rows, codes

    def _begin(self, stats: StatsColumns, at: Int64, texts: Int64, known: int) -> None:
        """Begin rows from `known` on with these connections."""
        if len(self) > len(self._rates):
            more = max(2 * len(self._rates), len(self), 64) - len(self._rates)
            for name, first in _COLUMNS.items():
                self._state[name] = np.concatenate([self._state[name], np.full(more, first, np.int64)])
            self._rates = np.concatenate([self._rates, np.zeros(more)])
        connections = stats.connections
        client, server = texts[connections.client_address], texts[connections.server_address]
        facts = (connections.capture, connections.point, connections.number, client, server, connections.server_port)
        extremes = (stats.first_packet, stats.last_packet, stats.first_ns, stats.last_ns)
        for name, column in zip((*_FIRSTS, *_EXTREMES), (*facts, *extremes), strict=True):
            self._state[name][known : known + len(at)] = column[at]

    def _note_extremes(self, stats: StatsColumns, rows: Int64) -> None:
        state = self._state
        for end, packets, times in (
            ("first", stats.first_packet, stats.first_ns),
            ("last", stats.last_packet, stats.last_ns),
        ):
            order = np.lexsort((packets if end == "first" else -packets, rows))
            leading = order[np.append(True, np.diff(rows[order]) != 0)]
            flows, best = rows[leading], packets[leading]
            held = state[f"{end}_packet"][flows]
            better = best < held if end == "first" else best > held
            state[f"{end}_packet"][flows[better]] = best[better]
            state[f"{end}_ns"][flows[better]] = times[leading[better]]

    def _note_protocols(self, l7: Coded | None, rows: Int64) -> None:
        if l7 is None:
            return
        found = [tuple(value) for value in l7.values]
        pairs, first = np.unique(rows * (len(found) + 1) + l7.codes + 1, return_index=True)
        order = np.argsort(first)
        known, names = self._state["l7"], list(self._l7)
        for pair in pairs[order].tolist():
            row, code = divmod(pair, len(found) + 1)
            if code == 0 or found[code - 1] == names[known[row]]:
                continue
            both = tuple(dict.fromkeys((*names[known[row]], *found[code - 1])))
            known[row] = self._l7.setdefault(both, len(self._l7))
            if len(self._l7) > len(names):
                names.append(both)

    def _note_metrics(self, stats: StatsColumns, rows: Int64) -> None:
        state, packets = self._state, stats.packets.sum(axis=1)
        columns = {name: column.values for name, column in stats.metrics.items()}
        measured = stats.metrics["retransmissions"].seen
        some = slice(None) if measured is None else measured
        known = rows[some]
        for name in ADDED:
            np.add.at(state[name], known, columns[name][some])
        np.add.at(self._rates, known, (columns["retransmission_rate"] * packets)[some])
        np.add.at(state["packets"], known, packets[some])
        np.add.at(state["windows"], known, (columns["avg_receive_window"] * packets)[some])
        np.minimum.at(state["scale_low"], known, columns["window_scale"][some])
        np.maximum.at(state["scale_high"], known, columns["window_scale"][some])
        np.bitwise_or.at(state["completeness"], known, columns["connection_completeness"][some])
        state["measured"][known] = 1
        for name in (*_MEANS, "rtt_min_us", "rtt_max_us"):
            seen = stats.metrics[name].seen
            had = slice(None) if seen is None else seen
            values = columns[name][had]
            if name == "rtt_min_us":
                np.minimum.at(state["rtt_min"], rows[had], values)
            elif name == "rtt_max_us":
                np.maximum.at(state["rtt_max"], rows[had], values)
            else:
                weights = columns["rtt_samples"][had] if name in WEIGHTED else np.ones(len(values), np.int64)
                np.add.at(state[f"{name} total"], rows[had], values * weights)
                np.add.at(state[f"{name} weight"], rows[had], weights)
            if name == "handshake_time_us":
                self._handshakes.append((rows[had].astype(np.int32), values))

    def _keep(self, kept: Int64) -> None:
        """Forget all rows but these, in this order."""
        places = np.full(len(self), -1, np.int32)
        places[kept] = np.arange(len(kept))
        self._rows = {key: int(places[row]) for key, row in self._rows.items() if places[row] >= 0}
        texts = list(self._texts)
        for name, first in _COLUMNS.items():
            column = self._state[name]
            column[: len(kept)] = column[kept]
            column[len(kept) :] = first
        self._rates[: len(kept)] = self._rates[kept]
        self._rates[len(kept) :] = 0
        ends = [self._state[name][: len(kept)] for name in ("client", "server")]
        used, codes = np.unique(np.concatenate(ends), return_inverse=True)
        self._texts = {texts[code]: place for place, code in enumerate(used.tolist())}
        ends[0][:], ends[1][:] = codes[: len(kept)], codes[len(kept) :]
        if self._handshakes:
            rows, values = (np.concatenate(part) for part in zip(*self._handshakes, strict=True))
            there = places[rows] >= 0
            self._handshakes = [(places[rows[there]], values[there])]

    def _entries(self, rows: Int64) -> EntryColumns:
        """Make the entries. The client's port is 0: it differs from one connection to the next."""
        state = {name: column[rows] for name, column in self._state.items()}
        count, flags = len(rows), Numbers(np.ones(len(rows), np.bool_))
        codes, connections = np.arange(count, dtype=np.int32), self._connections(state)
        by_state = np.array([state[name] for name in _STATE]).reshape(len(STATES), -1)
        is_open = by_state[_OPEN_CODES].any(axis=0)
        states = Coded(STATES, np.where(is_open, STATES.index("active"), by_state.argmax(axis=0)).astype(np.int32))
        failed = np.sum([state[f"state {name}"] for name in FAILED], axis=0)
        total = by_state.sum(axis=0)
        fields: dict[str, Column] = {
            self._protocol: flags,
            "flow": flags,
            "flow_state": states,
            **_rates(state),
            "flow_l7_detected": lists_of(Coded(list(self._l7), state["l7"].astype(np.int32)), count),
            "flow_group_id": Numbers(group_ids(connections)),
            "flow_connections": Numbers(total),
            "flow_failed_connections": Numbers(failed),
            **self._metrics(rows, state),
        }
        parts = (
            np.zeros(count, np.int64),
            state["payload"],
            *(state[name] for name in _EXTREMES),
            np.zeros(count, np.int64),
        )
        answered = state["remote_pkts"] > 0
        return EntryColumns(
            self._protocol,
            connections,
            codes,
            SpanColumns(np.ones(count, np.bool_), *parts),
            SpanColumns(answered, *(np.where(answered, part, 0) for part in parts)),
            fields,
            summary=Coded(self._summaries(connections), codes),
            status=states,
            failed=failed == total,
        )

    def _connections(self, state: dict[str, Int64]) -> ConnectionColumns:
        ends = np.concatenate([state["client"], state["server"]])
        used, which = np.unique(ends, return_inverse=True)
        texts, codes = list(self._texts), which.astype(np.int32)
        count = len(state["client"])
        zeros, unknown = np.zeros(count, np.int64), np.full(count, -1, np.int64)
        return ConnectionColumns(
            self._transport,
            [texts[code] for code in used.tolist()],
            state["number"],
            codes[:count],
            zeros,
            codes[count:],
            state["port"],
            state["capture"],
            state["point"],
            unknown,
            unknown,
            np.zeros(count, np.bool_),
        )

    def _summaries(self, connections: ConnectionColumns) -> list[str]:
        name, addresses = self._transport.upper(), connections.addresses
        ends = zip(
            connections.client_address.tolist(),
            connections.server_address.tolist(),
            connections.server_port.tolist(),
            strict=True,
        )
        return [
            f"{name} {addresses[client]} to {place_of(Endpoint(addresses[server], port))}"
            for client, server, port in ends
        ]

    def _metrics(self, rows: Int64, state: dict[str, Int64]) -> dict[str, Column]:
        """Give the metrics as fields; those of flows in which nothing was measured are not there."""
        measured = state["measured"] > 0
        if not measured.any():
            return {}
        packets = np.maximum(state["packets"], 1)
        columns = {name: Numbers(state[name], measured) for name in ADDED}
        columns["retransmission_rate"] = Numbers(self._rates[rows] / packets, measured)
        columns["avg_receive_window"] = Numbers(_rounded(state["windows"] / packets), measured)
        alike = state["scale_low"] == state["scale_high"]
        columns["window_scale"] = Numbers(np.where(alike, state["scale_low"], -1), measured)
        columns["connection_completeness"] = Numbers(state["completeness"], measured)
        for name in _MEANS:
            weight = state[f"{name} weight"]
            columns[name] = Numbers(_rounded(state[f"{name} total"] / np.maximum(weight, 1)), weight > 0)
        columns["rtt_min_us"] = Numbers(state["rtt_min"], state["rtt_min"] < _HIGHEST)
        columns["rtt_max_us"] = Numbers(state["rtt_max"], state["rtt_max"] > -_HIGHEST)
        columns |= self._percentiles(rows)
        return {f"tcp_{name}": column for name, column in columns.items()}

    def _percentiles(self, chosen: Int64) -> dict[str, Numbers]:
        """Give within which time so many of the handshakes of flows were done."""
        if not self._handshakes:
            return {}
        rows, values = (np.concatenate(part) for part in zip(*self._handshakes, strict=True))
        places = np.full(len(self), -1, np.int64)
        places[chosen] = np.arange(len(chosen))
        there = places[rows] >= 0
        rows, values = places[rows[there]], values[there]
        values = values[np.lexsort((values, rows))]
        counts = np.bincount(rows, minlength=len(chosen))
        starts = np.cumsum(counts) - counts
        values = np.append(values, 0)
        found = {}
        for name, percent in HANDSHAKES:
            ranks = starts + np.maximum(-(-counts * percent // 100), 1) - 1
            found[f"handshake_{name}_us"] = Numbers(values[ranks], counts > 0)
        return found


def _rates(state: dict[str, Int64]) -> dict[str, Column]:
    """Give packets and bytes of both sides, in all and a second; a flow takes a second at least."""
    seconds: NDArray[Any] = np.maximum(1.0, (state["last_ns"] - state["first_ns"]) / _SECOND_NS)
    found: dict[str, Column] = {}
    for side in ("local", "remote"):
        packets, size = state[f"{side}_pkts"], state[f"{side}_bytes"]
        found[f"flow_{side}_pkts"], found[f"flow_{side}_bytes"] = Numbers(packets), Numbers(size)
        found[f"flow_{side}_pps"] = Numbers(_rounded(packets / seconds))
        found[f"flow_{side}_bps"] = Numbers(_rounded(size * 8 / seconds))
    return found


def _rounded(values: NDArray[np.float64]) -> Int64:
    return np.rint(values).astype(np.int64)
