"""Text -> tokens, with exact positions. Source: Common Expression Language specification, "Syntax"."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from kubeshark_mcp.kfl.diagnostics import KflError, Source, quoted
from kubeshark_mcp.kfl.values import INT_MAX, UINT_MAX, Uint

LONGEST_TEXT = 65_536
"""A filter of more characters is refused before anything looks at it."""

RESERVED = frozenset(
    {"as", "break", "const", "continue", "else", "for", "function", "if", "import"}
    | {"let", "loop", "package", "namespace", "return", "var", "void", "while"}
)


class Token(NamedTuple):
    """kind: name, literal, or the operator itself, `end` after the last; value: the literal's or the name."""

    kind: str
    value: Any
    start: int
    end: int


_TOKEN = re.compile(
    r"""
    (?P<space>(?:[\t\n\f\r ]|//[^\n]*+)++)
  | (?P<string>(?P<prefix>[rR][bB]?|[bB][rR]?|)
        (?P<body>\"{3}|'{3}|"|'))
  | (?P<double>(?:\d++\.\d++(?:[eE][+-]?\d++)?|\d++[eE][+-]?\d++|\.\d++(?:[eE][+-]?\d++)?))
  | (?P<int>(?:0[xX][0-9a-fA-F]++|\d++)(?P<unsigned>[uU]?))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*+)
  | (?P<escaped>`[A-Za-z0-9_.\-/\ ]++`)
  | (?P<operator>&&|\|\||==|!=|<=|>=|[<>!?:+\-*/%.,()\[\]{}])
    """,
    re.VERBOSE | re.ASCII,
)
_CLOSING = {
    (quote, raw): re.compile(rf"(?:[^\\]|\\.)*?{quote}" if not raw else rf".*?{quote}", re.DOTALL)
    for quote in ('"""', "'''")
    for raw in (False, True)
} | {
    (quote, raw): re.compile(rf"(?:[^{quote}\\\r\n]++|\\.)*+{quote}" if not raw else rf"[^{quote}\r\n]*+{quote}")
    for quote in ('"', "'")
    for raw in (False, True)
}
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\?\"'`])|[xX](?P<hex>[0-9a-fA-F]{2})|(?P<octal>[0-3][0-7]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.?))",
    re.DOTALL,
)
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_MEANT = {"=": "==", "&": "&&", "|": "||", "“": '"', "”": '"'}
_CONSTANTS = {"true": True, "false": False, "null": None}


def tokens(source: Source) -> list[Token]:
    """Split the text. Raises KflError at the first character that starts no token."""
    _refuse_unreadable(source)
    text = source.text
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _error(source, _unknown_character(text[position]), position, position + 1, _MEANT.get(text[position]))
        token = _token(source, match)
        position = match.end() if token is None else token.end
        if token is not None:
            found.append(token)
    found.append(Token("end", None, len(text), len(text)))
    return found


def _refuse_unreadable(source: Source) -> None:
    text = source.text
    if len(text) > LONGEST_TEXT:
        short = Source(text[:80])
        message = f"The filter has {len(text)} characters; at most {LONGEST_TEXT} are read: shorten it."
        raise _error(short, message, 0, 1)
    if not text.strip():
        raise _error(source, "The filter is empty: write a condition such as `status_code >= 500`.", 0, 0)
    surrogate = next((at for at, char in enumerate(text) if "\ud800" <= char <= "\udfff"), None)
    if surrogate is not None:
        message = f"The character U+{ord(text[surrogate]):04X} is half of a surrogate pair, not text: remove it."
        raise _error(Source(text.encode("utf-8", "replace").decode()), message, surrogate, surrogate + 1)


def _unknown_character(char: str) -> str:
    hints = {
        "=": "Equality is `==`.",
        "&": "Both conditions is `&&`.",
        "|": "Either condition is `||`.",
        "~": 'A regular expression is `field.matches("…")`.',
        "^": "There is no `^` operator.",
        "\0": "Remove the null byte.",
        "“": 'Use straight quotes: `"`.',
        "”": 'Use straight quotes: `"`.',
        "\N{LEFT SINGLE QUOTATION MARK}": "Use straight quotes: `'`.",
        "\N{RIGHT SINGLE QUOTATION MARK}": "Use straight quotes: `'`.",
        "`": "Backquotes enclose a field name after a dot: letters, digits, `_.-/` and space.",
    }
    return f"{quoted(char)} is not part of KFL. {hints.get(char, 'Remove it.')}"


def _token(source: Source, match: re.Match[str]) -> Token | None:
    kind = match.lastgroup
    start, end = match.span()
    if kind == "space":
        return None
    if match["string"] is not None:
        return _string(source, match)
    if kind == "name":
        name = match.group()
        if name in _CONSTANTS:
            return Token("literal", _CONSTANTS[name], start, end)
        return Token("in" if name == "in" else "name", name, start, end)
    if match["int"] is not None:
        return Token("literal", _integer(source, match), start, end)
    if kind == "double":
        return Token("literal", float(match.group()), start, end)
    if kind == "escaped":
        return Token("escaped", match.group()[1:-1], start, end)
    return Token(match.group(), match.group(), start, end)


def _integer(source: Source, match: re.Match[str]) -> int:
    unsigned = bool(match["unsigned"])
    digits = match.group()[:-1] if unsigned else match.group()
    limit = UINT_MAX if unsigned else INT_MAX + 1
    base = 16 if digits[:2] in {"0x", "0X"} else 10
    significant = digits[2:].lstrip("0") if base == 16 else digits.lstrip("0")
    value = limit + 1 if len(significant) > 20 else int(significant or "0", base)
    if value > limit:
        kind = "uint" if unsigned else "int"
        raise _error(source, f"{quoted(match.group())} does not fit 64 bits ({kind}).", *match.span())
    return Uint(value) if unsigned else value


def _string(source: Source, match: re.Match[str]) -> Token:
    start, opening_end = match.span()
    prefix, quote = match["prefix"].lower(), match["body"]
    raw, is_bytes = "r" in prefix, "b" in prefix
    closing = _CLOSING[quote, raw].match(source.text, opening_end)
    if closing is None:
        message = f"The text that starts here is not closed: put {quoted(quote)} after it."
        raise _error(source, message, start, opening_end)
    end = closing.end()
    body = source.text[opening_end : end - len(quote)]
    if quote in {'"""', "'''"}:
        body = body.replace("\r\n", "\n").replace("\r", "\n")
    if is_bytes:
        value: Any = body.encode() if raw else _unescape_bytes(source, body, opening_end)
    else:
        value = body if raw or "\\" not in body else _unescape(source, body, opening_end)
    return Token("literal", value, start, end)


def _unescape(source: Source, body: str, offset: int) -> str:
    def one(match: re.Match[str]) -> str:
        if match["simple"]:
            return _SIMPLE.get(match["simple"], match["simple"])
        code = _code_point(source, match, offset)
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise _escape_error(source, match, offset, "is not a Unicode character")
        return chr(code)

    return _ESCAPE.sub(one, body)


def _unescape_bytes(source: Source, body: str, offset: int) -> bytes:
    parts: list[bytes] = []
    position = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[position : match.start()].encode())
        position = match.end()
        if match["simple"]:
            parts.append(_SIMPLE.get(match["simple"], match["simple"]).encode())
        elif match["short"] or match["long"]:
            raise _escape_error(source, match, offset, "is not allowed in bytes; use `\\xHH`")
        else:
            parts.append(bytes([_code_point(source, match, offset)]))
    parts.append(body[position:].encode())
    return b"".join(parts)


def _code_point(source: Source, match: re.Match[str], offset: int) -> int:
    if match["octal"]:
        return int(match["octal"], 8)
    digits = match["hex"] or match["short"] or match["long"]
    if digits is None:
        advice = 'is not an escape; write `\\\\` for a backslash, or a raw text r"…"'
        raise _escape_error(source, match, offset, advice)
    return int(digits, 16)


def _escape_error(source: Source, match: re.Match[str], offset: int, reason: str) -> KflError:
    return _error(source, f"{quoted(match.group())} {reason}.", offset + match.start(), offset + match.end())


def _error(source: Source, message: str, start: int, end: int, replacement: str | None = None) -> KflError:
    return KflError(source, (source.diagnostic(message, start, end, replacement=replacement),))
