from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_hpack import (
    LIST_LIMIT,
    TABLE_LIMIT,
    UNKNOWN,
    HeaderDecoder,
    HeaderError,
    HuffmanStrings,
)
from kubeshark_mcp.dissect.wire_hpack_tables import huffman_codes
from tests.dissect.samples.http2 import added, block, integer, literal, string

GET, HTTP, ROOT, OK = 0x82, 0x86, 0x84, 0x88


def decoder(certain: bool = True) -> HeaderDecoder:
    return HeaderDecoder(HuffmanStrings(), certain=certain)


def huffman(text: bytes) -> bytes:
    codes = {symbol: f"{code:b}"[1:] for code, symbol in huffman_codes().items()}
    bits = "".join(codes[octet] for octet in text)
    bits += "1" * (-len(bits) % 8)
    return int(bits or "0", 2).to_bytes(len(bits) // 8)


def test_requests_of_appendix_c_4_are_read_with_their_table():
    reader = decoder()
    first = reader.decode(bytes.fromhex("828684418cf1e3c2e5f23a6ba0ab90f4ff"))
    assert first.headers == {":method": "GET", ":scheme": "http", ":path": "/", ":authority": "www.example.com"}
    second = reader.decode(bytes.fromhex("828684be5886a8eb10649cbf"))
    assert second.headers == {**first.headers, "cache-control": "no-cache"}
    third = reader.decode(bytes.fromhex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"))
    assert third.headers == {
        ":method": "GET",
        ":scheme": "https",
        ":path": "/index.html",
        ":authority": "www.example.com",
        "custom-key": "custom-value",
    }
    assert (third.size, third.unknown, third.error) == (85, 0, "")


def test_responses_of_appendix_c_6_are_read_while_a_small_table_evicts():
    reader = decoder()
    reader.decode(b"\x3f\xe1\x01")
    first = reader.decode(
        bytes.fromhex(
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3"
        )
    )
    assert first.headers == {
        ":status": "302",
        "cache-control": "private",
        "date": "Mon, 21 Oct 2013 20:13:21 GMT",
        "location": "https://www.example.com",
    }
    second = reader.decode(bytes.fromhex("4883640effc1c0bf"))
    assert second.headers == {**first.headers, ":status": "307"}


@given(st.binary(max_size=60))
def test_what_was_huffman_coded_comes_back(data: bytes):
    try:
        wanted = data.decode()
    except UnicodeDecodeError:
        wanted = data.decode("latin-1")
    assert HuffmanStrings()[huffman(data)] == wanted


@pytest.mark.parametrize(
    ("coded", "reason"),
    [
        (b"\x00", "not padded with ones"),
        (huffman(b"a") + b"\xff", "not padded with ones"),
        (b"\xff\xff\xff\xff", "end-of-string"),
    ],
)
def test_a_string_that_breaks_the_code_is_refused(coded: bytes, reason: str):
    with pytest.raises(HeaderError, match=reason):
        HuffmanStrings()[coded]


@given(
    st.lists(
        st.tuples(st.text("abc-", min_size=1, max_size=6), st.text(max_size=12), st.sampled_from("+-!")), max_size=30
    )
)
def test_literals_of_every_kind_are_read_and_repeated_ones_joined(fields: list[tuple[str, str, str]]):
    made = {"+": lambda *pair: b"".join(added(*pair)), "-": literal, "!": lambda *pair: literal(*pair, first=0x10)}
    data = b"".join(made[kind](name, value) for name, value, kind in fields)
    wanted: dict[str, list[str]] = {}
    for name, value, _ in fields:
        wanted.setdefault(name, []).append(value)
    found = decoder().decode(data)
    assert found.headers == {name: ", ".join(values) for name, values in wanted.items()}
    assert found.error == ""


def test_cookies_are_joined_as_cookies_and_set_cookies_kept_apart():
    found = decoder().decode(
        block(literal("cookie", "a=1"), literal("cookie", "b=2"), literal(55, "c=3"), literal(55, "d=4; Path=/"))
    )
    assert found.headers == {"cookie": "a=1; b=2", "set-cookie": "c=3, d=4; Path=/"}
    assert list(found.set_cookies) == ["c=3", "d=4; Path=/"]


def test_the_fields_of_the_first_line_are_left_out_of_the_regular_ones():
    found = decoder().decode(block(GET, HTTP, ROOT, literal(1, "shop"), literal("X-Upper", "1")))
    assert found.regular == {":scheme": "http", ":authority": "shop", "x-upper": "1"}
    assert found.headers[":method"] == "GET"


def test_an_update_to_nothing_empties_the_table():
    reader = decoder()
    reader.decode(block(added("one", "1")))
    assert reader.decode(block(62)).headers == {"one": "1"}
    assert reader.decode(b"\x20" + block(GET)).headers == {":method": "GET"}
    assert reader.decode(block(62)).error == "a field refers to entry 62 of a header table of 61 entries, at offset 0"


def test_a_field_larger_than_the_table_empties_it_and_stays_outside():
    reader = decoder()
    reader.decode(block(added("one", "1"), added("big", "x" * 5000), added("two", "2")))
    assert reader.decode(block(62)).headers == {"two": "2"}
    assert "refers to entry 63" in reader.decode(block(63)).error


def test_a_repeated_block_means_what_the_table_says_now():
    reader = decoder()
    reader.decode(block(added("one", "1")))
    assert reader.decode(block(62)).headers == {"one": "1"}
    reader.decode(block(added("two", "2")))
    assert reader.decode(block(62)).headers == {"two": "2"}


def test_references_to_what_was_not_captured_are_marked_and_those_behind_are_right():
    reader = decoder(certain=False)
    found = reader.decode(block(0x83, 66, added("te", "trailers"), added(62, "again"), added(70, "a value")))
    assert found.headers == {":method": "POST", UNKNOWN: f"{UNKNOWN}, a value", "te": "trailers, again"}
    assert (found.unknown, found.error) == (2, "")
    later = reader.decode(block(62, 63, 64, 65))
    assert later.headers == {UNKNOWN: f"a value, {UNKNOWN}", "te": "again, trailers"}
    assert later.unknown == 2


def test_a_larger_table_than_usual_is_noticed_by_what_refers_to_it():
    reader = decoder(certain=False)
    fields = [added(f"name-{number}", "x" * 1000) for number in range(6)]
    reader.decode(block(*fields))
    assert reader.decode(block(61 + 6)).unknown == 1
    reader.decode(block(*fields))
    assert reader.decode(block(61 + 6)).headers == {"name-0": "x" * 1000}


def test_after_missing_bytes_the_table_is_counted_from_there():
    reader = decoder()
    reader.decode(block(added("one", "1")))
    reader.forget()
    assert reader.decode(block(62)).headers == {UNKNOWN: UNKNOWN}
    assert reader.decode(block(added("two", "2"), 62)).headers == {"two": "2, 2"}


def test_a_block_whose_end_is_missing_is_told_and_ends_the_count():
    reader = decoder()
    reader.decode(block(added("one", "1")))
    reader.broken_off()
    assert reader.decode(block(62, added("two", "2"))).headers == {"one": "1", "two": "2"}
    assert reader.decode(block(62)).headers == {UNKNOWN: UNKNOWN}
    assert reader.decode(block(added("three", "3"), 62)).headers == {"three": "3, 3"}


@pytest.mark.parametrize(
    ("data", "read", "error"),
    [
        (b"\x82\x80", {":method": "GET"}, "a field has the index 0, at offset 1"),
        (b"\x82\xff\xff\xff\xff\xff\x7f", {":method": "GET"}, "an integer is too large, at offset 1"),
        (b"\x82\xff\x80", {":method": "GET"}, "it ends within a field, at offset 1"),
        (b"\x82\x40\x05ab", {":method": "GET"}, "a string of 5 octets reaches over its end, at offset 1"),
        (b"\x82\x40", {":method": "GET"}, "it ends within a field, at offset 1"),
        (b"\x82\x20", {":method": "GET"}, "a size update stands behind a field, at offset 1"),
        (b"\x00\x01a\x81\x00", {}, "a Huffman-coded string is not padded with ones, at offset 0"),
    ],
)
def test_a_broken_block_is_told_as_far_as_it_can_be_read(data: bytes, read: dict[str, str], error: str):
    reader = decoder()
    found = reader.decode(data)
    assert (found.headers, found.error) == (read, error)
    assert reader.certain is False


@given(st.lists(st.binary(max_size=200), max_size=8), st.booleans())
def test_any_bytes_are_taken(blocks: list[bytes], certain: bool):
    reader = decoder(certain)
    for data in blocks:
        found = reader.decode(data)
        assert all(isinstance(text, str) for pair in found.headers.items() for text in pair)


def test_a_bomb_is_counted_and_not_unpacked():
    reader = decoder()
    reader.decode(block(added("bomb", "x" * 4000)))
    begun = time.process_time()
    found = reader.decode(b"\xbe" * 200_000)
    assert found.cut is True
    assert found.size == 200_000 * 4004
    assert len(found.headers["bomb"]) <= LIST_LIMIT
    assert reader.decode(block(62)).headers == {"bomb": "x" * 4000}
    assert time.process_time() - begun < 2


def test_a_table_of_any_size_takes_bounded_memory():
    reader = decoder()
    reader.decode(integer(1 << 31, 5, 0x20))
    assert reader.certain is False
    for number in range(300):
        reader.decode(block((b"\x40" + string(f"x-{number}"), string("v" * 4000))))
    assert reader.decode(block(62)).headers == {"x-299": "v" * 4000}
    kept = TABLE_LIMIT // 4037
    assert reader.decode(block(62 + kept + 1)).headers == {UNKNOWN: UNKNOWN}
