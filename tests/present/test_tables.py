"""Tables."""

from __future__ import annotations

from kubeshark_mcp.present.tables import aligned_table, pipe_table


def test_a_pipe_table_spends_nothing_on_frames():
    assert (
        pipe_table(("id", "path", "ms"), [("a1", "/x", 1.5), ("a2", "/y", 20.0)]) == "id|path|ms\na1|/x|1.5\na2|/y|20"
    )


def test_empty_columns_are_left_out_and_constant_ones_said_once():
    rows = [("a", "http", None, 1), ("b", "http", "", 2)]
    assert pipe_table(("id", "proto", "svc", "n"), rows) == "all: proto=http\nid|n\na|1\nb|2"


def test_one_row_keeps_its_columns():
    assert pipe_table(("id", "proto"), [("a", "http")]) == "id|proto\na|http"


def test_rows_that_are_all_alike_keep_one_column_to_be_counted():
    assert pipe_table(("id", "proto"), [("a", "http"), ("a", "http")]) == "all: proto=http\nid\na\na"


def test_a_cell_cannot_break_out_of_its_row():
    assert pipe_table(("x", "y"), [("a|b\nc", True)]) == "x|y\na\\|b c|yes"


def test_no_rows_give_no_table():
    assert pipe_table(("x",), []) == ""


def test_an_aligned_table_pads_words_left_and_numbers_right():
    table = aligned_table(("name", "count"), [("cart", 5), ("検索", 12)])
    assert table == "name  count\ncart      5\n検索     12"
