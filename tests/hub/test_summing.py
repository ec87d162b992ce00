"""Connections of several pieces are summed up as if one process had seen them all end."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.dissect.base import ConnectionProtocol
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.stats_columns import columns_of
from kubeshark_mcp.errors import StoreError
from kubeshark_mcp.hub import summing
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.runs import Outcome, Run
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.hub.summing import AT_ONCE, LAST_BLOCK, Ended, EndedConnections, Summing, in_order, sums_up
from kubeshark_mcp.model.stream import Connection, ConnectionStats, Endpoint, Traffic
from kubeshark_mcp.stream import connections


def ended(number: int, transport: str = "tcp", l7: str = "http") -> ConnectionStats:
    client, server = Endpoint("10.0.0.1", 4000 + number), Endpoint("10.0.0.2", 80)
    connection = Connection(number, transport, client, server)
    return ConnectionStats(
        connection, "closed", Traffic(1, 60), Traffic(2, 80), number + 1, number + 9, 10, 20, l7=(l7,)
    )


def keep(kept: EndedConnections, block: int, *connections: ConnectionStats) -> None:
    for columns in columns_of(connections):
        kept.add(0, block, columns)


def summed(folder: Path, kept: list[EndedConnections]) -> list[dict[str, object]]:
    run = Run([CaptureSource(folder / "none.pcap", "node"), CaptureSource(folder / "none.pcap", "node")], [])
    made = Summing(run, folder, 9, tuple(one.path for one in kept), [(0, "web.example", "10.0.0.2")])(nobody)
    from kubeshark_mcp.hub.joining import Joining

    Joining(folder)(lambda told: None)
    base = EntryBase(folder, Language(load_protocols()))
    rows = sorted(base.rows(None, None), key=lambda row: ("tcp_flow" in row, row["stream"]))
    base.close()
    assert len(rows) == made
    return rows


def nobody(outcome: Outcome) -> None:
    """Listen to nothing."""


def test_flows_are_summed_up_over_pieces_in_the_order_in_which_connections_ended(tmp_path):
    with EndedConnections(tmp_path, 0) as one, EndedConnections(tmp_path, 1) as other:
        keep(one, 3, ended(4, l7="redis"))
        keep(one, LAST_BLOCK, ended(0))
        keep(other, 3, ended(2), ended(2, "udp", l7="dns"))
        keep(other, 5, ended(1))
    udp, tcp = summed(tmp_path, [one, other])
    assert (tcp["stream"], tcp["flow_connections"], tcp["flow_l7_detected"]) == ("2", 4, ["http", "redis"])
    assert (tcp["flow_local_pkts"], tcp["flow_remote_bytes"], tcp["dst.dns"]) == (4, 320, "web.example")
    assert (udp["stream"], udp["flow_connections"]) == ("2", 1)
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".connections")] == []


def test_sums_are_written_by_protocols_that_collect_in_a_way_of_their_own():
    found = {
        protocol.name for protocol in load_protocols() if isinstance(protocol, ConnectionProtocol) and sums_up(protocol)
    }
    assert found == {"tcp_flow", "udp_flow"}


def test_whoever_listens_stops_it(tmp_path):
    def enough(outcome: Outcome) -> None:
        raise InterruptedError

    with EndedConnections(tmp_path, 0) as kept:
        keep(kept, 0, ended(1))
    with pytest.raises(InterruptedError):
        Summing(Run([], []), tmp_path, 1, (kept.path,), [])(enough)


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        EndedConnections(tmp_path / "file", 0)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=60), st.integers(1, 4), st.integers(1, 5))
def test_what_pieces_kept_is_given_as_one_process_would_give_it(spread, at_once, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summing, "AT_ONCE", at_once)
        pieces: list[list[Ended]] = [[] for _ in range(4)]
        expected: list[list[ConnectionStats]] = []
        for block in range(3):
            own = [(number, piece) for number, (when, piece) in enumerate(spread) if when == block]
            for piece, kept in enumerate(pieces):
                mine = [ended(number) for number, whose in own if whose == piece]
                for start in range(0, len(mine), chunk):
                    kept += [((0, block, 0), part) for part in columns_of(mine[start : start + chunk])]
            every = [ended(number) for number, _ in own]
            expected += [every[start : start + at_once] for start in range(0, len(every), at_once)]
        assert [part.stats() for part in in_order([iter(kept) for kept in pieces])] == expected


def test_as_many_are_given_at_once_as_a_stream_engine_gives():
    assert AT_ONCE == connections._STATS_AT_ONCE
