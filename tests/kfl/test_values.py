from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.kfl import EvaluationError, Uint
from kubeshark_mcp.kfl.values import compare, equals, from_python, size_of, to_python

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers(0, 5).map(Uint)
    | st.floats(-5, 5)
    | st.text(max_size=2)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=1), inner, max_size=2)
)


@given(values, values)
def test_equality_is_symmetric_and_a_value_without_nan_equals_itself(one: object, other: object):
    assert equals(one, other) == equals(other, one)
    assert equals(one, one)


def test_nan_equals_nothing_and_has_no_order():
    assert not equals(math.nan, math.nan)
    assert not equals([math.nan], [math.nan])
    assert compare("<", math.nan, 1) is None


def test_a_boolean_is_not_a_number():
    assert not equals(True, 1)
    assert to_python(from_python({True: "a"})) == {True: "a"}


@given(values)
def test_python_values_come_back_as_they_went(value: object):
    assert to_python(from_python(value)) == value


@pytest.mark.parametrize("value", [2**63, object(), {1.5j: 1}, {None: 1}])
def test_what_is_no_cel_value_is_refused(value: object):
    with pytest.raises(EvaluationError):
        from_python(value)


def test_counting_the_size_of_a_value_stops_early():
    shared: list[object] = [1]
    for _ in range(60):
        shared = [shared, shared]
    assert size_of(shared, 1000) > 1000
