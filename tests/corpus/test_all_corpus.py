"""Every capture of other projects goes through all rooms without a fault, and in time."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.corpus.harness import Case, cases, dissect_file, parameters

pytestmark = pytest.mark.corpus

SECONDS = 10.0
CAPTURES = 383


@pytest.mark.parametrize("case", parameters())
def test_a_capture_is_read_without_a_fault_and_its_bytes_are_accounted_for(case: Case):
    begun = time.process_time()
    result = dissect_file(case.path, case.decode_as)
    assert time.process_time() - begun < SECONDS
    assert result.warnings == []
    assert result.packets > 0 or case.packets == 0
    connections = Counter(entry.protocol for entry in result.entries)
    assert connections["tcp_conn"] + connections["udp_conn"] == sum(
        stats.connection.transport in {"tcp", "udp"} for stats in result.stats
    )
    assert result.bytes_dissected + result.bytes_recognised + result.bytes_unknown == result.bytes_fed


@pytest.mark.skipif(not cases(), reason="no captures")
def test_no_capture_is_left_out():
    assert len(cases()) == CAPTURES
