"""Filters in other languages -> KFL, to be offered in the error message and never run.

Known: the older KFL of published documents, Wireshark display filters and BPF capture filters. A translation is only
a proposal: the caller compiles it, and drops it when it is not valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.dialect_bpf import translate_bpf
from kubeshark_mcp.kfl.dialect_names import LAYERS, OLDER_KFL, WIRESHARK, Meaning
from kubeshark_mcp.kfl.literals import write_literal
from kubeshark_mcp.kfl.networks import network_test
from kubeshark_mcp.model.field import FieldType

_LONGEST = 2_000
_DEEPEST = 30
_TOKEN = re.compile(
    r"""\s*(?:(?P<raw>[rR]?)(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    |(?P<operator>&&|\|\||===?|!==?|<=|>=|!~|[=<>!~(){}\[\],])
    |(?P<word>[A-Za-z0-9_.:/*-]+))""",
    re.VERBOSE,
)
_JOINS = {"and": "&&", "or": "||", "&&": "&&", "||": "||"}
_COMPARISONS = {
    **{sign: sign for sign in ("==", "!=", "<", "<=", ">", ">=")},
    **{"=": "==", "===": "==", "!==": "!=", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
    **{"any_eq": "==", "all_ne": "!="},
}
_TEXT_TESTS = {"contains": "contains", "matches": "matches", "~": "matches", "startswith": "startsWith"}
_LOWER_KEYS = frozenset({"request.headers", "response.headers"})
_TEXT_TESTS |= {"startsWith": "startsWith", "endswith": "endsWith", "endsWith": "endsWith"}


@dataclass(frozen=True, slots=True)
class Translation:
    """The name of the dialect, as in `This looks like …`, None when it is KFL with slips; and the filter in KFL."""

    dialect: str | None
    kfl: str


class _NotThisDialect(Exception):
    pass


def translate_dialect(text: str, catalogue: Catalogue) -> Translation | None:
    """Translate a filter of another language, or give None when it is none that is known."""
    if len(text) > _LONGEST:
        return None
    bpf = translate_bpf(text)
    if bpf is not None:
        return Translation("a BPF capture filter", bpf)
    try:
        reader = _Reader(text, catalogue)
        kfl = reader.whole()
    except _NotThisDialect:
        return None
    dialect = "a Wireshark display filter" if reader.wireshark else "the older KFL" if reader.older else None
    return Translation(dialect, kfl)


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    is_regex: bool = False
    is_bare: bool = False


class _Reader:
    """Reads `name [operator value]` joined by and, or, not and brackets."""

    def __init__(self, text: str, catalogue: Catalogue) -> None:
        self.wireshark = False
        self.older = False
        self._layers = False
        self._catalogue = catalogue
        self._depth = 0
        self._at = 0
        self._tokens: list[re.Match[str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise _NotThisDialect
            self._tokens.append(match)
            position = match.end()

    def whole(self) -> str:
        text = self._either()
        if self._at < len(self._tokens) or (self.wireshark and self._layers):
            raise _NotThisDialect
        return text

    def _peek(self) -> str:
        return self._tokens[self._at].group().strip() if self._at < len(self._tokens) else ""

    def _next(self) -> re.Match[str]:
        if self._at >= len(self._tokens):
            raise _NotThisDialect
        self._at += 1
        return self._tokens[self._at - 1]

    def _either(self) -> str:
        return self._joined("||", self._both)

    def _both(self) -> str:
        return self._joined("&&", self._negation)

    def _joined(self, sign: str, read: Callable[[], str]) -> str:
        parts = [read()]
        while _JOINS.get(self._peek().lower()) == sign:
            self.older = self._next()["word"] is not None or self.older
            parts.append(read())
        return f" {sign} ".join(parts)

    def _negation(self) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _NotThisDialect
        if self._peek().lower() in {"!", "not"}:
            self.older = self._next()["word"] is not None or self.older
            inner = self._negation()
            text = f"!{inner}" if re.fullmatch(r"[\w.]+|\(.*\)", inner) else f"!({inner})"
        elif self._peek() == "(":
            self._next()
            text = f"({self._either()})"
            if self._next().group().strip() != ")":
                raise _NotThisDialect
        else:
            text = self._test()
        self._depth -= 1
        return text

    def _test(self) -> str:
        name = self._next()["word"]
        if name is None:
            raise _NotThisDialect
        if self._peek() == "[":
            name += self._key()
        meaning = self._meaning(name)
        operator = self._peek()
        if operator.lower() == "in":
            return self._in_set(meaning)
        if operator in _COMPARISONS or operator in _TEXT_TESTS:
            self._next()
            self.older = operator in _TEXT_TESTS or self.older
            return self._compare(meaning, operator, self._value())
        self._layers = self._layers or name in LAYERS
        tests = [self._truth(field) for field in meaning.fields]
        return meaning.test or (tests[0] if len(tests) == 1 else f"({' || '.join(tests)})")

    def _key(self) -> str:
        self._next()
        key, closing = self._next()["string"], self._next().group().strip()
        if key is None or closing != "]":
            raise _NotThisDialect
        return f"[{key}]"

    def _meaning(self, name: str) -> Meaning:
        if name in WIRESHARK:
            self.wireshark = True
            return WIRESHARK[name]
        field = name.partition("[")[0]
        if field in _LOWER_KEYS:
            name = name.lower()
        if self._catalogue.get(field) is not None:
            return Meaning((name,))
        meaning = OLDER_KFL.get(name)
        if meaning is not None:
            self.older = True
        else:
            suggested = self._catalogue.suggest(field)
            if suggested is None:
                raise _NotThisDialect
            meaning = Meaning((suggested + name[len(field) :],))
        return meaning

    def _value(self) -> _Value:
        token = self._next()
        if token["string"] is not None:
            body = token["string"][1:-1]
            return _Value(body if token["raw"] else re.sub(r"\\(.)", r"\1", body), bool(token["raw"]))
        if token["word"] is None:
            raise _NotThisDialect
        return _Value(token["word"], is_bare=True)

    def _in_set(self, meaning: Meaning) -> str:
        self._next()
        opening = self._next().group().strip()
        values: list[_Value] = []
        while self._peek() not in {"}", "]", ")"}:
            if self._peek() == ",":
                self._next()
            values.append(self._meant(meaning, self._value()))
        self._next()
        if opening not in {"{", "[", "("} or not values:
            raise _NotThisDialect
        if any(".." in value.text for value in values if value.is_bare):
            raise _NotThisDialect
        tests = [f"{f} in [{', '.join(self._literal(f, v, meaning.scale) for v in values)}]" for f in meaning.fields]
        return tests[0] if len(tests) == 1 else f"({' || '.join(tests)})"

    def _compare(self, meaning: Meaning, operator: str, value: _Value) -> str:
        if meaning.test:
            wanted = value.text.lower() in {"1", "true"}
            return meaning.test if wanted == (_COMPARISONS.get(operator) == "==") else f"!({meaning.test})"
        other = self._other_field(value)
        if other is not None and len(meaning.fields) == 1 and operator in _COMPARISONS:
            return f"{meaning.fields[0]} {_COMPARISONS[operator]} {other}"
        value = self._meant(meaning, value)
        tests = [self._one(field, operator, value, meaning.scale) for field in meaning.fields]
        if len(tests) == 1:
            return tests[0]
        return f"({(' && ' if _COMPARISONS.get(operator) == '!=' else ' || ').join(tests)})"

    def _other_field(self, value: _Value) -> str | None:
        """Give the field that a bare word on the right side names."""
        if not value.is_bare or not value.text[:1].isalpha():
            return None
        meaning = WIRESHARK.get(value.text) or OLDER_KFL.get(value.text) or Meaning((value.text,))
        known = len(meaning.fields) == 1 and self._catalogue.get(meaning.fields[0]) is not None
        return meaning.fields[0] if known else None

    @staticmethod
    def _meant(meaning: Meaning, value: _Value) -> _Value:
        """Turn a number of the other language into the name that it has here."""
        if meaning.values is None or not value.text.isdecimal():
            return value
        name = meaning.values.get(value.text)
        if name is None:
            raise _NotThisDialect
        return _Value(name)

    def _one(self, field: str, operator: str, value: _Value, scale: int) -> str:
        kind = self._kind(field)
        if field.endswith(".ip") and "/" in value.text:
            return self._network(field, operator, value.text)
        function = _TEXT_TESTS.get(operator)
        sign = _COMPARISONS.get(operator, "")
        if value.is_regex and sign in {"==", "!="} and kind is FieldType.STRING:
            test = f"{field}.matches({write_literal(value.text)})"
            return test if sign == "==" else f"!{test}"
        if kind is FieldType.STRING_LIST:
            if function:
                return f"{field}.exists(x, x.{function}({write_literal(value.text)}))"
            test = f"{write_literal(value.text)} in {field}"
            return test if sign == "==" else f"!({test})"
        if function:
            return f"{field}.{function}({write_literal(value.text)})"
        if kind is FieldType.BOOL:
            return field if (value.text.lower() in {"1", "true"}) == (sign == "==") else f"!{field}"
        return f"{field} {sign} {self._literal(field, value, scale)}"

    @staticmethod
    def _network(field: str, operator: str, network: str) -> str:
        test = network_test(field, network)
        sign = _COMPARISONS.get(operator)
        if test is None or sign not in {"==", "!="}:
            raise _NotThisDialect
        return test if sign == "==" else f"!{test}"

    def _kind(self, field: str) -> FieldType:
        found = self._catalogue.get(field.partition("[")[0])
        if found is None:
            raise _NotThisDialect
        return FieldType.STRING if "[" in field else found.type

    def _literal(self, field: str, value: _Value, scale: int) -> str:
        kind = self._kind(field)
        if kind is FieldType.STRING:
            return write_literal(value.text)
        if kind is FieldType.TIMESTAMP:
            return f"timestamp({write_literal(value.text)})"
        try:
            number = float(value.text) * scale
        except ValueError:
            raise _NotThisDialect from None
        return write_literal(int(number) if kind is FieldType.INT and number.is_integer() else number)

    def _truth(self, field: str) -> str:
        kind = self._kind(field)
        if kind is FieldType.STRING:
            return f'{field} != ""'
        if kind in {FieldType.INT, FieldType.DOUBLE}:
            return f"{field} != 0"
        return field if kind is FieldType.BOOL else f"size({field}) > 0"
