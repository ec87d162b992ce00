from __future__ import annotations

import dns.exception
import dns.name
import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.dissect.wire_dns_records import (
    TYPES,
    Names,
    Unreadable,
    edns_text,
    generic_text,
    label_text,
    quoted_text,
    read_name,
    record_text,
)

NUMBERS = {name: number for number, name in TYPES.items()}


def text(kind: str, data: bytes) -> str:
    return record_text(NUMBERS[kind], kind, data, 0, len(data), {})


def padded(data: bytes) -> bytes:
    """Put bytes where names may be pointed to: behind a header."""
    return bytes(12) + data


def name_at(data: bytes, start: int, names: Names | None = None) -> tuple[str, int]:
    return read_name(data, start, len(data), {} if names is None else names)


def test_a_name_is_written_without_its_final_dot_and_the_root_is_a_dot():
    data = padded(b"\x03www\x07example\x03com\x00\x00")
    assert name_at(data, 12) == ("www.example.com", 29)
    assert name_at(data, 29) == (".", 30)


def test_bytes_that_are_no_text_are_escaped_as_in_a_master_file():
    assert label_text(b"a.b\\c d\x00\xff") == "a\\.b\\\\c d\\000\\255"
    assert quoted_text(b'say "hi" \\ \xe9') == '"say \\"hi\\" \\\\ \\233"'


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (b'Hall (2nd) @ "Caf\xc3\xa9"', 'Hall (2nd) @ "Café"'),
        (b"v1.2 \xc3\xa9\\", "v1\\.2 é\\\\"),
        (b"bell\x07", "bell\\007"),
        ("\u202eabc".encode(), "\\226\\128\\174abc"),
        (b"", ""),
    ],
)
def test_names_of_services_are_written_as_people_gave_them(label: bytes, text: str):
    assert label_text(label) == text


def test_a_pointer_continues_a_name_and_is_followed_once():
    data = padded(b"\x07example\x03com\x00" + b"\x03api\xc0\x0c" + b"\xc0\x19" + b"\xc0\x14")
    names: Names = {}
    assert name_at(data, 12, names) == ("example.com", 25)
    assert name_at(data, 25, names) == ("api.example.com", 31)
    assert name_at(data, 31, names) == ("api.example.com", 33)
    assert name_at(data, 33, names) == ("com", 35)
    assert names == {
        12: ("example.com", 13),
        25: ("api.example.com", 17),
        33: ("com", 5),
        20: ("com", 5),
    }


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (padded(b"\xc0\x0c"), "the compression pointer at byte 12 points to byte 12, not to a name before it"),
        (padded(b"\xc0\x0e\x01a\x00"), "the compression pointer at byte 12 points to byte 14, not to a name before it"),
        (padded(b"\x01a\xc0\x0c"), "the compression pointer at byte 14 points to byte 12, not to a name before it"),
        (padded(b"\xc0\x02"), "the compression pointer at byte 12 points to byte 2, not to a name before it"),
        (padded(b"\x40abc"), "byte 12 is 0x40, neither a label's length nor a compression pointer"),
        (padded(b"\x05ab"), "the label of 5 bytes at byte 12 passes the end at byte 15"),
        (padded(b"\x02ab"), "the message ends at byte 15 inside a name"),
        (padded(b"\xc0"), "the message ends at byte 13 inside a name"),
        (padded((b"\x3f" + b"a" * 63) * 4 + b"\x00"), "the name at byte 12 is longer than 255 bytes"),
    ],
)
def test_names_that_loop_or_lead_outside_are_refused(data: bytes, reason: str):
    with pytest.raises(Unreadable, match=reason):
        name_at(data, 12)


def test_a_name_that_only_its_tail_makes_too_long_is_refused():
    long = (b"\x3f" + b"a" * 63) * 3 + b"\x30" + b"b" * 48 + b"\x00"
    data = padded(long + b"\x3f" + b"c" * 63 + b"\xc0\x0c")
    names: Names = {}
    assert len(name_at(data, 12, names)[0]) == 240
    with pytest.raises(Unreadable, match="longer than 255 bytes"):
        name_at(data, 12 + len(long), names)


@given(st.binary(max_size=300))
def test_a_name_is_either_what_dnspython_reads_or_refused(data: bytes):
    data = padded(data)
    try:
        found, behind = name_at(data, 12)
    except Unreadable:
        return
    expected, used = dns.name.from_wire(data, 12)
    assert (found, behind) == (expected.to_text(omit_final_dot=True), 12 + used)


@pytest.mark.parametrize(
    ("kind", "given_text"),
    [
        ("A", "10.0.0.7"),
        ("AAAA", "2001:db8::7"),
        ("NS", "ns.example.com."),
        ("CNAME", "api.example.com."),
        ("PTR", "a\\.b.example.com."),
        ("MX", "10 mail.example.com."),
        ("SOA", "ns.example.com. admin.example.com. 7 3600 600 86400 60"),
        ("TXT", '"v=spf1 -all" "a\\"b"'),
        ("SRV", "0 5 5060 sip.example.com."),
        ("NAPTR", '100 10 "u" "E2U+sip" "!^.*$!sip:a@example.com!" .'),
        ("HINFO", '"INTEL-386" "Windows"'),
        ("RP", "admin.example.com. text.example.com."),
        ("CAA", '0 issue "letsencrypt.org"'),
        ("DNSKEY", "257 3 8 YWJjZGVm"),
        ("DS", "12345 8 2 " + "ab" * 32),
        ("RRSIG", "A 8 2 300 20260102030405 20260101000000 12345 example.com. YWJj"),
        ("NSEC", "b.example.com. A NS RRSIG CAA"),
        ("NSEC3", "1 0 1 ab 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"),
        ("SVCB", '1 svc.example.com. alpn="h2,h3" port="8443"'),
        ("HTTPS", '1 . alpn="h3,h2" ipv4hint="10.0.0.1"'),
        ("LOC", "42 21 54.000 N 71 6 18.000 W -24.00m"),
        ("SSHFP", "2 1 " + "ab" * 20),
        ("TLSA", "3 1 1 " + "ab" * 32),
        ("URI", '10 1 "https://example.com/"'),
        ("DNAME", "other.example."),
    ],
)
def test_record_data_is_worded_as_in_a_master_file_without_final_dots(kind: str, given_text: str):
    wire = dns.rdata.from_text("IN", kind, given_text).to_wire()
    assert text(kind, wire) == " ".join(
        word[:-1] if word.endswith(".") and len(word) > 1 else word for word in given_text.split(" ")
    )


def test_record_data_of_unknown_types_is_written_as_numbers():
    assert record_text(1234, "TYPE1234", b"\x01\x02", 0, 2, {}) == "\\# 2 0102"
    assert generic_text(b"") == "\\# 0"
    assert text("TXT", b"") == "\\# 0"


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("A", b"\x01\x02\x03", "its data ends at byte 3, 1 bytes too early"),
        ("A", b"\x01\x02\x03\x04\x05", "1 bytes too many at byte 4"),
        ("TXT", b"\x05abc", "its data ends at byte 4, 2 bytes too early"),
        ("MX", b"\x00\x0a\xc0\x00", "points to byte 0, not to a name before it"),
        ("NSEC", b"\x00\x00\x05\x40", "its data ends at byte 4, 4 bytes too early"),
        ("LOC", bytes(15), "the 15 bytes at byte 0 do not fit this type"),
        ("HTTPS", b"\x00\x01\x00\x00\x01\x00\x06\x02h2\x08h3", "the 13 bytes at byte 0 do not fit this type"),
    ],
)
def test_record_data_that_does_not_fit_its_type_is_refused(kind: str, data: bytes, reason: str):
    with pytest.raises(Unreadable, match=reason):
        text(kind, data)


@given(st.sampled_from(sorted(NUMBERS)), st.binary(max_size=80))
def test_any_record_data_is_worded_or_refused(kind: str, data: bytes):
    try:
        found = text(kind, data)
    except Unreadable:
        return
    assert found.isprintable()


def test_the_options_of_edns_are_named():
    options = (
        b"\x00\x08\x00\x07\x00\x01\x18\x00\x0a\x01\x02"
        + b"\x00\x0a\x00\x02\xab\xcd"
        + b"\x00\x0f\x00\x06\x00\x16none"
        + b"\x00\x0c\x00\x03\x00\x00\x00"
        + b"\x03\xe7\x00\x00"
    )
    assert edns_text(options, 0, len(options), 1232, 0x8000) == (
        'version 0 udp 1232 do client-subnet 10.1.2.0/24 cookie abcd ede 22 "none" padding 3 bytes option999'
    )
    with pytest.raises(Unreadable, match="its data ends at byte 5"):
        edns_text(b"\x00\x0a\x00\x02\xab", 0, 5, 512, 0)
