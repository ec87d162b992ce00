from __future__ import annotations

from kubeshark_mcp.analyse.transactions import waitings
from tests.analyse.building import BuiltFacts, Call


def statement(at: float, connection: int, text: str, ms: float = 3.0, client: str = "s/a", status: str = "OK") -> Call:
    return Call(at, client, "s/db", text, status, ms, protocol="postgresql", connection=connection)


def test_waits_are_put_to_the_transaction_that_released_them() -> None:
    calls = [statement(n, n, "UPDATE t") for n in range(10)]
    calls += [statement(20, 50, "BEGIN", client="s/job"), statement(20.1, 50, "UPDATE t", client="s/job")]
    calls += [statement(20.5 + n / 10, 60 + n, "UPDATE t", (3.5 - n / 10) * 1000) for n in range(4)]
    calls.append(statement(23.997, 50, "COMMIT", client="s/job"))
    (found,) = waitings(BuiltFacts(calls))
    assert (found.server, found.holder, len(found.waits), found.together) == ("s/db", "s/job", 4, 1.0)
    assert found.usual_us == 3000


def test_statements_that_were_cancelled_count_where_others_wait() -> None:
    calls = [statement(n, n, "UPDATE t") for n in range(10)]
    cancelled = [statement(30 + n, 70 + n, "UPDATE t", 2000.0, status="57014") for n in range(3)]
    assert waitings(BuiltFacts(calls + cancelled)) == ()


def test_quick_statements_do_not_wait() -> None:
    assert waitings(BuiltFacts([statement(n, n, "UPDATE t") for n in range(30)])) == ()
