from __future__ import annotations

from kubeshark_mcp.kfl import Catalogue, compile_filter
from kubeshark_mcp.kfl.parser import parse
from kubeshark_mcp.kfl.tree import columns, conjuncts, walk, with_children


def test_a_tree_knows_the_columns_that_it_reads(catalogue: Catalogue):
    tree = compile_filter("http && pods.exists(p, p == path)", catalogue, now_ns=0).tree
    assert columns(tree) == {"http", "pods", "path"}
    assert len(conjuncts(tree)) == 2


def test_every_kind_of_node_can_be_given_its_own_children():
    tree = parse("a.b[0] ? f(-c, [1], {2: 3}) : l.map(x, x > 1, x) == d.g(e) && h || has(i.j)")
    for node in walk(tree):
        assert with_children(node, tuple(parse("1") if False else child for child in node.children())) is node
        copies = tuple(with_children(child, child.children()) for child in node.children())
        assert with_children(node, copies) == node
