"""How captures are read for a run."""

from __future__ import annotations

import gc
import weakref

from kubeshark_mcp.hub.reading import few_collections


def test_the_collector_is_as_it_was_afterwards():
    before = gc.get_threshold()
    with few_collections():
        assert gc.get_threshold() != before
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0


def test_what_waits_for_the_collector_at_the_end_is_freed():
    class Knot:
        def __init__(self) -> None:
            self.itself = self

    with few_collections():
        gone = weakref.ref(Knot())
        assert gone() is not None
    assert gone() is None
