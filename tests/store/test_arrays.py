"""Python values as arrays: exact when they fit, repaired when not, and nothing raises."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store import arrays
from kubeshark_mcp.store.arrays import array_of, coded_array, codes_of, constant_array, taken

GOOD = {
    FieldType.STRING: ["a", None, "", "ü", "a"],
    FieldType.INT: [0, None, -(2**63), 2**63 - 1],
    FieldType.DOUBLE: [0.5, None, -1.0],
    FieldType.BOOL: [True, None, False],
    FieldType.BYTES: [b"", None, b"\x00\xff"],
    FieldType.TIMESTAMP: [1_700_000_000_000_000_000, None],
    FieldType.STRING_LIST: [["a", "b"], None, []],
    FieldType.STRING_MAP: [{"a": "1", "b": ""}, None, {}, {"c": "3"}],
}


def plain(array):
    return [
        dict(value) if isinstance(value, list) and value and isinstance(value[0], tuple) else value
        for value in array.to_pylist()
    ]


@pytest.mark.parametrize("kind", FieldType, ids=lambda kind: kind.name)
def test_values_that_fit_come_back_as_they_were(kind):
    back = [
        {} if kind is FieldType.STRING_MAP and value == [] else value for value in plain(array_of(GOOD[kind], kind))
    ]
    assert back == GOOD[kind]


@pytest.mark.parametrize(
    ("kind", "given", "stored"),
    [
        (FieldType.STRING, ["\ud800x", b"\xff", 7, None], ["?x", "\ufffd", "7", None]),
        (FieldType.INT, [2**70, -(2**70), "no", 1.9], [2**63 - 1, -(2**63), None, 1]),
        (FieldType.DOUBLE, ["1.5", "no"], [1.5, None]),
        (FieldType.BOOL, [1, "x", None], [True, True, None]),
        (FieldType.BYTES, [bytearray(b"a"), 2**40, [1]], [b"a", None, None]),
        (FieldType.STRING_LIST, [["\udfff"], 5], [["?"], None]),
        (FieldType.STRING_MAP, [{"\ud800": "x", b"k": 5}, 7], [{"?": "x", "k": "5"}, None]),
    ],
)
def test_values_that_do_not_fit_are_repaired_or_left_out(kind, given, stored):
    assert plain(array_of(given, kind)) == stored


ANYTHING = st.none() | st.integers() | st.floats() | st.text() | st.binary() | st.booleans() | st.lists(st.text())


@given(st.lists(ANYTHING | st.dictionaries(st.text(st.characters()), ANYTHING)), st.sampled_from(FieldType))
def test_no_value_makes_it_raise(values, kind):
    assert len(array_of(values, kind)) == len(values)


def test_text_that_is_too_much_for_one_array_is_cut(monkeypatch):
    real = arrays.pa.array

    def too_much(values, *rest, **named):
        whole = real(values, *rest, **named)
        longest = any(isinstance(value, str) and len(value) > arrays._LONGEST_TEXT for value in values)
        return arrays.pa.chunked_array([whole]) if longest else whole

    monkeypatch.setattr(arrays.pa, "array", too_much)
    stored = array_of(["x" * (arrays._LONGEST_TEXT + 5)], FieldType.STRING)
    assert stored.to_pylist() == ["x" * arrays._LONGEST_TEXT]


@pytest.mark.parametrize("kind", FieldType, ids=lambda kind: kind.name)
def test_the_values_of_connections_are_spread_over_their_entries(kind):
    small = GOOD[kind]
    codes = np.array([1, 0, 0, 1], np.int32)
    spread = array_of([small[code] for code in codes], kind)
    assert coded_array(codes, small, kind).to_pylist() == spread.to_pylist()
    assert coded_array(codes, [None, None], kind).to_pylist() == [None] * 4


def test_a_constant_is_stored_once():
    array = constant_array("http", 1000)
    assert array.to_pylist() == ["http"] * 1000
    assert len(array.dictionary) == 1


_VALUES = {
    FieldType.STRING: st.text(max_size=5),
    FieldType.INT: st.integers(-(2**63), 2**63 - 1),
    FieldType.DOUBLE: st.floats(allow_nan=False),
    FieldType.BOOL: st.booleans(),
    FieldType.BYTES: st.binary(max_size=5),
    FieldType.STRING_LIST: st.lists(st.text(max_size=3), max_size=3),
    FieldType.STRING_MAP: st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
}


@given(st.data(), st.sampled_from(list(_VALUES)))
def test_values_are_taken_by_their_codes(data, kind):
    values = data.draw(st.lists(st.none() | _VALUES[kind], min_size=1, max_size=4))
    codes = np.array(data.draw(st.lists(st.integers(-1, len(values) - 1), max_size=20)), np.int32)
    wanted = [values[code] if code >= 0 else None for code in codes.tolist()]
    if kind is FieldType.STRING_MAP:
        wanted = [None if value is None else list(value.items()) for value in wanted]
    found = coded_array(codes, values, kind)
    found.validate(full=True)
    assert found.to_pylist() == wanted
    assert found.type == array_of(values, kind).type


@given(st.lists(st.none() | st.booleans(), min_size=12, max_size=30), st.integers(0, 9))
def test_a_part_of_an_array_is_taken_from(values, begin):
    part = pa.array(values)[begin:]
    codes = np.arange(len(part) - 1, -1, -1, dtype=np.int32)
    assert taken(part, codes).to_pylist() == values[begin:][::-1]


@given(st.lists(st.none() | st.text(max_size=2), min_size=4, max_size=12), st.integers(0, 3))
def test_codes_lead_to_their_texts(values, begin):
    part = array_of(values, FieldType.STRING)[begin:]
    texts = [*part.dictionary.to_pylist(), None]
    assert [texts[code] for code in codes_of(part).tolist()] == values[begin:]


def test_one_map_for_all_rows_is_written_so_often_unless_it_would_be_too_large(monkeypatch):
    value = {"file": "a.pcap", "näme": ""}
    codes = np.zeros(3, np.int32)
    made = coded_array(codes, [value, dict(value)], FieldType.STRING_MAP)
    monkeypatch.setattr(arrays, "_MOST_TILED", 10)
    assert made.equals(coded_array(codes, [value], FieldType.STRING_MAP))
    assert made.to_pylist() == [list(value.items())] * 3


def test_no_function_of_arrow_is_loaded_for_what_every_dissection_needs():
    told = (
        "import sys, numpy as np; from kubeshark_mcp.store.arrays import coded_array, FieldType as T; "
        "codes = np.array([0, 1, 0], np.int32); "
        "[coded_array(codes, v, k) for k, v in ((T.STRING, ['a', None]), (T.INT, [1, None]), (T.BOOL, [True, None]),"
        " (T.STRING_MAP, [{'a': 'b'}, {'a': 'b'}]))]; print('pyarrow.compute' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
