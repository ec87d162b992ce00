"""Conversations in TLS that the laws of every dissector are tried on."""

from __future__ import annotations

from kubeshark_mcp.model.stream import Direction
from tests.dissect import tls_building as b

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER

SSL2_HELLO = bytes.fromhex("802e 01 0301 0015 0000 0010".replace(" ", "")) + b"".join(
    number.to_bytes(3, "big") for number in (0x39, 0x35, 0x2F, 0x0A, 0x05, 0x04, 0x010080)
)
SSL2_HELLO += bytes(range(16))

DTLS_HELLO = b.client_hello(b.server_name("voice.example.com"), suites=(0xC02B,), version=0xFEFD)
DTLS_HELLO = DTLS_HELLO[4:38] + b"\0" + b"\0" + DTLS_HELLO[39:]


def dtls(kind: int, body: bytes) -> bytes:
    """A whole handshake message in a record of its own."""
    length = len(body).to_bytes(3, "big")
    message = bytes([kind]) + length + b"\0\0" + b"\0\0\0" + length + body
    return b"\x16\xfe\xfd" + bytes(8) + len(message).to_bytes(2, "big") + message


FULL_12 = [
    (CLIENT, b.handshake(b.client_hello(b.server_name("api.example.com"), b.alpn("h2")), version=0x0301)),
    (
        SERVER,
        b.handshake(b.server_hello(b.alpn("h2")))
        + b.handshake(b.certificate(b.CERTIFICATE))
        + b.handshake(b.ecdhe(), b.DONE),
    ),
    (CLIENT, b.handshake(b.CLIENT_KEY) + b.CHANGE + b.SEALED_FINISHED),
    (SERVER, b.handshake(b.message(4, bytes(4) + b.vector(2, bytes(48)))) + b.CHANGE + b.SEALED_FINISHED),
    (CLIENT, b.sealed(120)),
    (SERVER, b.sealed(900)),
]

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "version 1.2 with a certificate": FULL_12,
    "version 1.3": [
        (CLIENT, b.handshake(b.client_hello(*b.TLS13_CLIENT, b.key_share()))),
        (SERVER, b.handshake(b.server_hello((43, b"\x03\x04"), b.key_share(), suite=0x1301)) + b.CHANGE),
        (SERVER, b.sealed(60) + b.sealed(800) + b.sealed(53)),
        (CLIENT, b.CHANGE + b.sealed(53) + b.sealed(200)),
        (SERVER, b.sealed(230) + b.sealed(400)),
    ],
    "the server asks for another hello": [
        (CLIENT, b.handshake(b.client_hello(*b.TLS13_CLIENT))),
        (SERVER, b.handshake(b.server_hello((43, b"\x03\x04"), (51, b"\0\x17"), suite=0x1301, random=b.RETRY_RANDOM))),
        (SERVER, b.CHANGE),
        (CLIENT, b.CHANGE + b.handshake(b.client_hello(*b.TLS13_CLIENT, b.key_share(23)))),
        (SERVER, b.handshake(b.server_hello((43, b"\x03\x04"), b.key_share(23), suite=0x1301)) + b.sealed(700)),
        (CLIENT, b.sealed(53)),
        (SERVER, b.sealed(250)),
    ],
    "messages are cut into small records": [
        (CLIENT, b"".join(b.record(22, part.to_bytes(1, "big")) for part in b.client_hello(*b.TLS13_CLIENT))),
        (SERVER, b.alert(2, 70)),
    ],
    "a session is resumed": [
        (CLIENT, b.handshake(b.client_hello(b.server_name("api.example.com"), session=bytes(32)))),
        (SERVER, b.handshake(b.server_hello(session=bytes(32))) + b.CHANGE + b.SEALED_FINISHED),
        (CLIENT, b.CHANGE + b.SEALED_FINISHED + b.sealed(100)),
    ],
    "the client does not trust the certificate": [
        *FULL_12[:2],
        (CLIENT, b.alert(2, 48)),
    ],
    "a hello in the format of version 2 of SSL": [
        (CLIENT, SSL2_HELLO),
        (SERVER, b.handshake(b.server_hello(suite=5, version=0x0301), b.certificate(b.CERTIFICATE), b.DONE)),
    ],
    "nobody answers": [(CLIENT, b.handshake(b.client_hello(b.server_name("api.example.com"))))],
    "over datagrams": [
        (CLIENT, dtls(1, DTLS_HELLO)),
        (SERVER, dtls(2, b.server_hello(suite=0xC02B, version=0xFEFD)[4:])),
        (CLIENT, b"\x17\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x20" + bytes(range(32))),
    ],
}

TRANSPORT = "tcp"
TRANSPORTS = {"over datagrams": "udp"}
