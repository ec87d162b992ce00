from __future__ import annotations

import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.capture import chain as chain_module
from kubeshark_mcp.capture.chain import Chain, walk
from kubeshark_mcp.capture.source import PADDING

OVERHEAD, MOST = 4, 3000


def make(order: str, guess) -> Chain:
    return Chain(order, 0, OVERHEAD, 0, MOST, 1, guess)


def one_by_one(order: str, content: bytes, start: int, end: int) -> tuple[list[int], int]:
    """The plain definition that lanes must agree with."""
    found = []
    while start + OVERHEAD <= end:
        (length,) = struct.unpack_from(f"{order}I", content, start)
        if length > MOST or start + OVERHEAD + length > end:
            break
        found.append(start)
        start += OVERHEAD + length
    return found, start


def chained(order: str, lengths: list[int], seed: int) -> bytes:
    generator = random.Random(seed)
    return b"".join(struct.pack(f"{order}I", length) + generator.randbytes(length) for length in lengths)


@pytest.fixture(autouse=True)
def _short_lanes(monkeypatch):
    monkeypatch.setattr(chain_module, "LANE_BYTES", 200)


def test_lanes_find_what_walking_one_by_one_finds():
    check("<", [100, 0, 50, 3000, 7] * 50, seed=1, damage=[])


@settings(deadline=None, max_examples=150)
@given(
    order=st.sampled_from("<>"),
    lengths=st.lists(st.one_of(st.integers(0, 30), st.integers(0, MOST)), min_size=1, max_size=200),
    seed=st.integers(0, 1000),
    damage=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=3),
)
def test_lanes_are_right_whatever_they_guess_and_whatever_is_damaged(order, lengths, seed, damage):
    previous, chain_module.LANE_BYTES = chain_module.LANE_BYTES, 200
    try:
        check(order, lengths, seed, damage)
    finally:
        chain_module.LANE_BYTES = previous


def check(order: str, lengths: list[int], seed: int, damage: list[tuple[float, bytes]]) -> None:
    content = bytearray(chained(order, lengths, seed))
    whole = one_by_one(order, bytes(content), 0, len(content))[0]
    for where, what in damage:
        at = int(where * (len(content) - 1))
        content[at : at + len(what)] = what[: len(content) - at]
    generator = random.Random(seed)

    def guess(storage: bytearray, start: int, stop: int) -> int:
        """Half of the guesses are right, half are anything."""
        right = [position for position in whole if start <= position < stop]
        if right and generator.random() < 0.5:
            return right[0]
        return generator.choice([-1, generator.randrange(start, stop)])

    end = len(content)
    storage = bytearray(bytes(content) + bytes(PADDING))
    found, stop = walk(make(order, guess), storage, np.frombuffer(storage, np.uint8), 0, end)
    assert (found.tolist(), stop) == one_by_one(order, bytes(content), 0, end)


def test_a_length_below_the_least_stops_the_walk_instead_of_turning_in_place():
    content = struct.pack("<II", 1, 16) + bytes(8) + struct.pack("<II", 1, 0) + bytes(5000)
    storage = bytearray(content + bytes(PADDING))
    chain = Chain("<", 4, 0, 12, 1000, 4, lambda storage, start, stop: start)
    found, stop = walk(chain, storage, np.frombuffer(storage, np.uint8), 0, len(content))
    assert (found.tolist(), stop) == ([0], 16)


@given(st.lists(st.sampled_from([b"ab", b"a", b"b", b"x" * 2047, b"x" * 100]), max_size=12), st.integers(0, 300))
def test_a_pattern_is_found_wherever_looks_meet(parts, start):
    content = b"".join(parts)
    stop = len(content) - start
    wanted = [place for place in range(start, max(stop - 1, start)) if content[place : place + 2] == b"ab"]
    for storage in (bytearray(content), memoryview(content)):
        assert list(chain_module.occurrences(storage, b"ab", start, stop)) == wanted
