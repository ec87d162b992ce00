from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, check, compile_filter
from kubeshark_mcp.kfl.tree import FieldRef, Index, Local, Macro, Select, walk


def error_of(text: str, catalogue: Catalogue) -> str:
    return check(text, catalogue).errors[0].message


def test_the_longest_dotted_name_is_the_field_and_the_rest_selects_a_key(catalogue: Catalogue):
    tree = compile_filter("request.headers.host == src.pod.name", catalogue, now_ns=0).tree
    assert [node.field.name for node in walk(tree) if isinstance(node, FieldRef)] == ["request.headers", "src.pod.name"]
    assert [node.name for node in walk(tree) if isinstance(node, Select)] == ["host"]


def test_a_loop_variable_hides_a_field_of_its_name(catalogue: Catalogue):
    tree = compile_filter("pods.exists(path, path == '') && path == ''", catalogue, now_ns=0).tree
    assert sum(isinstance(node, Local) for node in walk(tree)) == 1
    assert sum(isinstance(node, FieldRef) and node.field.name == "path" for node in walk(tree)) == 1
    assert sum(isinstance(node, Macro) for node in walk(tree)) == 1


def test_types_flow_through_lists_maps_and_macros(catalogue: Catalogue):
    assert check('pods.map(p, size(p))[0] + 1 == 2 && {"a": 1}["a"] == 1', catalogue).valid
    assert check('request.headers.map(k, request.headers[k]).exists(v, v.startsWith("a"))', catalogue).valid
    tree = compile_filter('node["a"] == "b"', catalogue, now_ns=0).tree
    assert [str(node.type) for node in walk(tree) if isinstance(node, Index)] == ["string"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path + 1 == path", "`+` takes"),
        ("pods < pods", "A list(string) has no order: use `==` or `!=`."),
        ("path.nothing == 1", "`path` is a string; it has nothing called `nothing`."),
        ("path.size == 1", "`size` is a function: write `path.size(…)`."),
        ("status_code[0] == 1", "An int has no elements: `[…]` is for lists and maps."),
        ("pods['a'] == 'b'", "A list is indexed by int, not by a string."),
        ("request.headers[1] == 'b'", "a string is needed, but `1` is an int: `[]` takes two of one type."),
        ("path.exists(x, true)", "`exists` goes over a list or a map; `path` is a string."),
        ("pods.exists(x, x)", "A condition (bool) must stand here; `x` is a string."),
        ("1 in pods", "a string is needed, but `1` is an int: `in` takes two of one type."),
        ("http ? 1 : 'a'", "an int is needed, but `'a'` is a string: `?:` takes two of one type."),
        ("path.matches('(')", "`(` is not a regular expression of RE2: missing ): (."),
        ("path.matches('(?=x)')", "`(?=x)` is not a regular expression of RE2: invalid perl operator: (?=."),
        ("timestamp > timestamp('x')", "`x` is not a time: write RFC 3339, such as `2025-01-01T00:00:00Z`."),
        ("src.pod == 'a' && src == 'b'", "`src.pod` is not a field."),
        ("contains(path, 'a')", "`contains` is a member function: write `path.contains(…)`."),
        ("status_code.int() == 1", "`int` is a global function: write `int(status_code, …)`."),
        ("{[1]: 2} == {}", "A list(int) can't be a key of a map."),
    ],
)
def test_a_mistake_of_types_is_told_in_a_sentence(catalogue: Catalogue, text: str, message: str):
    assert error_of(text, catalogue).startswith(message.replace("2025-01-01", "2025-01-31").replace("31T00", "31T12"))


def test_int_and_double_are_ordered_but_not_equal(catalogue: Catalogue):
    assert check("status_code < 5.5", catalogue).valid
    assert error_of("status_code == 5.0", catalogue).startswith("`status_code` is an int, but `5.0` is a double")
