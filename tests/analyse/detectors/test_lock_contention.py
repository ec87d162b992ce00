from __future__ import annotations

from typing import Any

from kubeshark_mcp.analyse.detectors.lock_contention import LockContention
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind, Measure
from tests.analyse.building import BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict, verdict

SQL: dict[str, Any] = {"protocol": "postgresql", "status": "OK"}
UPDATE = "UPDATE entries SET amount = amount + {} WHERE id = {}"


def loans(count: int = 60, every: float = 0.4, **more: Any) -> list[Call]:
    """Updates of many connections, 4 ms each."""
    options: dict[str, Any] = {"endpoint": UPDATE, "ms": 4.0, **SQL} | more
    return [Call(n * every, "s/loans", "data/db", connection=10 + n % 6, **options) for n in range(count)]


def held(holds: float = 3.0) -> list[Call]:
    """A job keeps a transaction open every eight seconds; what comes meanwhile waits until it commits."""
    calls = []
    busy = [(8.0 * n + 2, 8.0 * n + 2 + holds) for n in range(1, 4)]
    for begin, end in busy:
        job: dict[str, Any] = {"client": "batch/count", "server": "data/db", "connection": 5}
        calls += [
            Call(begin, endpoint="BEGIN", ms=1, **job, **SQL),
            Call(begin + 0.01, endpoint=UPDATE, ms=2, **job, **SQL),
        ]
        calls.append(Call(end, endpoint="COMMIT", ms=2, **job, **SQL))
    for call in loans(90):
        end = next((end for begin, end in busy if begin < call.at < end), None)
        ms = 4.0 if end is None else (end - call.at) * 1000 + 5
        calls.append(Call(**{**vars(call), "ms": ms, "connection": 10 + len(calls)}))
    return calls


def test_who_holds_the_lock_is_blamed() -> None:
    (found,) = LockContention().detect(BuiltFacts(held()))
    assert (found.component, found.confidence, found.symptom) == (
        Component(Kind.WORKLOAD, "batch/count"),
        Confidence.HIGH,
        False,
    )
    assert (found.facts["holder"], found.facts["database"]) == ("batch/count", "data/db")
    assert found.title.startswith("statements to db wait for locks, mostly of count: ")
    assert found.title.endswith("100% of them ended as another transaction ended")
    assert [claim.measure for claim in found.claims] == [Measure.COUNT]


def test_a_slow_database_is_not_waiting_for_locks() -> None:
    calls = [Call(**{**vars(call), "ms": 900.0 + n * 7}) if n % 4 == 0 else call for n, call in enumerate(loans(120))]
    assert list(LockContention().detect(BuiltFacts(calls))) == []


def test_reports_that_always_take_long_do_not_wait() -> None:
    calls = loans() + loans(20, 1.2, endpoint="SELECT sum(cents) FROM sales", ms=1400.0)
    assert list(LockContention().detect(BuiltFacts(calls))) == []


def test_errors_that_name_locks_count_by_themselves() -> None:
    calls = loans() + [
        Call(20 + n / 10, "s/loans", "data/db", UPDATE, "55P03", 2.0, protocol="postgresql", connection=n)
        for n in range(12)
    ]
    assert verdict(LockContention(), BuiltFacts(calls)) == {("lock_contention", "data/db")}


def test_commands_that_wait_in_redis_are_no_locks() -> None:
    calls = [
        Call(n, "s/worker", "data/redis", "BLPOP jobs", "OK", 900.0 if n % 2 else 1.0, protocol="redis")
        for n in range(40)
    ]
    assert list(LockContention().detect(BuiltFacts(calls))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(LockContention(), held())
