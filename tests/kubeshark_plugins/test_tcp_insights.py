"""Verdicts about connections, worst first."""

from __future__ import annotations

from fake_hub import FakeHub

from kubeshark_mcp.hub.contract import CallPage, CallQuery, EmptyReason


def connection(number: int, **fields) -> dict:
    return {
        "_id": number,
        "protocol": "tcp_conn",
        "src.ip": "10.0.0.1",
        "src.port": 40000 + number,
        "dst.ip": "10.0.0.2",
        "dst.port": 80,
        "conn_state": "closed",
        "tcp_rtt_avg_us": 500,
        **fields,
    }


class Connections(FakeHub):
    """Answers every list of calls with these connections, two a page."""

    def __init__(self, rows: list[dict]) -> None:
        super().__init__()
        self.rows = rows
        self.queries: list[CallQuery] = []

    async def calls(self, query: CallQuery) -> CallPage:
        self.queries.append(query)
        first = int(query.cursor or 0)
        more = first + 2 < len(self.rows)
        empty = None if self.rows else EmptyReason(code="clause", sentence="No TCP here.")
        shown = self.rows[first : first + 2]
        cursor = str(first + 2) if more else None
        return CallPage(rows=shown, total=len(self.rows), cursor=cursor, database="s/d", empty=empty)


async def test_the_answer_starts_with_the_verdicts_and_lists_the_worst_first(ask):
    hub = Connections(
        [
            connection(1),
            connection(2, tcp_zero_window_events=3),
            connection(3, conn_state="refused"),
            connection(4, tcp_retransmissions=9, tcp_retransmission_rate=0.1),
        ]
    )
    answer = await ask("get_tcp_insights", hub, kfl="dst.port == 80", limit=3)
    lines = answer.text.splitlines()
    assert lines[0].startswith("3 of 4 TCP connections")
    assert lines[0].endswith("refused 1, network 1, receiver 1, healthy 1") or "healthy 1" in lines[0]
    verdicts = [line.split("|")[0] for line in lines if line.count("|") > 4]
    assert verdicts == ["verdict", "refused", "network", "receiver"]
    assert answer.facts == {"total": 4, "verdicts": {"healthy": 1, "receiver": 1, "refused": 1, "network": 1}}
    assert [query.kfl for query in hub.queries] == ["tcp_conn && (dst.port == 80)"] * 2


async def test_columns_are_those_that_hold_something(ask):
    answer = await ask("get_tcp_insights", Connections([connection(1, tcp_rst_count=1)]))
    heading = next(line for line in answer.text.splitlines() if line.startswith("verdict|"))
    assert heading == "verdict|id|client|server|state|rst|rtt ms|because"


async def test_no_connection_says_why(ask):
    answer = await ask("get_tcp_insights", Connections([]))
    assert answer.text.splitlines()[0] == "No TCP here."
    assert answer.facts == {"total": 0}
