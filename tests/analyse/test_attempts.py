from __future__ import annotations

from kubeshark_mcp.analyse.attempts import (
    SCANNED,
    clients_of,
    rejected,
    scanned,
    scanners,
    since,
    target_filter,
    targets,
    told,
)
from tests.analyse.building import T0, BuiltFacts, Call, Connection


def test_targets_are_server_and_port_with_the_attempts_in_order_of_time() -> None:
    facts = BuiltFacts(
        [],
        [
            Connection(0, "s/a", "s/b", "closed"),
            Connection(1, "s/a", "s/b", "refused"),
            Connection(2, "s/c", "s/b", "refused"),
            Connection(3, "s/a", "s/b", "closed", server_port=81),
        ],
    )
    links = facts.connections
    (target,) = targets(facts, links.state.equal("refused"))
    assert (target.server, target.port, target.rows.tolist(), target.failed.tolist()) == ("s/b", 80, [0, 1, 2], [1, 2])
    assert clients_of(links, target.rows) == ["s/a", "s/c"]
    assert since(links, target) is None
    assert facts.count(target_filter(facts, "s/b", 80, ["refused", "reset"], "s/c")) == 1


def test_the_onset_of_failures_is_known_with_enough_attempts() -> None:
    facts = BuiltFacts([], [Connection(n, "s/a", "s/b", "refused" if n >= 10 else "closed") for n in range(20)])
    (target,) = targets(facts, facts.connections.state.equal("refused"))
    found = since(facts.connections, target)
    assert found is not None
    assert found.at_ns == T0 + 10 * 10**9


def test_a_client_that_fails_on_many_targets_is_a_scanner() -> None:
    scan = [Connection(n, "s/a", "s/b", "refused", server_port=n) for n in range(SCANNED)]
    usual = [Connection(n, "s/c", "s/b", "refused", client_address="10.0.0.9") for n in range(SCANNED)]
    facts = BuiltFacts([], scan + usual)
    links = facts.connections
    assert scanners(links, links.state.equal("refused")).sum() == SCANNED
    assert [target.rows.size for target in targets(facts, links.state.equal("refused"))] == [SCANNED]


def test_all_connections_of_a_scanner_are_known_as_such() -> None:
    scan = [Connection(n, "s/a", "s/b", "refused", server_port=n) for n in range(SCANNED)]
    facts = BuiltFacts([], [*scan, Connection(50, "s/c", "s/b", client_address="10.0.0.9")])
    assert facts.derived(scanned).tolist() == [True] * SCANNED + [False]


def test_silence_next_to_an_icmp_refusal_of_the_same_target_is_a_refusal_and_no_other_silence() -> None:
    def attempt(at: float, state: str, port: int = 80) -> Connection:
        numbers = {"packets_in": 0} if state == "syn_sent" else {}
        return Connection(at, "s/a", "s/b", state, server_port=port, client_port=int(5000 + at), numbers=numbers)

    icmp = {
        "icmp_error": True,
        "icmp_about_protocol": "tcp",
        "icmp_about_src": "10.0.0.1",
        "icmp_about_src_port": 5004,
        "icmp_about_dst_port": 80,
    }
    links = [
        *(attempt(at, "syn_sent") for at in (0, 1)),  # Silence before a connection is accepted proves nothing.
        attempt(2, "closed"),
        *(attempt(at, "syn_sent") for at in (3, 4, 5)),
        attempt(6, "closed"),
        attempt(7, "syn_sent"),
        attempt(8, "syn_sent", port=81),
    ]
    facts = BuiltFacts([Call(4, "10.0.0.2", "s/a", protocol="icmp", ms=None, kfl=icmp)], links)

    assert facts.derived(told).nonzero()[0].tolist() == [4]
    assert facts.derived(rejected).nonzero()[0].tolist() == [3, 4, 5]
