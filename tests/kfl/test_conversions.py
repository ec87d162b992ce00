from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.kfl import EvaluationError, evaluate
from kubeshark_mcp.kfl.conversions import double_text


@given(st.floats(allow_nan=False))
def test_the_text_of_a_double_reads_back_as_the_same_double(value: float):
    assert struct.pack("d", evaluate("double(text)", {"text": double_text(value)})) == struct.pack("d", value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_int_and_text_convert_both_ways(value: int):
    assert evaluate("int(string(n)) == n", {"n": value}) is True


@pytest.mark.parametrize("text", ["", "1_0", " 1", "1e5x", "0x10", "٣", "--1", "1" * 2000])
def test_what_is_not_a_number_is_refused(text: str):
    for kind in ("int", "uint", "double"):
        with pytest.raises(EvaluationError):
            evaluate(f"{kind}(text)", {"text": text})
