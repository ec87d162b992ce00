"""How captures are read for a run, whoever reads them: so much at once, with these limits of what is followed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from kubeshark_mcp.stream.limits import Limits

WINDOW_BYTES = 4 << 20
"""Bytes of a capture that are in memory at once: about as much as the packets of a block have."""
BLOCK_PACKETS = 8_192
"""Packets that are decoded at once: more are no faster, and what they become is all in memory at once."""
LIMITS = Limits(datagram_idle_seconds=120.0, exchange_idle_seconds=30.0, closed_idle_seconds=60.0)
"""A conversation in datagrams ends after the two minutes that address translators keep one (RFC 4787, REQ-5), a lone
question with its answer after the half minute that Linux does (nf_conntrack_udp_timeout). A TCP connection that ended
is remembered for the minute that Linux stays in TIME-WAIT (TCP_TIMEWAIT_LEN).

Each question to a name server comes from a port of its own: ten minutes of a few hundred a second would fill 500 MB.
"""


@contextmanager
def few_collections() -> Iterator[None]:
    """Let the garbage collector look less often: entries hold no cycles, and its looking took a fifth of the time.

    What is there already, mostly code, is left out of its looking: to go through that took some 50 ms a time. It looks
    once more at the end, while that is so, and has no reason to afterwards.
    """
    before = gc.get_threshold()
    gc.set_threshold(200_000, 20, 50)
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
        gc.set_threshold(*before)
