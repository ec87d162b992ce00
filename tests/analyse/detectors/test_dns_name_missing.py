from __future__ import annotations

from dataclasses import replace

from kubeshark_mcp.analyse.detectors.dns_name_missing import DnsNameMissing
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, Call, Connection
from tests.analyse.mutations import Story, assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = DnsNameMissing()
SEARCH = (".shop.svc.cluster.local", ".svc.cluster.local", ".cluster.local", "")


def ask(at: float, name: str, status: str = "NXDOMAIN", kind: str = "A", client: str = "shop/orders") -> Call:
    kfl = {"dns_rcode": status, "dns_questions": [name]}
    return Call(at, client, "kube-system/kube-dns", f"{kind} {name}", status, 1.0, protocol="dns", kfl=kfl)


def lookup(at: float, name: str, found: int | None) -> list[Call]:
    """Ask with each search domain in turn; `found`: the place in the list that resolves, None: none does."""
    asked = []
    for place, suffix in enumerate(SEARCH):
        asked += [
            ask(at + place / 1000, name + suffix, "NOERROR" if place == found else "NXDOMAIN", kind)
            for kind in ("A", "AAAA")
        ]
        if place == found:
            break
    return asked


def gone(from_second: int = 10) -> Story:
    return [call for at in range(20) for call in lookup(at, "payments.shop", 1 if at < from_second else None)]


def test_a_name_that_resolved_and_then_stopped_is_sure() -> None:
    story = gone()
    (found,) = solid(DETECTOR, story)
    assert (found.component, found.confidence) == (Component(Kind.NAME, "payments.shop"), Confidence.HIGH)
    assert found.onset_ns == T0 + 10 * 10**9 + 3_000_000
    assert found.affected == (Edge("shop/orders", "kube-system/kube-dns", "dns"),)
    assert found.title == (
        "the name payments.shop (service shop/payments) does not resolve for shop/orders: 20 final NXDOMAIN answers "
        "after it had resolved 20 times"
    )
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_the_noise_of_search_domains_is_no_missing_name() -> None:
    outside = [call for at in range(30) for call in lookup(at, "rates.example.net", 3)]
    inside = [call for at in range(30) for call in lookup(at + 0.5, "cart", 0)]
    assert list(DETECTOR.detect(facts_of(outside + inside))) == []


def test_a_name_that_never_resolved_counts_where_callers_suffer_and_is_a_hint_elsewhere() -> None:
    story: list = [call for at in range(10) for call in lookup(at, "wrong.data", None)]
    (hint,) = DETECTOR.detect(facts_of(story + [Call(at, "edge/gate", "shop/orders") for at in range(10)]))
    assert hint.confidence is Confidence.LOW
    (found,) = solid(DETECTOR, story + [Call(at, "edge/gate", "shop/orders", status="500") for at in range(10)])
    assert (found.confidence, found.onset_ns) == (Confidence.MEDIUM, None)
    assert found.title.endswith("and it never did in this window")


def test_one_failed_lookup_is_nothing() -> None:
    assert list(DETECTOR.detect(facts_of(gone(19)))) == []


def test_a_final_answer_after_a_query_that_nobody_answered_is_the_resolvers_fault() -> None:
    story = [call for at in range(40) for call in lookup(at, "payments.shop", 1)]
    for at in range(41, 49, 2):
        slow, *_, last = lookup(at, "payments.shop", None)
        story += [replace(slow, ms=None), replace(last, at=at + 5.1)]
    assert list(DETECTOR.detect(facts_of(story))) == []


def test_callers_without_an_answer_are_no_proof_where_the_capture_lost_answers() -> None:
    story: list = [call for at in range(10) for call in lookup(at, "wrong.data", None)]
    story += [Call(at, "edge/gate", "shop/orders", ms=None) for at in range(10)]
    lost = {"packets_out": 20, "packets_in": 20, "missing_segments": 9}
    links = [Connection(at, f"edge/gate-{at}", "shop/orders", connection=at, numbers=lost) for at in range(10)]
    assert [one.confidence for one in DETECTOR.detect(facts_of(story))] == [Confidence.MEDIUM]
    assert [one.confidence for one in DETECTOR.detect(facts_of(story + links))] == [Confidence.LOW]
