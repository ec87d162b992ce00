from __future__ import annotations

import itertools

from kubeshark_mcp.dissect.wire_hpack_tables import CODE_LENGTHS, END_OF_STRING, STATIC_TABLE, huffman_codes


def test_the_static_table_has_61_fields_at_the_indexes_of_appendix_a():
    assert len(STATIC_TABLE) == 62
    told = {
        1: (":authority", ""),
        2: (":method", "GET"),
        8: (":status", "200"),
        16: ("accept-encoding", "gzip, deflate"),
    }
    told |= {31: ("content-type", ""), 58: ("user-agent", ""), 61: ("www-authenticate", "")}
    assert {index: STATIC_TABLE[index] for index in told} == told


def test_the_codes_of_appendix_b_come_out_of_their_lengths():
    codes = {symbol: f"{code:b}"[1:] for code, symbol in huffman_codes().items()}
    assert codes[ord("0")] == "00000"
    assert codes[ord("a")] == "00011"
    assert codes[ord("z")] == "1111011"
    assert codes[ord("\\")] == "1111111111111110000"
    assert codes[0] == "1111111111000"
    assert codes[END_OF_STRING] == "1" * 30


def test_the_code_is_complete_and_no_code_begins_another():
    codes = sorted(f"{code:b}"[1:] for code in huffman_codes())
    assert len(codes) == len(CODE_LENGTHS) == 257
    assert not any(second.startswith(first) for first, second in itertools.pairwise(codes))
    assert sum(2 ** -len(code) for code in codes) == 1
