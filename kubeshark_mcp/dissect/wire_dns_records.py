"""DNS names and the texts of record data (RFC 1035 sections 3.3 and 5.1, RFC 3597, RFC 6891 section 6.1).

Texts are those of a master file without the final dot of names, so that people can filter for them as they type them.
Rare record types are worded by dnspython, which sees the bytes of one record's data only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache, partial
from ipaddress import IPv6Address
from struct import Struct

HEADER_LENGTH = 12
NAME_LIMIT = 255
"""Bytes of a name on the wire (RFC 1035 section 2.3.4)."""

_OPTION = Struct(">HH")


def numbered(first: int, names: str) -> dict[int, str]:
    """Give names by number, counting from `first`."""
    return dict(enumerate(names.split(), first))


TYPES = {
    **numbered(1, "A NS MD MF CNAME SOA MB MG MR NULL WKS PTR HINFO MINFO MX TXT RP AFSDB X25 ISDN RT NSAP NSAP-PTR"),
    **numbered(24, "SIG KEY PX GPOS AAAA LOC NXT EID NIMLOC SRV ATMA NAPTR KX CERT A6 DNAME SINK OPT APL DS SSHFP"),
    **numbered(45, "IPSECKEY RRSIG NSEC DNSKEY DHCID NSEC3 NSEC3PARAM TLSA SMIMEA"),
    **numbered(55, "HIP NINFO RKEY TALINK CDS CDNSKEY OPENPGPKEY CSYNC ZONEMD SVCB HTTPS DSYNC HHIT BRID"),
    **numbered(99, "SPF UINFO UID GID UNSPEC NID L32 L64 LP EUI48 EUI64"),
    **numbered(249, "TKEY TSIG IXFR AXFR MAILB MAILA ANY URI CAA AVC DOA AMTRELAY RESINFO WALLET CLA IPN"),
    **{128: "NXNAME", 32768: "TA", 32769: "DLV", 65281: "WINS", 65282: "WINS-R"},
}
"""IANA DNS resource record types; others are written `TYPE1234` (RFC 3597 section 5)."""

_EDNS_OPTIONS = {
    3: "nsid",
    8: "client-subnet",
    9: "expire",
    10: "cookie",
    11: "tcp-keepalive",
    12: "padding",
    15: "ede",
}


class Unreadable(ValueError):
    """Bytes that are no DNS; the text says why and at which byte of the message."""


Names = dict[int, tuple[str, int]]
"""Names of one message by the position where they (or their tails) begin: text, and length in uncompressed bytes."""

_SPECIAL = re.compile(rb'[^!#%-\'*-:<-?A-\[\]-~]|[."]')


_UNSEEN = re.compile(rb"[^ -\[\]-~]|\.")
"""Bytes of a label that is no UTF-8 which are written as numbers, and the dot."""

_UNPRINTABLE = re.compile(rb"[^ !#-\[\]-~]")


def _escape(match: re.Match[bytes]) -> bytes:
    byte = match.group()[0]
    return b"\\%c" % byte if 0x20 < byte < 0x7F else b"\\%03d" % byte


def label_text(label: bytes) -> str:
    r"""Write a label as people read it: `\.` and `\\`, and what cannot be printed as `\DDD` (RFC 6763 section 4.3).

    Spaces, other signs and UTF-8 stay as they are: services are named by them, and dots are all that parts labels.
    """
    if _SPECIAL.search(label) is None:
        return label.decode("ascii")
    try:
        text = label.decode()
    except UnicodeDecodeError:
        return _UNSEEN.sub(_escape, label).decode("ascii")
    if text.isprintable() and "." not in text and "\\" not in text:
        return text
    return "".join([sign if _is_seen(sign) else _UNSEEN.sub(_escape, sign.encode()).decode() for sign in text])


def _is_seen(sign: str) -> bool:
    return sign not in ".\\" and sign.isprintable()


@lru_cache(maxsize=8192)
def _plain_name(wire: bytes) -> str:
    """Give the text of a name that is written out in full and fills `wire`; empty when it is not so."""
    labels, position = [], 0
    while (size := wire[position]) and size < 64 and position + size + 1 < len(wire):
        labels.append(label_text(wire[position + 1 : position + 1 + size]))
        position += size + 1
    return "" if position + 1 != len(wire) or wire[position] else ".".join(labels) or "."


def read_name(data: bytes, start: int, end: int, names: Names) -> tuple[str, int]:
    """Give the name at `start` without its final dot (the root is `.`), and the position behind it.

    Labels must end before `end`; a pointer must point before the labels that it continues (RFC 1035 section 4.1.4),
    so every chain ends; tails are remembered, so that no chain is followed twice. Raises Unreadable.
    """
    if start < end - 1 and data[start] >= 0xC0:
        known = names.get((data[start] & 0x3F) << 8 | data[start + 1])
        if known is not None:
            return known[0], start + 2
    else:
        stop = data.find(0, start, min(end, start + NAME_LIMIT)) + 1
        if stop and (text := _plain_name(data[start:stop])):
            names[start] = (text, stop - start)
            return text, stop
    return _read_compressed_name(data, start, end, names)


def _read_compressed_name(data: bytes, start: int, end: int, names: Names) -> tuple[str, int]:
    labels: list[str] = []
    begins = [(start, 0, 0)]
    position, length, behind = start, 0, -1
    tail, tail_length = "", 1
    while True:
        if position >= end:
            raise Unreadable(f"the message ends at byte {end} inside a name")
        size = data[position]
        if size == 0:
            break
        if size < 64:
            stop = position + 1 + size
            if stop > end:
                raise Unreadable(f"the label of {size} bytes at byte {position} passes the end at byte {end}")
            labels.append(label_text(data[position + 1 : stop]))
            length += size + 1
            if length >= NAME_LIMIT:
                raise Unreadable(f"the name at byte {start} is longer than {NAME_LIMIT} bytes")
            position = stop
            continue
        target = _pointer(data, position, begins[-1][0], end)
        behind = position + 2 if behind < 0 else behind
        if target in names:
            tail, tail_length = names[target]
            break
        position = target
        begins.append((target, len(labels), length))
    if length + tail_length > NAME_LIMIT:
        raise Unreadable(f"the name at byte {start} is longer than {NAME_LIMIT} bytes")
    labels += [tail] * (tail not in ("", "."))
    for begin, count, before in begins:
        names[begin] = (".".join(labels[count:]) or ".", length - before + tail_length)
    return names[start][0], behind if behind >= 0 else position + 1


def _pointer(data: bytes, position: int, segment: int, end: int) -> int:
    size = data[position]
    if size < 0xC0:
        raise Unreadable(f"byte {position} is 0x{size:02x}, neither a label's length nor a compression pointer")
    if position + 2 > end:
        raise Unreadable(f"the message ends at byte {end} inside a name")
    target = (size & 0x3F) << 8 | data[position + 1]
    if not HEADER_LENGTH <= target < segment:
        raise Unreadable(f"the compression pointer at byte {position} points to byte {target}, not to a name before it")
    return target


def generic_text(data: bytes) -> str:
    r"""Write record data of unknown meaning: `\# 4 0a000001` (RFC 3597 section 5)."""
    return f"\\# {len(data)} {data.hex()}".rstrip()


@lru_cache(maxsize=4096)
def ipv6_text(packed: bytes) -> str:
    """Write 16 bytes as an IPv6 address (RFC 5952)."""
    return str(IPv6Address(packed))


def record_text(kind: int, mnemonic: str, data: bytes, start: int, end: int, names: Names) -> str:
    """Word the data of one record, data[start:end]. names: of this message, for compressed names in it.

    Raises Unreadable when the bytes do not fit the type.
    """
    if kind == 1 and end - start == 4:
        return f"{data[start]}.{data[start + 1]}.{data[start + 2]}.{data[start + 3]}"
    if kind == 28 and end - start == 16:
        return ipv6_text(data[start:end])
    if start == end or mnemonic.startswith("TYPE"):
        return generic_text(data[start:end])
    layout = _LAYOUTS.get(mnemonic)
    if layout is None:
        return _library_text(kind, data[start:end], start)
    return " ".join(_layout_texts(layout, data, start, end, names))


def _layout_texts(layout: str, data: bytes, start: int, end: int, names: Names) -> list[str]:
    """Word record data by its layout, one letter a part; `*` repeats the last one to the end."""
    texts: list[str] = []
    position = start
    part = _PARTS[layout[0]]
    for letter in layout:
        if letter == "*":
            while position < end:
                text, position = part(data, position, end, names)
                texts.append(text)
            break
        part = _PARTS[letter]
        text, position = part(data, position, end, names)
        texts.append(text)
    if position != end:
        raise Unreadable(f"{end - position} bytes too many at byte {position}")
    return texts


def _need(position: int, length: int, end: int) -> int:
    if position + length > end:
        raise Unreadable(f"its data ends at byte {end}, {position + length - end} bytes too early")
    return position + length


def _number(size: int, data: bytes, position: int, end: int, names: Names) -> tuple[str, int]:
    stop = _need(position, size, end)
    return str(int.from_bytes(data[position:stop], "big")), stop


def _string(data: bytes, position: int, end: int, names: Names) -> tuple[str, int]:
    start = _need(position, 1, end)
    stop = _need(start, data[position], end)
    return quoted_text(data[start:stop]), stop


def _bitmap(data: bytes, position: int, end: int, names: Names) -> tuple[str, int]:
    """Read the set of types of an NSEC record (RFC 4034 section 4.1.2)."""
    types: list[str] = []
    while position < end:
        start = _need(position, 2, end)
        stop = _need(start, data[position + 1], end)
        base = data[position] * 256
        bits = enumerate(data[start:stop])
        numbers = (base + index * 8 + bit for index, byte in bits for bit in range(8) if byte & 0x80 >> bit)
        types += (TYPES.get(number) or f"TYPE{number}" for number in numbers)
        position = stop
    return " ".join(types), end


_PARTS: dict[str, Callable[[bytes, int, int, Names], tuple[str, int]]] = {
    **{"b": partial(_number, 1), "h": partial(_number, 2), "i": partial(_number, 4)},
    **{"n": read_name, "s": _string, "m": _bitmap},
}
"""Parts of record data: numbers of 1, 2, 4 bytes, name, character string, type bitmap."""

_LAYOUTS = {
    **dict.fromkeys(["NS", "MD", "MF", "CNAME", "MB", "MG", "MR", "PTR", "DNAME", "NSAP-PTR"], "n"),
    **dict.fromkeys(["MX", "AFSDB", "RT", "KX", "LP"], "hn"),
    **dict.fromkeys(["RP", "MINFO", "TALINK"], "nn"),
    **dict.fromkeys(["TXT", "SPF", "ISDN"], "s*"),
    **{"A": "bbbb", "AAAA": "hhhhhhhh", "SOA": "nniiiii", "PX": "hnn", "SRV": "hhhn", "NAPTR": "hhsssn"},
    **{"HINFO": "ss", "X25": "s", "NSEC": "nm"},
}
"""Record data that may hold compressed names, and what is common; dnspython words the rest."""


def quoted_text(data: bytes) -> str:
    r"""Write a character string as a master file does, in quotes, with `\"`, `\\` and `\DDD` (RFC 1035 section 5.1)."""
    return f'"{_UNPRINTABLE.sub(_escape, data).decode("ascii")}"'


_REMEMBERED_LENGTH = 512
"""Bytes of a record whose wording is remembered, at most."""


def _library_text(kind: int, data: bytes, start: int) -> str:
    """Let dnspython word the data of one record; the same records come again and again."""
    text = _word(kind, data) if len(data) <= _REMEMBERED_LENGTH else _word.__wrapped__(kind, data)
    if text is None:
        raise Unreadable(f"the {len(data)} bytes at byte {start} do not fit this type")
    return text


@lru_cache(maxsize=1024)
def _word(kind: int, data: bytes) -> str | None:
    """Word record data, None where they do not fit; dnspython is imported when the first such record comes."""
    import dns.exception
    import dns.name
    import dns.rdata
    from dns.rdataclass import RdataClass
    from dns.rdatatype import RdataType

    try:
        rdata = dns.rdata.from_wire(RdataClass.IN, RdataType.make(kind), data, 0, len(data))
        text = str(rdata.to_text(origin=dns.name.root, relativize=True, chunksize=len(data) * 2))
    except (dns.exception.DNSException, ValueError, LookupError):
        return None
    return " ".join("." if word == "@" else word for word in text.split(" "))


def edns_text(data: bytes, start: int, end: int, size: int, ttl: int) -> str:
    """Word an OPT record: version, largest UDP answer, DNSSEC wish, options (RFC 6891 section 6.1)."""
    words = [f"version {ttl >> 16 & 255} udp {size}"] + ["do"] * bool(ttl & 0x8000)
    position = start
    while position < end:
        begin = _need(position, 4, end)
        code, length = _OPTION.unpack_from(data, position)
        position = _need(begin, length, end)
        words.append(_option_text(code, data[begin:position]))
    return " ".join(words)


def _option_text(code: int, value: bytes) -> str:
    name = _EDNS_OPTIONS.get(code, f"option{code}")
    if code == 8 and len(value) >= 4 and value[1] in (1, 2):
        packed = value[4:].ljust(4 if value[1] == 1 else 16, b"\0")
        address = ".".join(map(str, packed[:4])) if value[1] == 1 else ipv6_text(packed[:16])
        return f"{name} {address}/{value[2]}"
    if code == 15 and len(value) >= 2:
        return f"{name} {value[0] << 8 | value[1]} {quoted_text(value[2:])}"
    return f"{name} {len(value)} bytes" if code == 12 else f"{name} {value.hex()}".rstrip()
