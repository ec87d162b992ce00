"""Conversations over UDP and TCP that the laws of every dissector are tried on; built by dnspython."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.update

from kubeshark_mcp.model.stream import Direction

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER


def query(name: str, kind: str = "A", identifier: int = 1) -> bytes:
    """Give a query on the wire."""
    return dns.message.make_query(name, kind, id=identifier).to_wire()


def answer(name: str, kind: str, identifier: int, *texts: str, rcode: str = "NOERROR") -> bytes:
    """Give a response on the wire; texts: records of the answer section as in a master file."""
    message = dns.message.make_response(dns.message.make_query(name, kind, id=identifier))
    message.set_rcode(dns.rcode.from_text(rcode))
    for text in texts:
        owner, ttl, record_class, record_type, data = text.split(" ", 4)
        message.answer.append(dns.rrset.from_text(owner, int(ttl), record_class, record_type, data))
    return message.to_wire()


def framed(*messages: bytes) -> bytes:
    """Give messages as a stream carries them, each behind its length."""
    return b"".join(len(message).to_bytes(2, "big") + message for message in messages)


def _update() -> bytes:
    message = dns.update.UpdateMessage("example.com.", id=9)
    message.add("www", 300, "A", "10.0.0.1")
    message.delete("old")
    return message.to_wire()


_A = "api.example.com. 30 IN A 10.0.0.7"
_QUERY = query("api.example.com.")
_ANSWER = answer("api.example.com.", "A", 1, _A)

SAMPLES: dict[str, list[tuple[Direction, bytes]]] = {
    "a name is asked for and answered": [(CLIENT, _QUERY), (SERVER, _ANSWER)],
    "a name does not exist": [
        (CLIENT, query("nope.example.com.", "AAAA", 2)),
        (SERVER, answer("nope.example.com.", "AAAA", 2, rcode="NXDOMAIN")),
    ],
    "a query stays unanswered": [(CLIENT, query("lost.example.com.", "A", 3))],
    "an answer comes alone": [(SERVER, _ANSWER)],
    "an alias leads to an address": [
        (CLIENT, query("www.example.com.", "A", 4)),
        (
            SERVER,
            answer("www.example.com.", "A", 4, "www.example.com. 60 IN CNAME api.example.com.", _A),
        ),
    ],
    "a query is sent again with the same id": [(CLIENT, _QUERY), (CLIENT, _QUERY), (SERVER, _ANSWER)],
    "a zone is updated": [(CLIENT, _update())],
    "names over tcp in one segment": [
        (CLIENT, framed(_QUERY, query("b.example.com.", "A", 5))),
        (SERVER, framed(answer("b.example.com.", "A", 5, "b.example.com. 30 IN A 10.0.0.8"), _ANSWER)),
    ],
    "a message over tcp in two segments": [
        (CLIENT, framed(_QUERY)),
        (SERVER, framed(_ANSWER)[:20]),
        (SERVER, framed(_ANSWER)[20:]),
    ],
}

TRANSPORTS = {name: "tcp" if " over tcp " in name else "udp" for name in SAMPLES}
TRANSPORT = "udp"
