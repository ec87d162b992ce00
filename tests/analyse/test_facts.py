from __future__ import annotations

from kubeshark_mcp.analyse.facts import Facts
from tests.analyse.building import T0, BuiltFacts, Call, Connection


def test_calls_end_when_they_are_answered_and_never_before_they_start() -> None:
    calls = BuiltFacts([Call(0, "s/a", "s/b", ms=2.0), Call(1, "s/a", "s/b", ms=None)]).calls
    assert calls.end_ns.tolist() == [T0 + 2_000_000, T0 + 10**9]


def test_the_window_of_what_was_captured_has_a_length() -> None:
    facts = BuiltFacts([Call(0, "s/a", "s/b"), Call(8, "s/a", "s/b")])
    assert facts.coverage.seconds == 8.0


def test_built_facts_answer_filters_as_the_store_does() -> None:
    facts = BuiltFacts(
        [Call(0, "s/a", "s/b", status="503"), Call(1, "s/a", "s/b")], [Connection(0, "s/a", "s/b", "refused")]
    )
    assert facts.count("http && status_code == 503") == 1
    assert facts.count('conn_state == "refused"') == 1
    assert facts.columns("http", ["status_code", "dst.service.name"])["status_code"].tolist() == [503, 200]  # type: ignore[union-attr]


def test_what_is_derived_from_facts_is_made_once() -> None:
    made: list[Facts] = []

    def number_of_calls(facts: Facts) -> int:
        made.append(facts)
        return len(facts.calls)

    facts = BuiltFacts([Call(0, "s/a", "s/b")])
    assert (facts.derived(number_of_calls), facts.derived(number_of_calls)) == (1, 1)
    assert made == [facts]
