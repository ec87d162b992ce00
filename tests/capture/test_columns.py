from __future__ import annotations

from dataclasses import replace

import numpy as np

from kubeshark_mcp.capture.columns import Columns
from kubeshark_mcp.capture.merge import as_records


def test_appended_bytes_follow_the_captured_ones():
    records = as_records([(1, 3, b"abc", 1), (2, 2, b"de", 1)])
    block = Columns(records).block([b"XY", b"Z"])
    assert block.data.tobytes() == b"abcdeXYZ"
    assert block.number.tolist() == [1, 2]


def test_a_block_without_reassembly_shares_the_bytes_of_the_window():
    records = as_records([(1, 3, b"abc", 1)])
    assert np.shares_memory(Columns(records).block([]).data, records.data)


def test_reset_forgets_what_was_set():
    columns = Columns(as_records([(1, 3, b"abc", 1), (2, 2, b"de", 1)]))
    columns["source_port"][:] = 80
    columns["ttl"][:] = 64
    columns.reset(np.array([1]))
    assert (columns["source_port"].tolist(), columns["ttl"].tolist()) == ([80, 0], [64, 0])


def test_an_absurd_original_length_cannot_overflow():
    records = as_records([(1, 0, b"abc", 1)])
    records = replace(records, original=np.array([0xFFFFFFFF], np.uint32))
    assert Columns(records).wire_end.tolist() == [2**31 - 1]
