from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from kubeshark_mcp.dissect.content import Decoded, decode_body

TEXT = b"the same words " * 50
RAW_DEFLATE = zlib.compressobj(wbits=-15)
RAW = RAW_DEFLATE.compress(TEXT) + RAW_DEFLATE.flush()


@pytest.mark.parametrize(
    ("coding", "raw"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("X-GZIP", gzip.compress(TEXT, mtime=0)),
        ("gzip", gzip.compress(TEXT[:300], mtime=0) + gzip.compress(TEXT[300:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", RAW),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
)
def test_a_coding_is_undone(coding: str, raw: bytes):
    assert decode_body({"content-encoding": coding}, raw) == Decoded(TEXT)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "my-own"])
def test_an_unknown_coding_is_left_and_named(coding: str):
    assert decode_body({"content-encoding": coding}, b"\x01\x02") == Decoded(b"\x01\x02", coding)
    assert decode_body({"content-encoding": f"{coding}, gzip"}, gzip.compress(b"\x01")) == Decoded(b"\x01", coding)


def test_a_body_that_was_cut_gives_its_beginning():
    found = decode_body({"content-encoding": "gzip"}, gzip.compress(TEXT)[:-20])
    assert found.cut
    assert TEXT.startswith(found.data)


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_not_compressed_at_all_is_left_and_named(coding: str):
    assert decode_body({"content-encoding": coding}, b"plain text") == Decoded(b"plain text", coding)


def test_a_bomb_stops_at_the_limit():
    bomb = gzip.compress(b"\0" * 200_000_000, 9)
    tracemalloc.start()
    found = decode_body({"content-encoding": "gzip"}, bomb, limit=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == Decoded(b"\0" * 1_000_000, cut=True)
    assert peak < 10_000_000


def test_codings_on_codings_end():
    raw = b"x"
    for _ in range(50):
        raw = gzip.compress(raw)
    assert decode_body({"content-encoding": "gzip," * 50}, raw).coding == "gzip"


def test_a_plain_body_over_the_limit_is_cut():
    assert decode_body({}, b"abcdef", limit=3) == Decoded(b"abc", cut=True)
