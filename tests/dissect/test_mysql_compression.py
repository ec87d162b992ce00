from __future__ import annotations

import random
import time
import zlib

import pytest

from kubeshark_mcp.dissect.frames import FrameError
from kubeshark_mcp.dissect.mysql_compression import Inflater, Opaque
from kubeshark_mcp.model.stream import Direction, Piece, Span
from tests.dissect.samples.mysql import squeezed

WAY = Direction.CLIENT


def piece(data: bytes, offset: int = 0, number: int = 1) -> Piece:
    return Piece(WAY, data, offset, 0, [0], [number], [number])


def feed(data: bytes, sizes: list[int], method: str = "zlib") -> tuple[Inflater, list[Piece | Opaque]]:
    inflater, found, position, number = Inflater(WAY, method, 1000), [], 0, 0
    while position < len(data):
        part = data[position : position + sizes[number % len(sizes)]]
        number += 1
        found += inflater.feed(piece(part, position, number))
        position += len(part)
    return inflater, found


def joined(found: list[Piece | Opaque]) -> bytes:
    assert all(isinstance(each, Piece) for each in found)
    return b"".join(each.data for each in found if isinstance(each, Piece))


TALK = squeezed(0, b"small", plain=True) + squeezed(1, b"a long text " * 500) + squeezed(2, b"", plain=True)
INSIDE = b"small" + b"a long text " * 500


@pytest.mark.parametrize("sizes", [[1], [7], [3, 50], [10_000]])
def test_the_inner_stream_does_not_depend_on_the_cutting(sizes: list[int]):
    inflater, found = feed(TALK, sizes)
    assert joined(found) == INSIDE
    assert inflater.offset == 1000 + len(INSIDE)
    offsets = [each.offset for each in found if isinstance(each, Piece)]
    assert offsets == sorted(offsets)


def test_inner_bytes_bear_the_packets_that_carried_them():
    data = squeezed(0, b"0123456789" * 10, plain=True)
    inflater = Inflater(WAY, "zlib", 0)
    (whole,) = inflater.feed(Piece(WAY, data, 0, 0, [0, 50], [4, 9], [40, 90]))
    assert isinstance(whole, Piece)
    assert (list(whole.starts), list(whole.packets), list(whole.times)) == ([0, 1], [4, 9], [40, 90])


def test_packets_of_another_method_are_only_told():
    _, found = feed(squeezed(0, b"zstd" * 9) + squeezed(1, b"plain", plain=True), [10_000], "zstd")
    assert found[0] == Opaque(Span(0, 7, 1, 1, 1, 1), first=True)
    assert isinstance(found[1], Opaque)
    assert not found[1].first
    assert joined(found[2:]) == b"plain"


@pytest.mark.parametrize(
    "data",
    [
        b"\x05\0\0\0\x20\0\0hello",
        len(zlib.compress(b"x" * 50)).to_bytes(3, "little") + b"\0\x10\0\0" + zlib.compress(b"x" * 50),
        len(zlib.compress(b"x" * 50)).to_bytes(3, "little") + b"\0\x99\0\0" + zlib.compress(b"x" * 50),
    ],
    ids=["no zlib", "more than announced", "less than announced"],
)
def test_packets_that_lie_are_errors(data: bytes):
    with pytest.raises(FrameError, match="a compressed packet"):
        feed(data, [10_000])


def test_a_bomb_costs_neither_time_nor_memory():
    bomb = zlib.compress(bytes(200_000_000), 9)
    begin = time.process_time()
    with pytest.raises(FrameError):
        feed(len(bomb).to_bytes(3, "little") + b"\0\xff\0\0" + bomb, [1_000_000])
    assert time.process_time() - begin < 1.5


def test_behind_missing_bytes_a_packet_that_fits_is_where_reading_goes_on():
    inflater = Inflater(WAY, "zlib", 0)
    inflater.feed(piece(TALK[:30]))
    inflater.lose()
    assert inflater.feed(piece(b"anything at all", 100)) == []
    assert joined(inflater.feed(piece(squeezed(0, b"again " * 20), 200))) == b"again " * 20
    assert not inflater.lost


def test_noise_gives_an_error_or_nothing_wrong():
    noise = random.Random(5)
    for _ in range(500):
        data = noise.randbytes(60)
        try:
            _, found = feed(data, [noise.randint(1, 60)])
        except FrameError:
            continue
        assert sum(len(each.data) for each in found if isinstance(each, Piece)) <= len(data)
