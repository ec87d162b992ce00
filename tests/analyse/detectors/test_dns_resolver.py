from __future__ import annotations

from kubeshark_mcp.analyse.detectors.dns_resolver import DnsResolver
from kubeshark_mcp.analyse.findings import Component, Kind
from tests.analyse.building import T0, Call
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = DnsResolver()


def queries(count: int, since: float = 0, ms: float | None = 1.0, status: str = "NOERROR") -> list[Call]:
    return [
        Call(
            since + n / 10,
            "shop/web",
            "kube-system/kube-dns",
            "A cart",
            status,
            ms,
            protocol="dns",
            kfl={"dns_rcode": status},
        )
        for n in range(count)
    ]


def test_a_resolver_that_becomes_slow_is_named_with_the_times_before_and_after() -> None:
    story = queries(60) + queries(60, since=6, ms=300)
    (found,) = solid(DETECTOR, story)
    assert found.component == Component(Kind.WORKLOAD, "kube-system/kube-dns")
    assert found.title == "kube-system/kube-dns takes 300 ms for a DNS answer (median, 1.0 ms before)"
    assert found.onset_ns == T0 + 6 * 10**9
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_a_resolver_that_fails_or_keeps_silent() -> None:
    (failing,) = solid(DETECTOR, queries(60) + queries(40, since=6, status="SERVFAIL"))
    assert failing.title == (
        "kube-system/kube-dns leaves 100% of the DNS queries unanswered, fails them, or answers only when they are "
        "sent again (40 queries)"
    )
    (silent,) = solid(DETECTOR, queries(60, ms=None) + queries(2, since=20))
    assert silent.onset_ns is None
    assert_claims_hold(DETECTOR, queries(60, ms=None) + queries(2, since=20))


def test_an_occasional_slow_or_failed_answer_is_normal() -> None:
    story = [*queries(200), *queries(3, since=3.05, ms=900), *queries(4, since=9.05, status="SERVFAIL")]
    assert list(DETECTOR.detect(facts_of(story))) == []


def test_queries_at_the_end_of_the_capture_had_no_time_to_be_answered() -> None:
    assert list(DETECTOR.detect(facts_of(queries(100) + queries(15, since=9.95, ms=None)))) == []


def test_answers_that_come_only_to_repeated_queries_count_as_failures() -> None:
    (found,) = solid(DETECTOR, queries(80) + queries(40, since=8, ms=5003) + queries(40, since=8.05))
    assert found.onset_ns == T0 + 8 * 10**9
