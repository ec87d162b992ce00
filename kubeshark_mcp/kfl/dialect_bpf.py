"""BPF capture filters -> KFL: host, net, port and portrange with src and dst, joined by and, or, not.

Source: pcap-filter(7).
"""

from __future__ import annotations

import re

from kubeshark_mcp.kfl.literals import write_literal

_TOKEN = re.compile(r"\s*(&&|\|\||[()!]|[A-Za-z0-9_.:/-]+)")
_PROTOCOLS = frozenset({"tcp", "udp", "sctp", "ip", "ip6", "icmp", "icmp6"})
_TYPES = frozenset({"host", "net", "port", "portrange"})
_SIDES = {"src": ("src",), "dst": ("dst",)}
_BOTH = ("src", "dst")
_DEEPEST = 30


class _NotBpf(Exception):
    pass


def translate_bpf(text: str) -> str | None:
    """Translate a BPF filter with at least one host, net or port; None when the text is none."""
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            return None
        tokens.append(match[1])
        position = match.end()
    if not _TYPES & set(tokens):
        return None
    try:
        return _Reader(tokens).whole()
    except _NotBpf:
        return None


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens = [*tokens, ""]
        self._at = 0
        self._depth = 0
        self._qualifiers: tuple[str, tuple[str, ...]] = ("host", _BOTH)

    def whole(self) -> str:
        text = self._either()
        if self._peek():
            raise _NotBpf
        return text

    def _peek(self) -> str:
        return self._tokens[self._at]

    def _next(self) -> str:
        token = self._tokens[self._at]
        if not token:
            raise _NotBpf
        self._at += 1
        return token

    def _either(self) -> str:
        parts = [self._both()]
        while self._peek() in {"or", "||"}:
            self._next()
            parts.append(self._both())
        if "" in parts:
            raise _NotBpf
        return " || ".join(parts)

    def _both(self) -> str:
        parts = [self._term()]
        while self._peek() in {"and", "&&"}:
            self._next()
            parts.append(self._term())
        return " && ".join(part for part in parts if part)

    def _term(self) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _NotBpf
        if self._peek() in {"not", "!"}:
            self._next()
            inner = self._term()
            if not inner:
                raise _NotBpf
            text = f"!{inner}" if inner.startswith("(") else f"!({inner})"
        elif self._peek() == "(":
            self._next()
            text = f"({self._either()})"
            if self._next() != ")":
                raise _NotBpf
        else:
            text = self._primitive()
        self._depth -= 1
        return text

    def _primitive(self) -> str:
        """Read `tcp src port 80`, `host 10.0.0.1`, or a value with the qualifiers of the one before.

        A transport protocol adds nothing to a port and alone gives no condition: KFL's `tcp` is another thing.
        """
        protocol = self._next() if self._peek() in _PROTOCOLS else ""
        sides = _SIDES[self._next()] if self._peek() in _SIDES else _BOTH
        kind = self._next() if self._peek() in _TYPES else ""
        if kind or sides is not _BOTH:
            self._qualifiers = (kind or "host", sides)
        elif protocol:
            return protocol if protocol.startswith("icmp") else ""
        return _condition(*self._qualifiers, self._next())


def _condition(kind: str, sides: tuple[str, ...], value: str) -> str:
    tests = [_test(kind, side, value) for side in sides]
    return tests[0] if len(tests) == 1 else f"({' || '.join(tests)})"


def _test(kind: str, side: str, value: str) -> str:
    if kind == "port" and value.isdecimal():
        return f"{side}.port == {int(value)}"
    if kind == "portrange" and re.fullmatch(r"\d{1,5}-\d{1,5}", value):
        first, _, last = value.partition("-")
        return f"{side}.port >= {int(first)} && {side}.port <= {int(last)}"
    if kind == "host" and re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:]+", value):
        return f"{side}.ip == {write_literal(value)}"
    if kind == "host":
        return f"{side}.dns == {write_literal(value)}"
    match = re.fullmatch(r"(\d+(?:\.\d+){0,3})(?:/(8|16|24))?", value)
    if kind == "net" and match:
        octets = match[1].split(".")
        kept = octets[: int(match[2]) // 8] if match[2] else octets
        return f"{side}.ip.startsWith({write_literal('.'.join(kept) + '.')})"
    raise _NotBpf
