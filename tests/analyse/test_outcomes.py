from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.outcomes import Outcome, outcome_of, outcomes
from tests.analyse.building import BuiltFacts, Call


@pytest.mark.parametrize(
    ("status", "protocol", "outcome"),
    [
        ("503", "http", Outcome.FAULT),
        ("404", "http", Outcome.FINE),
        ("429", "http2", Outcome.LIMIT),
        ("401", "http", Outcome.AUTHENTICATION),
        ("413", "http", Outcome.SIZE),
        ("400", "http", Outcome.STATEMENT),
        ("UNAVAILABLE", "http2", Outcome.FAULT),
        ("NOT_FOUND", "http2", Outcome.FINE),
        ("DEADLINE_EXCEEDED", "http2", Outcome.DEADLINE),
        ("OOM", "redis", Outcome.CACHE),
        ("ERR", "redis", Outcome.STATEMENT),
        ("NOAUTH", "redis", Outcome.AUTHENTICATION),
        ("42P01", "postgresql", Outcome.STATEMENT),
        ("23505", "postgresql", Outcome.FINE),
        ("40P01", "postgresql", Outcome.LOCK),
        ("53300", "postgresql", Outcome.CONNECTIONS),
        ("57P01", "postgresql", Outcome.FAULT),
        ("NXDOMAIN", "dns", Outcome.FINE),
        ("invalidCredentials", "ldap", Outcome.AUTHENTICATION),
        ("error", "mongodb", Outcome.STATEMENT),
    ],
)
def test_a_status_means_the_same_whatever_the_protocol(status: str, protocol: str, outcome: Outcome) -> None:
    assert outcome_of(status, protocol, True) is outcome


def test_what_did_not_fail_is_fine() -> None:
    assert outcome_of("suspended", "postgresql", False) is Outcome.FINE


def test_each_call_has_an_outcome_and_a_deadline_needs_no_answer() -> None:
    calls = [
        Call(0, "s/a", "s/b"),
        Call(1, "s/a", "s/b", ms=None),
        Call(2, "s/a", "s/b", status="deadline exceeded", protocol="http2"),
    ]
    assert outcomes(BuiltFacts(calls)).tolist() == [Outcome.FINE, Outcome.NONE, Outcome.DEADLINE]
    assert len(outcomes(BuiltFacts())) == 0
