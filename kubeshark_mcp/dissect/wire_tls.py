"""Messages of the TLS handshake (RFC 8446, 5246, 6101): hellos, certificates, key exchange, and SSL 2.0's hellos."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from kubeshark_mcp.dissect import wire_tls_names as n

RECORD_HEADER = 5
LARGEST_RECORD = (1 << 14) + 2048
"""Largest fragment of a record, with what encryption and compression may add (RFC 5246 section 6.2.3)."""
LARGEST_MESSAGE = 1 << 18
"""Largest handshake message that is believed; certificates with post-quantum signatures take tens of kilobytes."""
MOST_CERTIFICATES = 16
"""Certificates of one message that are looked at."""

RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""ServerHello.random of a HelloRetryRequest (RFC 8446 section 4.1.3)."""


_EXTENSION = struct.Struct(">HH")


class TlsError(Exception):
    """The bytes are no such message. position: where that was seen, in the message."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.position = position


class Cursor:
    """Takes numbers and vectors off a message, never past its end."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int = -1) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end < 0 else min(end, len(data))

    @property
    def left(self) -> int:
        """Give the bytes that are left."""
        return self.end - self.position

    def take(self, length: int) -> bytes:
        """Take `length` bytes; raises TlsError where fewer are left."""
        start = self.position
        if length > self.end - start:
            raise TlsError(f"{length} bytes are announced where {self.end - start} are left", start)
        self.position = start + length
        return self.data[start : self.position]

    def number(self, size: int) -> int:
        """Take a number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        """Take what a length of `size` bytes announces."""
        return self.take(self.number(size))


@dataclass(slots=True)
class Hello:
    """A ClientHello or ServerHello, as far as it could be read.

    version: of the message itself (legacy_version). random: 32 bytes. suites: one in a ServerHello.
    extensions: (number, content) in order. malformed: what could not be read, else empty. raw: the whole message.
    """

    version: int = 0
    random: bytes = b""
    session_id: bytes = b""
    suites: tuple[int, ...] = ()
    extensions: list[tuple[int, bytes]] = field(default_factory=list)
    malformed: str = ""
    raw: bytes = b""
    _contents: dict[int, bytes] | None = field(default=None, repr=False, compare=False)

    def extension(self, number: int) -> bytes | None:
        """Give the content of the first extension of that number."""
        contents = self._contents
        if contents is None:
            contents = self._contents = dict(reversed(self.extensions))
        return contents.get(number)

    @property
    def retry(self) -> bool:
        """Tell whether a ServerHello asks the client to try again."""
        return self.random == RETRY_RANDOM


def read_client_hello(message: bytes, *, dtls: bool = False) -> Hello:
    """Read a ClientHello with its header of four bytes (twelve in DTLS); never raises."""
    hello = Hello(raw=message)
    cursor = Cursor(message, 12 if dtls else 4)
    try:
        hello.version = cursor.number(2)
        hello.random = cursor.take(32)
        hello.session_id = cursor.vector(1)
        if dtls:
            cursor.vector(1)  # the cookie
        suites = cursor.vector(2)
        hello.suites = struct.unpack(f">{len(suites) // 2}H", suites[: len(suites) & ~1])
        cursor.vector(1)  # compression methods
        if cursor.left:
            _read_extensions(hello, cursor)
    except TlsError as error:
        hello.malformed = f"ClientHello: {error} at byte {error.position} of the message"
    return hello


def read_server_hello(message: bytes, *, dtls: bool = False) -> Hello:
    """Read a ServerHello, or the HelloRetryRequest of early drafts, with its header; never raises."""
    hello = Hello(raw=message)
    cursor = Cursor(message, 12 if dtls else 4)
    early_draft = 0
    try:
        hello.version = cursor.number(2)
        if hello.version >> 8 == n.DRAFT:
            early_draft = hello.version & 0xFF
        if message[0] == n.HELLO_RETRY_REQUEST:
            hello.random = RETRY_RANDOM
        else:
            hello.random = cursor.take(32)
            if not early_draft or early_draft >= 22:
                hello.session_id = cursor.vector(1)
        if message[0] != n.HELLO_RETRY_REQUEST or early_draft >= 19:
            hello.suites = (cursor.number(2),)
        if not early_draft or early_draft >= 22:
            cursor.take(1)  # the compression method
        if cursor.left:
            _read_extensions(hello, cursor)
    except TlsError as error:
        hello.malformed = f"ServerHello: {error} at byte {error.position} of the message"
    return hello


def read_extensions(message: bytes) -> list[tuple[int, bytes]]:
    """Read the extensions of an EncryptedExtensions message with its header, as far as they are whole."""
    hello = Hello()
    try:
        _read_extensions(hello, Cursor(message, 4))
    except TlsError:
        return hello.extensions
    return hello.extensions


def _read_extensions(hello: Hello, cursor: Cursor) -> None:
    inner_end = cursor.number(2) + cursor.position
    if inner_end > cursor.end:
        raise TlsError(
            f"{inner_end - cursor.position} bytes of extensions are announced where {cursor.left} are left",
            cursor.position,
        )
    data, position = cursor.data, cursor.position
    found = hello.extensions
    while inner_end - position >= 4:
        number, length = _EXTENSION.unpack_from(data, position)
        end = position + 4 + length
        if end > inner_end:
            raise TlsError(f"{length} bytes are announced where {inner_end - position - 4} are left", position + 2)
        found.append((number, data[position + 4 : end]))
        position = end
    if position < inner_end:
        raise TlsError("an extension has no length", position)


def server_name(content: bytes) -> str:
    """Read the host name of a server_name extension (RFC 6066 section 3); empty where there is none."""
    if content[2:3] == b"\0" and len(content) == 5 + int.from_bytes(content[3:5], "big") < 260:
        return content[5:].decode("ascii", "backslashreplace")
    cursor = Cursor(content)
    try:
        names = Cursor(cursor.vector(2))
        while names.left:
            kind, name = names.number(1), names.vector(2)
            if kind == 0:
                return name[:255].decode("ascii", "backslashreplace")
    except TlsError:
        return ""
    return ""


def protocol_names(content: bytes) -> list[str]:
    """Read the protocols of an ALPN extension (RFC 7301 section 3.1), as far as they are whole."""
    found: list[str] = []
    cursor = Cursor(content)
    try:
        names = Cursor(cursor.vector(2))
        while names.left:
            found.append(names.vector(1).decode("ascii", "backslashreplace"))
    except TlsError:
        return found
    return found


def numbers(content: bytes, length_size: int, size: int = 2) -> list[int]:
    """Read a vector of numbers, as far as it is whole."""
    try:
        inner = Cursor(content).vector(length_size)
    except TlsError:
        inner = content[length_size:]
    return [int.from_bytes(inner[at : at + size], "big") for at in range(0, len(inner) - size + 1, size)]


def offered_versions(hello: Hello) -> list[int]:
    """Give the versions that a client offers: by extension (RFC 8446 section 4.2.1), else the one it names."""
    content = hello.extension(n.SUPPORTED_VERSIONS)
    return numbers(content, 1) if content is not None else [hello.version]


def chosen_version(hello: Hello) -> int:
    """Give the version that a server chose."""
    content = hello.extension(n.SUPPORTED_VERSIONS)
    return int.from_bytes(content[:2], "big") if content is not None and len(content) >= 2 else hello.version


def chosen_group(hello: Hello) -> int:
    """Give the group of a ServerHello's key share (RFC 8446 section 4.2.8); 0 where there is none."""
    content = hello.extension(n.KEY_SHARE) or hello.extension(n.OLD_KEY_SHARE) or b""
    return int.from_bytes(content[:2], "big")


def certificates(message: bytes, *, tls13: bool) -> list[bytes]:
    """Give the certificates (DER) of a Certificate message with its header, as far as they are whole."""
    found: list[bytes] = []
    cursor = Cursor(message, 4)
    try:
        if tls13:
            cursor.vector(1)
        listed = Cursor(cursor.data, cursor.position + 3, cursor.position + 3 + cursor.number(3))
        while listed.left and len(found) < MOST_CERTIFICATES:
            found.append(listed.vector(3))
            if tls13:
                listed.vector(2)
    except TlsError:
        return found
    return found


def decompressed_certificate(message: bytes) -> bytes:
    """Undo the compression of a CompressedCertificate (RFC 8879) by zlib; empty for other methods and damage."""
    cursor = Cursor(message, 4)
    try:
        method, size, packed = cursor.number(2), cursor.number(3), cursor.vector(3)
        if method != 1 or size > LARGEST_MESSAGE:
            return b""
        plain = zlib.decompressobj().decompress(packed, size)
    except (TlsError, zlib.error):
        return b""
    return bytes([n.CERTIFICATE]) + len(plain).to_bytes(3, "big") + plain


def key_exchange(message: bytes, suite: str) -> tuple[str, int]:
    """Give (group, bits of the prime) of a ServerKeyExchange; bits are 0 but for a prime of the server's own."""
    if "ECDH" in suite and message[4:5] == b"\x03":
        return n.group_name(int.from_bytes(message[5:7], "big")), 0
    if "DHE_" in suite or "DH_anon" in suite:
        try:
            prime = int.from_bytes(Cursor(message, 4).vector(2), "big")
        except TlsError:
            return "", 0
        return f"DH {prime.bit_length()}", prime.bit_length()
    return "", 0


def read_ssl2_client_hello(data: bytes) -> tuple[Hello, int] | None:
    """Read a hello in the format of SSL 2.0 (RFC 5246 appendix E.2) from the first bytes of a client.

    Gives it with its length; None where the bytes are none, or where it is not whole.
    """
    length = ssl2_length(data)
    if length <= 0 or len(data) < length:
        return None
    version, suites, session, challenge = struct.unpack_from(">4H", data, 3)
    start = 11
    hello = Hello(version, raw=data[:length])
    numbers_of = data[start : start + suites]
    hello.suites = tuple(int.from_bytes(numbers_of[at : at + 3], "big") for at in range(0, suites, 3))
    start += suites
    hello.session_id = data[start : start + session]
    hello.random = data[start + session : start + session + challenge].rjust(32, b"\0")
    return hello, length


def ssl2_length(data: bytes) -> int:
    """Give the length of a hello of SSL 2.0 that begins here; 0 where that cannot be told yet, -1 for none."""
    begin = data[:5]
    expected = ((0x80, 0xFF), (0, 0xFF), (1, 1), (0, 3), (0, 4))
    if any(not low <= byte <= high for byte, (low, high) in zip(begin, expected, strict=False)):
        return -1
    if len(begin) == 5 and data[3:5] not in {b"\0\2", b"\3\0", b"\3\1", b"\3\2", b"\3\3"}:
        return -1
    if len(data) < 11:
        return 0
    length = int.from_bytes(data[:2], "big") & 0x7FFF
    suites, session, challenge = struct.unpack_from(">3H", data, 5)
    fits = suites and suites % 3 == 0 and session in {0, 16} and 16 <= challenge <= 32
    return length + 2 if fits and length == 9 + suites + session + challenge else -1


def read_ssl2_server_hello(data: bytes) -> tuple[Hello, bytes, int] | None:
    """Read SSL 2.0's own answer: the hello with all suites of the server, its certificate, and the length."""
    if len(data) < 13 or not data[0] & 0x80 or data[2] != 4 or data[5:7] != b"\0\2":
        return None
    length = (int.from_bytes(data[:2], "big") & 0x7FFF) + 2
    certificate, suites, connection = struct.unpack_from(">3H", data, 7)
    if length != 13 + certificate + suites + connection or suites % 3 or len(data) < length:
        return None
    start = 13 + certificate
    offered = tuple(int.from_bytes(data[at : at + 3], "big") for at in range(start, start + suites, 3))
    return Hello(n.SSL2, suites=offered[:1], raw=data[:length]), data[13:start], length


def messages(data: bytes) -> Iterator[tuple[int, int]]:
    """Give where each whole handshake message begins and ends; raises TlsError for one that cannot be."""
    start, end = 0, len(data)
    while end - start >= 4:
        size = int.from_bytes(data[start + 1 : start + 4], "big")
        if size > LARGEST_MESSAGE or data[start] not in n.HANDSHAKE_TYPES:
            raise TlsError(f"no handshake message begins with {data[start : start + 4].hex(' ')}", start)
        if end - start - 4 < size:
            return
        yield start, start + 4 + size
        start += 4 + size


def may_grow(fragments: bytearray) -> bool:
    """Tell whether more bytes may complete the message that begins here."""
    return fragments[0] in n.HANDSHAKE_TYPES and int.from_bytes(fragments[1:4], "big") <= LARGEST_MESSAGE


def is_whole(content: bytes) -> bool:
    """Tell whether a record consists of whole messages, so that it does not begin inside one."""
    try:
        ends = [end for _, end in messages(content)]
    except TlsError:
        return False
    return bool(ends) and ends[-1] == len(content)


def is_hello(content: bytes) -> bool:
    """Tell whether a record in clear holds a hello, where another could be under encryption."""
    return content[:1] in {b"\x01", b"\x02"} and is_whole(content)
