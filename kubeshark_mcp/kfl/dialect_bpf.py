"""BPF capture filters -> KFL: host, net, port and portrange with src and dst, joined by and, or, not.

Source: pcap-filter(7).
"""

from __future__ import annotations

import re

from kubeshark_mcp.kfl.literals import write_literal
from kubeshark_mcp.kfl.networks import network_test

_TOKEN = re.compile(r"\s*(&&|\|\||[()!]|[A-Za-z0-9_.:/-]+)")
_PROTOCOLS = frozenset({"tcp", "udp", "sctp", "ip", "ip6", "icmp", "icmp6"})
_TYPES = frozenset({"host", "net", "port", "portrange"})
_SIDES = {"src": ("src",), "dst": ("dst",)}
_BOTH = ("src", "dst")
_JOINS = {"or": "||", "||": "||", "and": "&&", "&&": "&&"}
_SERVICES = {"ssh": 22, "smtp": 25, "domain": 53, "http": 80, "ntp": 123, "ldap": 389, "https": 443, "ldaps": 636}
"""Names of ports that are in use; of the others the number has to be given. Source: IANA service names."""
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
        self._join = "||"
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
        """Read terms joined by `and` and `or`, which bind alike and from the left."""
        joined, sign = self._term(), ""
        while self._peek() in _JOINS:
            joined, sign = self._with(joined, sign, _JOINS[self._next()])
        return joined

    def _with(self, before: str, last: str, sign: str) -> tuple[str, str]:
        """Add a term; one without a condition (`tcp`) says nothing beside `and`, and everything beside `or`."""
        term = self._term()
        if sign == "||" and not (before and term):
            raise _NotBpf
        if not before or not term:
            return before or term, last
        if last == "||" and sign == "&&":
            before = f"({before})"
        return f"{before} {sign} {term}", sign

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
        sides, join = self._sides()
        kind = self._next() if self._peek() in _TYPES else ""
        if kind or sides is not _BOTH:
            self._qualifiers = (kind or "host", sides)
            self._join = join
        elif protocol:
            return protocol if protocol.startswith("icmp") else ""
        return self._condition(*self._qualifiers, self._value())

    def _sides(self) -> tuple[tuple[str, ...], str]:
        """Read `src`, `dst`, `src or dst`, `src and dst`, or nothing, which means either."""
        if self._peek() not in _SIDES:
            return _BOTH, "||"
        side = _SIDES[self._next()]
        join = self._peek()
        if side == ("src",) and join in _JOINS and self._tokens[self._at + 1] == "dst":
            self._at += 2
            return ("src", "dst"), _JOINS[join]
        return side, "||"

    def _value(self) -> str:
        value = self._next()
        if self._qualifiers[0] == "net" and self._peek() == "mask":
            self._next()
            value = f"{value}/{self._next()}"
        return value

    def _condition(self, kind: str, sides: tuple[str, ...], value: str) -> str:
        tests = [_test(kind, side, value) for side in sides]
        if len(tests) == 1:
            return tests[0]
        if kind == "portrange":
            tests = [f"({test})" for test in tests]
        return f"({f' {self._join} '.join(tests)})"


def _test(kind: str, side: str, value: str) -> str:
    if kind == "port" and value.isdecimal():
        return f"{side}.port == {int(value)}"
    if kind == "port" and value in _SERVICES:
        return f"{side}.port == {_SERVICES[value]}"
    if kind == "portrange" and re.fullmatch(r"\d{1,5}-\d{1,5}", value):
        first, _, last = value.partition("-")
        return f"{side}.port >= {int(first)} && {side}.port <= {int(last)}"
    if kind == "host" and re.fullmatch(r"[0-9.]+|[0-9A-Fa-f:]+", value):
        return f"{side}.ip == {write_literal(value)}"
    if kind == "host":
        return f"{side}.dns == {write_literal(value)}"
    test = network_test(f"{side}.ip", value) if kind == "net" else None
    if test is None:
        raise _NotBpf
    return test
