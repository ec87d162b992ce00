"""SCTP against captures of other projects and what tshark says of them."""

from __future__ import annotations

from collections import Counter

import pytest

from kubeshark_mcp.dissect.protocols.sctp import NAMED_CHUNKS
from tests.corpus.harness import Case, differences, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}
"""Captures where we say something else than tshark, each with the reason."""


@pytest.mark.parametrize("case", [*parameters("sctp"), *parameters("diameter")])
def test_chunks_agree_with_tshark(case: Case):
    result = dissect_file(case.path, case.decode_as)
    assert result.warnings == []
    entries = result.of("sctp")
    ours, counts = [], 0
    for entry in entries:
        span = entry.request or entry.response
        assert span is not None
        ours += [(span.first_packet, kind) for kind in entry.fields["sctp_chunk_types"]]
        counts += entry.fields["sctp_chunk_count"]
    named: Counter[int] = Counter()
    theirs = []
    for row in case.rows("sctp.chunk"):
        named[row["f"]] += 1
        if named[row["f"]] <= NAMED_CHUNKS:
            theirs.append((row["f"], row["type"]))
    found = differences("chunks", ours, theirs)
    found += [] if counts == case.summary["sctp"]["chunks"] else [f"{counts} chunks here"]
    found += [f"{entry.summary}: {entry.malformed}" for entry in entries if entry.malformed]
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", [*parameters("sctp"), *parameters("diameter")])
def test_checksums_of_packets_that_were_on_a_wire_are_good(case: Case):
    states = {entry.fields["sctp_checksum_state"] for entry in dissect_file(case.path, case.decode_as).of("sctp")}
    assert states == {"good"}
