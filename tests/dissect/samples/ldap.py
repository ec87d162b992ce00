"""LDAP messages that the laws of every dissector are tried on, built by hand as RFC 4511 lays them out."""

from __future__ import annotations

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def ber(tag: int, *contents: bytes) -> bytes:
    """Give an element; its length is as short as it can be."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def text(value: str | bytes, tag: int = 0x04) -> bytes:
    """Give an OCTET STRING."""
    return ber(tag, value.encode() if isinstance(value, str) else value)


def number(value: int, tag: int = 0x02) -> bytes:
    """Give an INTEGER, or an ENUMERATED by its tag."""
    return ber(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def message(identifier: int, operation: bytes, *controls: str) -> bytes:
    """Give an LDAPMessage."""
    added = ber(0xA0, *(ber(0x30, text(oid)) for oid in controls)) if controls else b""
    return ber(0x30, number(identifier), operation, added)


def result(tag: int, code: int = 0, matched: str = "", words: str = "", *more: bytes) -> bytes:
    """Give a response with an LDAPResult."""
    return ber(tag, number(code, 0x0A), text(matched), text(words), *more)


def bind(name: str, password: str) -> bytes:
    """Give a simple bind."""
    return ber(0x60, number(3), text(name), text(password, 0x80))


def sasl(mechanism: str, credentials: bytes) -> bytes:
    """Give a SASL bind."""
    return ber(0x60, number(3), text(""), ber(0xA3, text(mechanism), text(credentials)))


def search(base: str, scope: int, condition: bytes, *attributes: str) -> bytes:
    """Give a search."""
    limits = number(0, 0x0A) + number(500) + number(30) + ber(0x01, b"\0")
    wanted = ber(0x30, *map(text, attributes))
    return ber(0x63, text(base), number(scope, 0x0A), limits, condition, wanted)


def attribute(name: str, *values: str) -> bytes:
    """Give an attribute with its values."""
    return ber(0x30, text(name), ber(0x31, *map(text, values)))


def entry(name: str, *attributes: bytes) -> bytes:
    """Give an entry that a search found."""
    return ber(0x64, text(name), ber(0x30, *attributes))


def extended(oid: str, *value: bytes) -> bytes:
    """Give an extended request."""
    return ber(0x77, text(oid, 0x80), *(ber(0x81, part) for part in value))


def signed(content: bytes) -> bytes:
    """Give a SASL buffer with a Kerberos token that signs and does not encrypt (RFC 4121)."""
    token = b"\x05\x04\x04\xff\x00\x0c\x00\x0c" + bytes(8) + b"checksum-12b" + content
    return len(token).to_bytes(4, "big") + token


def sealed(size: int) -> bytes:
    """Give a SASL buffer with a Kerberos token that encrypts."""
    token = b"\x05\x04\x06\xff\x00\x00\x00\x1c" + bytes(8) + b"\x5a" * size
    return len(token).to_bytes(4, "big") + token


BASE = "dc=example,dc=org"
PERSON = "uid=ada,ou=people,dc=example,dc=org"
EQUAL = ber(0xA3, text("uid"), text("ada"))
PRESENT = text("objectClass", 0x87)
SUBSTRING = ber(0xA4, text("cn"), ber(0x30, text("A", 0x80), text("a(b", 0x81), text("e", 0x82)))
CONDITION = ber(0xA0, PRESENT, ber(0xA2, EQUAL), ber(0xA1, SUBSTRING, ber(0xA5, text("age"), text("30"))))

BIND = message(1, bind("cn=admin,dc=example,dc=org", "geheim"))
BOUND = message(1, result(0x61))
SEARCH = message(2, search(BASE, 2, CONDITION, "cn", "mail"), "1.2.840.113556.1.4.319")
FOUND = message(2, entry(PERSON, attribute("cn", "Ada"), attribute("userPassword", "{SSHA}abcdef")))
ANOTHER = message(2, entry("uid=grace," + BASE, attribute("cn", "Grace" * 40)))
ELSEWHERE = message(2, ber(0x73, text("ldap://other.example.org/" + BASE)))
DONE = message(2, result(0x65), "1.2.840.113556.1.4.319")
UNBIND = message(9, ber(0x42))

MODIFY = message(
    3,
    ber(
        0x66,
        text(PERSON),
        ber(
            0x30,
            ber(0x30, number(2, 0x0A), attribute("mail", "ada@example.org")),
            ber(0x30, number(0, 0x0A), attribute("userPassword", "neu")),
        ),
    ),
)
ADD = message(4, ber(0x68, text("cn=x," + BASE), ber(0x30, attribute("cn", "x"), attribute("objectClass", "device"))))
DELETE = message(5, text("cn=x," + BASE, 0x4A))
RENAME = message(6, ber(0x6C, text(PERSON), text("uid=countess"), ber(0x01, b"\xff"), text("ou=old," + BASE, 0x80)))
COMPARE = message(7, ber(0x6E, text(PERSON), ber(0x30, text("mail"), text("ada@example.org"))))
WHO = message(8, extended("1.3.6.1.4.1.4203.1.11.3"))
WHO_ANSWER = message(8, result(0x78, 0, "", "", text("dn:" + PERSON, 0x8B)))
PASSWORD = message(
    8, extended("1.3.6.1.4.1.4203.1.11.1", ber(0x30, text(PERSON, 0x80), text("alt", 0x81), text("neu", 0x82)))
)
START_TLS = message(1, extended("1.3.6.1.4.1.1466.20037"))
NOTICE = message(0, result(0x78, 52, "", "shutting down", text("1.3.6.1.4.1.1466.20036", 0x8A)))

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a search finds entries and a reference": [
        (CLIENT, BIND),
        (SERVER, BOUND),
        (CLIENT, SEARCH),
        (SERVER, FOUND + ANOTHER + ELSEWHERE + DONE),
        (CLIENT, UNBIND),
    ],
    "a bind is refused": [(CLIENT, BIND), (SERVER, message(1, result(0x61, 49, "", "wrong")))],
    "entries change": [
        (CLIENT, MODIFY + ADD + DELETE),
        (SERVER, message(4, result(0x69, 68)) + message(3, result(0x67)) + message(5, result(0x6B, 32, BASE))),
        (CLIENT, RENAME),
        (SERVER, message(6, result(0x6D))),
        (CLIENT, COMPARE),
        (SERVER, message(7, result(0x6F, 6))),
    ],
    "who am I": [(CLIENT, WHO), (SERVER, WHO_ANSWER)],
    "a password changes": [
        (CLIENT, PASSWORD),
        (SERVER, message(8, result(0x78, 0, "", "", ber(0x8B, ber(0x30, text("generated", 0x80)))))),
    ],
    "TLS begins": [(CLIENT, START_TLS), (SERVER, message(1, result(0x78)))],
    "SASL in two steps and a signing layer": [
        (CLIENT, message(1, sasl("GSS-SPNEGO", b"token one"))),
        (SERVER, message(1, result(0x61, 14, "", "", text(b"challenge", 0x87)))),
        (CLIENT, message(2, sasl("GSS-SPNEGO", b"token two"))),
        (SERVER, message(2, result(0x61))),
        (CLIENT, signed(message(3, search("", 0, PRESENT)))),
        (SERVER, signed(message(3, entry("")) + message(3, result(0x65))[:5])),
        (SERVER, signed(message(3, result(0x65))[5:])),
    ],
    "SASL encrypts": [
        (CLIENT, message(1, sasl("GSSAPI", b"token"))),
        (SERVER, message(1, result(0x61))),
        (CLIENT, sealed(60)),
        (SERVER, sealed(200) + sealed(40)),
    ],
    "an operation is abandoned": [
        (CLIENT, message(20, search(BASE, 2, PRESENT))),
        (CLIENT, message(21, number(20, 0x50))),
    ],
    "the server ends it": [(CLIENT, message(1, search(BASE, 1, EQUAL))), (SERVER, NOTICE)],
    "Active Directory is pinged over UDP": [
        (CLIENT, message(1, search("", 0, EQUAL, "Netlogon"))),
        (SERVER, message(1, entry("", attribute("Netlogon", "dc1"))) + message(1, result(0x65))),
    ],
}

TRANSPORT = "tcp"
TRANSPORTS = {"Active Directory is pinged over UDP": "udp"}
