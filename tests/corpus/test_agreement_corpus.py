"""How many files of tcp_reassembly, encap and format agree with the manifest, exceptions counted against us.

That each file agrees or is an exception with a reason is what tests/capture/test_corpus.py (packets) and
tests/stream/test_corpus.py (streams, their bytes) prove by reading all of them.
"""

from __future__ import annotations

import pytest

from tests.capture.test_corpus import EXCEPTIONS as PACKETS
from tests.corpus.harness import MISSING, cases
from tests.stream.test_corpus import AGREEMENT, BYTE_EXCEPTIONS, STREAM_EXCEPTIONS

FOLDERS = ("tcp_reassembly", "encap", "format")

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not cases(), reason=MISSING)]


@pytest.mark.parametrize(
    ("what", "exceptions"),
    [
        ("packets", set(PACKETS)),
        ("streams", set(STREAM_EXCEPTIONS)),
        ("stream bytes", {f"tcp_reassembly/{name}" for name in BYTE_EXCEPTIONS}),
    ],
)
def test_at_least_97_percent_of_the_files_agree(what: str, exceptions: set[str]):
    files = {case.file for case in cases() if case.file.partition("/")[0] in FOLDERS}
    differing = exceptions & files
    assert len(files) >= 100
    assert 1 - len(differing) / len(files) >= AGREEMENT, f"{what} differ in {sorted(differing)}"


def test_exceptions_are_files_of_the_corpus():
    named = {*PACKETS, *STREAM_EXCEPTIONS, *(f"tcp_reassembly/{name}" for name in BYTE_EXCEPTIONS)}
    assert named - {case.file for case in cases()} == set()
