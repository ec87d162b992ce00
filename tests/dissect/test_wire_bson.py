"""BSON read by the byte: values, bounds, and bytes that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_bson import (
    DEPTH,
    ELEMENTS,
    BsonError,
    Interest,
    count_elements,
    document_length,
    read_beginning,
    read_document,
)
from tests.dissect.samples.mongodb import bson

VALUES = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=10)
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.floats(allow_nan=False),
    lambda inner: st.dictionaries(
        st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=5), inner, max_size=4
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8), VALUES, max_size=6))
def test_what_was_written_is_read(document):
    data = bson(document)
    assert document_length(data, 0, len(data)) == len(data)
    assert read_document(data, 0, len(data)) == document


def test_of_a_document_that_is_cut_off_the_beginning_is_read():
    data = bson({"insert": "orders", "n": 1, "text": "x" * 100})
    assert read_beginning(data, 0, len(data) - 50) == {"insert": "orders", "n": 1}
    assert read_beginning(data, 0, 3) == {}


@given(st.binary(max_size=200))
def test_any_bytes_have_a_beginning(data: bytes):
    assert isinstance(read_beginning(data, 0, len(data)), dict)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_an_error_of_ours(data: bytes):
    try:
        found: object = read_document(data, 0, len(data))
    except BsonError as error:
        found = error.position
    assert isinstance(found, dict) or 0 <= found <= len(data)


@given(st.data())
def test_a_changed_byte_is_survived(data):
    original = bytearray(bson({"find": "orders", "filter": {"a": [1, 2.5, "x"]}, "ok": True}))
    original[data.draw(st.integers(0, len(original) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_document(bytes(original), 0, len(original))
    except BsonError:
        return


def test_depth_and_elements_are_bounded():
    nested: dict = {}
    for _ in range(DEPTH + 3):
        nested = {"d": nested}
    found = read_document(bson(nested), 0, len(bson(nested)))
    depth = 0
    while isinstance(found, dict) and "d" in found:
        found, depth = found["d"], depth + 1
    assert (found, depth) == (None, DEPTH + 1)
    wide = bson({f"e{number}": number for number in range(ELEMENTS * 2)})
    assert len(read_document(wide, 0, len(wide))) == ELEMENTS


@pytest.mark.parametrize("data", [b"", b"\x05\0\0\0", b"\x05\0\0\0\1", b"\xff\xff\xff\x7f\0", b"\x04\0\0\0\0"])
def test_lengths_that_cannot_be_are_refused(data: bytes):
    with pytest.raises(BsonError):
        document_length(data, 0, len(data))


def test_what_nobody_asks_for_is_passed_over_and_long_arrays_are_counted():
    data = bson({"cursor": {"firstBatch": [{"n": n} for n in range(150)], "id": 0}, "extra": {"a": 1}, "ok": 1.0})
    interest = Interest(frozenset({"cursor"}), frozenset({"firstBatch"}))
    assert read_document(data, 0, len(data), DEPTH, interest) == {
        "cursor": {"firstBatch": 150, "id": 0}, "extra": None, "ok": 1.0,
    }  # fmt: skip
    assert count_elements(data, 0, len(data)) == 3
