from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.present.layout import BOX_HEIGHT, layered

NAMES = st.integers(0, 9).map(str)


def test_a_chain_runs_from_left_to_right_at_one_height():
    found = layered([("a", "b"), ("b", "c")])
    assert found.layers == 3
    assert found.place == {name: (layer, BOX_HEIGHT / 2) for layer, name in enumerate("abc")}
    assert found.ways["a", "b"] == [BOX_HEIGHT / 2] * 2


def test_an_edge_over_a_layer_bends_around_the_box_there():
    found = layered([("a", "b"), ("b", "c"), ("a", "c")])
    (_, bend, _) = found.ways["a", "c"]
    assert abs(bend - found.place["b"][1]) > BOX_HEIGHT / 2


def test_a_cycle_and_a_loop_are_drawn_too():
    found = layered([("in", "a"), ("a", "b"), ("b", "a"), ("b", "b")])
    assert [found.place[name][0] for name in ("in", "a", "b")] == [0, 1, 2]
    assert len(found.ways["b", "a"]) == len(found.ways["b", "b"]) == 2


def test_nothing_is_an_empty_drawing():
    assert (layered([]).layers, layered([]).height) == (0, 0.0)


@given(st.lists(st.tuples(NAMES, NAMES), max_size=30))
def test_boxes_never_overlap_and_lie_within_the_drawing(edges: list[tuple[str, str]]):
    found = layered(edges)
    assert set(found.place) == {name for edge in edges for name in edge}
    assert set(found.ways) == set(edges)
    for layer in range(found.layers):
        heights = sorted(height for at, height in found.place.values() if at == layer)
        assert heights, "no layer is empty"
        assert all(below - above >= BOX_HEIGHT for above, below in itertools.pairwise(heights))
        assert heights[0] >= BOX_HEIGHT / 2 - 1e-6
        assert heights[-1] <= found.height - BOX_HEIGHT / 2 + 1e-6
