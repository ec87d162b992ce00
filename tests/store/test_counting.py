"""Several counts at once."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubeshark_mcp.store.counting import count_each
from kubeshark_mcp.store.database import Database

CONDITIONS = st.lists(
    st.one_of(
        st.integers(0, 6).map(lambda number: ("status_code = ?", (200 + number % 3,))),
        st.tuples(st.integers(0, 9), st.integers(0, 9)).map(lambda ids: ("_id >= ? AND _id <= ?", ids)),
        st.sampled_from([("true", ()), ("false", ()), ("failed", ())]),
    ),
    max_size=5,
)


@pytest.fixture
def database(write, make):
    calls = [make.http(make.connection(number), at_ms=number, code=200 + number % 3) for number in range(9)]
    found = Database([write(calls)])
    yield found
    found.close()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(conditions=CONDITIONS)
def test_counts_are_those_of_one_statement_each(database, conditions):
    apart = [database.query(f"SELECT count(*) FROM entries WHERE {sql}", values)[0][0] for sql, values in conditions]
    assert count_each(database, conditions) == apart


def test_nothing_is_asked_for_no_condition(tmp_path):
    database = Database([tmp_path])
    assert count_each(database, []) == []
    assert count_each(database, [("true", ())]) == [0]
    database.close()
