"""Which connections are plain: what is proven so is joined and counted as columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kubeshark_mcp.stream import transmission
from kubeshark_mcp.stream.engine import StreamEngine
from tests.stream.building import Sent, Talk, cut, numbered


@pytest.fixture
def verdicts(monkeypatch):
    seen = []

    def spy(batch, segments, table, near):
        seen.append(judge(batch, segments, table, near))
        return seen[-1]

    judge = transmission.judge
    monkeypatch.setattr(transmission, "judge", spy)

    def of(packets, cuts=()):
        seen.clear()
        engine = StreamEngine()
        for block in cut(numbered(packets), cuts):
            engine.feed(block)
        return [(bool(np.all(verdict.orderly)), bool(np.all(verdict.clean))) for verdict in seen]

    return of


def test_a_healthy_conversation_is_clean_from_syn_to_fin_in_any_blocks(verdicts):
    talk = Talk().handshake().say(0, b"abc").say(1, b"def").close()
    assert verdicts(talk.packets, range(1, 20)) == [(True, True)] * len(talk.packets)
    assert verdicts(talk.packets) == [(True, True)]


def test_a_duplicate_ack_is_orderly_and_not_clean(verdicts):
    talk = Talk().handshake().say(0, b"abc")
    talk.send(1)
    assert verdicts(talk.packets) == [(True, False)]


@pytest.mark.parametrize("changes", [{"sequence": 1}, {"acknowledgment": 9000}, {"flags": "RA"}])
def test_what_is_out_of_place_is_not_orderly(verdicts, changes):
    talk = Talk().handshake().say(0, b"abc")
    assert verdicts([*talk.packets, replace(talk.packets[-1], **changes)]) == [(False, False)]


def test_zero_windows_are_not_clean_until_they_open(verdicts):
    talk = Talk().handshake()
    talk.send(1, b"a", window=0)
    talk.send(0)
    talk.send(1, b"b")
    assert verdicts(talk.packets, [4, 5]) == [(True, False), (True, False), (True, False)]


def test_a_lone_packet_is_clean(verdicts):
    assert verdicts([Sent(data=b"x")]) == [(True, True)]
