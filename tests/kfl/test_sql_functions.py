from __future__ import annotations

import duckdb
import pytest

from kubeshark_mcp.kfl import Catalogue, compile_filter

INT_MAX, INT_MIN = 2**63 - 1, -(2**63)


@pytest.mark.parametrize("value", [0, 1, -1, INT_MAX, INT_MIN, None])
@pytest.mark.parametrize(
    "text",
    [
        "status_code + 1 > 0",
        "status_code * 2 > 0",
        "-status_code > 0",
        "5 / status_code > 0",
        "status_code / -1 > 0",
        "status_code % -1 == 0",
        "!(status_code - 1 < 0)",
    ],
)
def test_overflow_and_division_by_zero_drop_the_row_and_never_fail_the_query(
    catalogue: Catalogue, text: str, value: int | None
):
    program = compile_filter(text, catalogue, now_ns=0)
    assert program.residual is None
    query = f'SELECT count(*) FROM (SELECT CAST(? AS BIGINT) AS "status_code") WHERE {program.sql.sql}'
    found = duckdb.connect().execute(query, [value, *program.sql.parameters]).fetchone()
    from kubeshark_mcp.kfl.program import predicate

    assert found == (int(predicate(program.tree, 0)({"status_code": value})),)
