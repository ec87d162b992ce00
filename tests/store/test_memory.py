from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref

from kubeshark_mcp.store.memory import give_back, give_pages_back


class Knot:
    """Something that holds itself."""

    def __init__(self) -> None:
        self.itself = self


def test_what_only_waits_for_the_collector_is_freed():
    gc.disable()
    try:
        knot = Knot()
        gone = weakref.ref(knot)
        del knot
        assert gone() is not None
        give_back()
        assert gone() is None
    finally:
        gc.enable()


def test_pages_are_given_back_without_the_collector():
    gc.disable()
    try:
        knot = Knot()
        gone = weakref.ref(knot)
        del knot
        give_pages_back()
        assert gone() is not None
    finally:
        gc.enable()


def test_arrow_allocates_where_everything_else_does_unless_told_otherwise():
    told = "import kubeshark_mcp.store, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    named = [
        subprocess.run(
            [sys.executable, "-c", told], env=environment | more, capture_output=True, text=True, check=True
        ).stdout.strip()
        for more in ({}, {"ARROW_DEFAULT_MEMORY_POOL": "mimalloc"})
    ]
    assert named[0] == "system"
    assert named[1] in {"mimalloc", "system"}  # not every build of Arrow has it


def test_large_arrays_are_kept_apart_where_the_c_library_can():
    told = "from kubeshark_mcp.store.memory import keep_large_apart; keep_large_apart(); print('done')"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "done"
