from __future__ import annotations

import re

import pytest

from kubeshark_mcp.kfl import Catalogue, EvaluationError, KflError, compile_filter, evaluate, library, parser
from kubeshark_mcp.kfl.manual_text import FUNCTIONS, LEFT_OUT, MACROS, METHODS, OPERATORS, PITFALLS, TYPES

PAGES = [*TYPES, *OPERATORS, *FUNCTIONS, *METHODS, *MACROS, *PITFALLS]
EXAMPLES = [example for _, _, example in PAGES if example]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_compiles_without_a_warning(example: str, everything: Catalogue):
    warnings = compile_filter(example, everything, now_ns=0).warnings
    unguarded = [found for found in warnings if "a guard tells the two apart" not in found.message]
    assert unguarded == []


def names(pages: tuple[tuple[str, str, str], ...], pattern: str) -> set[str]:
    return {found for usage, _, _ in pages for found in re.findall(pattern, usage)}


def test_every_function_and_macro_is_described_and_nothing_else():
    assert names(FUNCTIONS, r"(?:^|, )([\w.]+)\(") == {*library.FUNCTIONS, "now", "has"}
    assert names(METHODS, r"(?:text|list|time)\.(\w+)\(") == set(library.METHODS)
    assert names(MACROS, r"items\.(\w+)\(") == parser.MACROS - {"existsOne"}


def test_every_example_of_a_function_uses_it():
    for usage, _, example in (*FUNCTIONS, *METHODS, *MACROS):
        name = re.match(r"(?:(?:text|list|time|items)\.)?([\w.]+)\(", usage)
        assert name is not None
        assert f"{name[1]}(" in example, usage


@pytest.mark.parametrize(
    "expression",
    [
        "cel.bind(x, 1, x == 1)",
        "[1, 2].exists(i, v, i == v)",
        "[1].transformList(i, v, v)",
        "math.greatest(1, 2) == 2",
        "base64.encode(b'a') == 'YQ=='",
        "{'a': 1}.?a.orValue(1) == 1",
        "google.protobuf.Int32Value{value: 1} == 1",
    ],
)
def test_what_is_said_to_be_left_out_is_refused(expression: str):
    assert LEFT_OUT
    with pytest.raises((KflError, EvaluationError)):
        evaluate(expression, {})
