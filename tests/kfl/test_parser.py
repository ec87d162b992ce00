from __future__ import annotations

import time

import pytest

from kubeshark_mcp.kfl import KflError
from kubeshark_mcp.kfl.parser import DEEPEST, parse
from kubeshark_mcp.kfl.tree import Call, Conditional, Ident, Literal, Logical, Select


def test_operators_bind_as_cel_says():
    tree = parse("a || b && c == 1 + 2 * 3")
    assert isinstance(tree, Logical)
    assert tree.operator == "||"
    both = tree.operands[1]
    assert isinstance(both, Logical)
    equality = both.operands[1]
    assert isinstance(equality, Call)
    assert equality.function == "=="
    total = equality.arguments[1]
    assert isinstance(total, Call)
    assert total.function == "+"


def test_a_chain_of_conditions_is_one_wide_node():
    tree = parse(" && ".join(["a"] * 1000))
    assert isinstance(tree, Logical)
    assert len(tree.operands) == 1000


def test_nodes_know_their_spans():
    text = "ab.cd == 'x' ? 1 : 2"
    tree = parse(text)
    assert isinstance(tree, Conditional)
    assert isinstance(tree.condition, Call)
    left = tree.condition.arguments[0]
    assert isinstance(left, Select)
    assert isinstance(left.operand, Ident)
    assert [text[node.start : node.end] for node in (tree.condition, left, left.operand)] == [
        "ab.cd == 'x'",
        "ab.cd",
        "ab",
    ]
    assert isinstance(parse("-5"), Literal)


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("a &&", 5, "ends here"),
        ("a b", 3, "cannot stand here"),
        ("a and b", 3, "write `&&`"),
        ("(a", 3, "ends here"),
        ("f(a,)", 5, "another argument"),
        ("a.in", 3, "cannot be a name"),
        ("for == 1", 1, "reserved word"),
        ("has(a)", 1, "takes a selection"),
        ("has(a['b'])", 1, "write `'b' in a`"),
        ("l.all(1, true)", 7, "loop variable"),
        ("Foo{a: 1}", 4, "no messages"),
        ("9223372036854775808", 1, "64 bits"),
        ("a ? b", 6, "`:` must follow"),
        ("[1, 2", 6, "ends here"),
        ("{1 2}", 4, "expected `:`"),
    ],
)
def test_a_mistake_of_grammar_is_told_with_its_place(text: str, column: int, part: str):
    with pytest.raises(KflError) as raised:
        parse(text)
    assert raised.value.column == column
    assert part in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "a" + ")" * 10_000,
        "[" * 60_000,
        "!" * 60_000 + "a",
        "-" * 60_000 + "1",
        "a" + ".b" * 30_000,
        "a" + "[0]" * 20_000,
        "a + " * 15_000 + "a",
        "a ? b : " * 8_000 + "c",
        "f(" * 30_000,
        "{1:" * 20_000,
        "x" * 1_000_000,
    ],
)
def test_hostile_text_ends_in_an_error_within_a_second(text: str):
    started = time.process_time()
    with pytest.raises(KflError):
        parse(text)
    assert time.process_time() - started < 1


def test_nesting_up_to_the_limit_is_read():
    depth = DEEPEST - 1
    assert isinstance(parse("(" * depth + "1" + ")" * depth), Literal)
