from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, check, compile_filter
from kubeshark_mcp.kfl.canonical import write
from kubeshark_mcp.kfl.parser import parse


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("( http )&&(tcp||dns)", "http && (tcp || dns)"),
        ("(1+2)*3-(4-5)", "(1 + 2) * 3 - (4 - 5)"),
        ("-(5) == - 5", "-(5) == -5"),
        ("!(a == 'b')", '!(a == "b")'),
        ("(a?b:c)?d:(e?f:g)", "(a ? b : c) ? d : e ? f : g"),
        ("[1,2u,3.0,1e30][0]", "[1, 2u, 3.0, 1e+30][0]"),
        ("{'a':1}.a", '{"a": 1}.a'),
        ("m.`a-b`", "m.`a-b`"),
        ("has( a.b )", "has(a.b)"),
        ("l.map(x,x>1,x+1)", "l.map(x, x > 1, x + 1)"),
        ("(-5).f()", "(-5).f()"),
    ],
)
def test_a_tree_is_written_with_the_fewest_brackets_and_reads_back_as_itself(text: str, canonical: str):
    assert write(parse(text)) == canonical
    assert write(parse(canonical)) == canonical


def test_a_program_has_the_canonical_form_of_its_filter(catalogue: Catalogue):
    assert compile_filter("http&&(status_code>=500)", catalogue, now_ns=0).canonical == "http && status_code >= 500"
    assert check("http and tcp", catalogue).canonical == ""
