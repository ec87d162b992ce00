from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.kfl import Duration, Timestamp, Uint, evaluate
from kubeshark_mcp.kfl.literals import write_literal

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(0, 2**64 - 1).map(Uint)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9).map(Timestamp)
    | st.integers(-(2**63), 2**63 - 1).map(Duration)
)


@given(
    scalars
    | st.lists(scalars, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), scalars, max_size=3)
)
def test_a_constant_is_written_so_that_it_reads_back(value: Any):
    found = evaluate(write_literal(value), {})
    assert (type(found), found) == (type(value), value)
