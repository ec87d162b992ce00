from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_graphql import (
    DEFINITIONS,
    DOCUMENT_LIMIT,
    FIELDS,
    DocumentError,
    Operation,
    read_document,
)

KITCHEN_SINK = '''
\ufeff# every shape of a selection
query Sink($id: ID! = 1, $list: [Int!]! = [1, 2], $deep: In = {a: {b: "}"}}) @cached(ttl: 60, why: """ "quoted" } """) {
  plain, alias: real(id: $id, where: {name: "a\\"} {", all: [1.5e3, -2]}) @include(if: $yes) @skip(if: false) {
    nested { deeper }
  }
  ... on Query @defer { inline { x } ... { innermost } }
  ...First @include(if: true)
  __typename
}
fragment First on Query { first ...Second ...First }
fragment Second on Query @here { second { ...Third } plain }
fragment Third on Thing { third }
'''


def test_an_operation_has_its_type_its_name_and_its_top_fields():
    assert read_document("query GetCart($id: ID!) { cart(id: $id) { id } me { name } }") == [
        Operation("query", "GetCart", ("cart", "me"))
    ]
    assert read_document("mutation { addToCart(sku: 5) { id } }") == [Operation("mutation", "", ("addToCart",))]
    assert read_document("subscription Prices{prices}") == [Operation("subscription", "Prices", ("prices",))]


def test_a_document_may_be_nothing_but_a_selection():
    assert read_document("{ a b: c }") == [Operation("query", "", ("a", "c"))]


def test_fragments_are_looked_into_and_nested_selections_are_not():
    (operation,) = read_document(KITCHEN_SINK)
    assert operation == Operation(
        "query", "Sink", ("plain", "real", "inline", "innermost", "__typename", "first", "second")
    )


def test_several_operations_are_given_in_order():
    found = read_document("query A { a } fragment F on T { f } mutation B { b ...F } subscription { c }")
    assert found == [
        Operation("query", "A", ("a",)),
        Operation("mutation", "B", ("b", "f")),
        Operation("subscription", "", ("c",)),
    ]


def test_keywords_are_names_where_a_name_stands():
    assert read_document("query query { query mutation on: fragment }") == [
        Operation("query", "query", ("query", "mutation", "fragment"))
    ]


def test_a_description_may_precede_a_definition():
    assert read_document('"""Gives a cart.""" query Cart { cart }') == [Operation("query", "Cart", ("cart",))]


@pytest.mark.parametrize(
    ("operation", "label"),
    [
        (Operation("query", "GetCart", ("cart",)), "query GetCart"),
        (Operation("query", "", ("cart", "me")), "query {cart, me}"),
        (Operation("mutation", "", ("a", "b", "c", "d")), "mutation {a, b, c, …}"),
        (Operation("", "GetCart"), "persisted GetCart"),
        (Operation("", ""), "persisted"),
    ],
)
def test_a_label_names_the_operation(operation: Operation, label: str):
    assert operation.label == label


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the document has no operation"),
        ("fragment F on T { f }", "the document has no operation"),
        ("SELECT * FROM items", "a definition begins with 'SELECT'"),
        ("query", "the document ends within a definition"),
        ("query words", "the document ends within a definition"),
        ("query red lamp", "there is no selection set"),
        ("{}", "a selection set is empty"),
        ('{"a": 1}', "'\"a\"' stands where a field should"),
        ("{ a } trailing", "a definition begins with 'trailing'"),
        ("{ a { b }", "the document ends within a definition"),
        ("{ a: }", "'}' stands where a name should"),
        ("{ % }", "'%' stands where a field should"),
        ("type Query { a: Int }", "a definition begins with 'type'"),
        ("fragment F of T { f }", "a fragment has no type"),
        ("{ ... on T }", "an inline fragment has no selection set"),
    ],
)
def test_what_is_no_document_is_refused_with_the_reason(text: str, reason: str):
    with pytest.raises(DocumentError) as caught:
        read_document(text)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "text", ["query A { first second(id: 5", "query A { first second { x ", "query A { first second"]
)
def test_of_a_document_that_is_cut_the_beginning_is_read(text: str):
    assert read_document(text, cut=True) == [Operation("query", "A", ("first", "second"))]


def test_a_cut_document_may_end_within_a_word_and_a_cut_text_that_is_none_is_refused():
    assert read_document("{ cart { id } } fragm", cut=True) == [Operation("query", "", ("cart",))]
    assert read_document('{ cart(name: "} lamp) ', cut=True) == [Operation("query", "", ("cart",))]
    for text in ('{"a": 1', "SELECT 1", "mutation rate of viruses"):
        with pytest.raises(DocumentError):
            read_document(text, cut=True)


def test_a_long_document_counts_as_cut():
    text = "{ a " + "b " * DOCUMENT_LIMIT
    (operation,) = read_document(text)
    assert operation.fields == ("a", "b")


def test_fields_and_definitions_are_bounded():
    (operation,) = read_document("{" + " ".join(f"f{number}" for number in range(500)) + "}")
    assert operation.fields == tuple(f"f{number}" for number in range(FIELDS))
    found = read_document(" ".join(f"query Q{number} {{ a }}" for number in range(1000)))
    assert len(found) == DEFINITIONS


@pytest.mark.parametrize(
    "text", ['"' * 60_000, "{" * 60_000, "{a(" * 20_000, "...F " * 12_000, '"""\\' * 15_000, "{ a " * 15_000]
)
def test_hostile_texts_are_read_in_time(text: str):
    begun = time.process_time()
    for cut in (False, True):
        try:
            read_document("{ a " + text, cut=cut)
            read_document(text, cut=cut)
        except DocumentError:
            continue
    assert time.process_time() - begun < 1


@given(st.text(alphabet='{}()[]:@.!$"#\\\n ,aonquery0', max_size=60), st.booleans())
def test_any_text_is_read_or_refused(text: str, cut: bool):
    try:
        operations = read_document(text, cut=cut)
    except DocumentError:
        return
    assert all(operation.type in {"query", "mutation", "subscription"} for operation in operations)
    assert operations
