from __future__ import annotations

from kubeshark_mcp.analyse.detectors.connection_refused import ConnectionRefused
from kubeshark_mcp.analyse.detectors.silent_drop import SilentDrop
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, Connection
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid, verdicts

DETECTOR = ConnectionRefused()


def attempts(count: int, state: str = "refused", since: float = 0, **more) -> list[Connection]:
    return [
        Connection(since + number, "shop/web", "shop/cart", state, server_port=8080, **more) for number in range(count)
    ]


def test_a_port_that_refuses_everybody_is_the_servers_fault_from_the_onset_on() -> None:
    story = attempts(20, "closed") + attempts(20, since=20)
    (found,) = solid(DETECTOR, story)
    assert found.component == Component(Kind.WORKLOAD, "shop/cart")
    assert found.onset_ns == T0 + 20 * 10**9
    assert found.affected == (Edge("shop/web", "shop/cart"),)
    assert found.title == (
        "shop/cart port 8080 refuses connections: 20 of 40 attempts from shop/web were answered with RST: "
        "nothing listens there, or no pod is behind the service"
    )
    assert (found.score, found.facts) == (1.0, {"port": 8080, "refused": 20, "attempts": 40})
    assert [(claim.kfl, claim.value) for claim in found.claims] == [
        ('tcp_conn && conn_state == "refused" && dst.service.name == "cart" && dst.service.namespace == "shop" '
         "&& dst.port == 8080", 20),
        ('tcp_conn && dst.service.name == "cart" && dst.service.namespace == "shop" && dst.port == 8080', 40),
    ]  # fmt: skip
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_refusals_from_the_first_packet_on_have_no_onset() -> None:
    (found,) = solid(DETECTOR, attempts(6))
    assert (found.onset_ns, found.confidence) == (None, Confidence.HIGH)


def test_one_replica_that_refuses_is_named() -> None:
    story = attempts(9, server_pod="shop/cart-1") + attempts(9, "closed", since=0.5, server_pod="shop/cart-2")
    (found,) = solid(DETECTOR, story)
    assert "by shop/cart-1 alone, its siblings accept" in found.title


def test_a_pod_that_starts_late_is_only_a_hint() -> None:
    story = attempts(4) + attempts(30, "closed", since=4)
    assert verdicts(DETECTOR, story) == []


def test_a_few_refusals_among_many_connections_are_nothing() -> None:
    assert list(DETECTOR.detect(facts_of(attempts(2) + attempts(100, "closed", since=2)))) == []


def test_a_port_scan_proves_nothing_about_its_targets() -> None:
    scan = [Connection(n / 10, "shop/web", "shop/cart", "refused", server_port=1000 + n % 12) for n in range(60)]
    assert list(DETECTOR.detect(facts_of(scan))) == []


def test_an_icmp_unreachable_refuses_too() -> None:
    from tests.analyse.building import Call

    told = {"icmp_error": True, "icmp_about_protocol": "tcp", "icmp_about_dst_port": 8080}
    story = [
        *(Connection(n, "shop/web", "shop/cart", "syn_sent", server_port=8080, client_port=5000 + n) for n in range(5)),
        *(
            Call(n, "10.0.0.2", "shop/web", protocol="icmp", ms=None,
                 kfl={**told, "icmp_about_src": "10.0.0.1", "icmp_about_src_port": 5000 + n})
            for n in range(5)
        ),
    ]  # fmt: skip
    (found,) = solid(DETECTOR, story)
    assert "5 of 5 attempts from shop/web were answered with ICMP unreachable" in found.title


def test_attempts_that_hear_nothing_between_icmp_messages_were_refused_alike() -> None:
    from tests.analyse.building import Call

    told = {"icmp_error": True, "icmp_about_protocol": "tcp", "icmp_about_dst_port": 8080}
    silent = {"packets_in": 0}
    story = [
        *attempts(10, "closed"),
        *(
            Connection(
                10 + n / 2, "shop/web", "shop/cart", "syn_sent", server_port=8080, client_port=5000 + n, numbers=silent
            )
            for n in range(20)
        ),
        *(
            Call(10 + n / 2, "10.0.0.2", "shop/web", protocol="icmp", ms=None,
                 kfl={**told, "icmp_about_src": "10.0.0.1", "icmp_about_src_port": 5000 + n})
            for n in (2, 10, 17)
        ),
    ]  # fmt: skip
    (found,) = solid(DETECTOR, story)
    assert found.onset_ns == T0 + 10 * 10**9
    assert found.title == (
        "shop/cart port 8080 refuses connections: 20 of 30 attempts from shop/web were answered with ICMP unreachable "
        "(3 were told so: hosts limit these messages): nothing listens there, or no pod is behind the service"
    )
    assert list(SilentDrop().detect(facts_of(story))) == []


def test_a_rst_on_a_connection_from_before_the_capture_refuses_nothing() -> None:
    assert list(DETECTOR.detect(facts_of(attempts(20, numbers={"completeness": 32})))) == []
