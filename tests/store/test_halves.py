"""Requests and responses as arrays."""

from __future__ import annotations

import numpy as np

from kubeshark_mcp.model.entry_columns import SpanColumns
from kubeshark_mcp.model.stream import Span
from kubeshark_mcp.store.halves import Half, in_order_of_time


def half(*starts):
    return Half.of_spans([None if start is None else Span(1, 2, 3, 4, start, start + 1, 5) for start in starts])


def test_objects_and_columns_make_the_same():
    made = half(7, None)
    seen = np.array([True, False])
    same = Half.of_columns(SpanColumns(seen, *(np.array([n, 0], np.int64) for n in (1, 2, 3, 4, 7, 8, 5))))
    for name in ("seen", "offset", "length", "first", "last", "start", "end", "missing"):
        assert getattr(made, name).tolist() == getattr(same, name).tolist()
    assert made.column(made.length).to_pylist() == [2, None]
    backwards = made.taken(np.array([1, 0]))
    assert backwards.column(backwards.length).to_pylist() == [None, 2]


def test_rows_begin_with_the_earlier_half_and_keep_their_order_where_they_can():
    start, order = in_order_of_time(half(5, None, 5), half(6, 5, 4))
    assert start.tolist() == [5, 5, 4]
    assert order is not None
    assert order.tolist() == [2, 0, 1]
    assert in_order_of_time(half(1, 1, None), half(9, None, 2))[1] is None
