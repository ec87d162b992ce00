"""Generated filters, and whether all engines select the same rows with them: SQL, Python, celpy and Google's CEL."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import celpy
import duckdb
from cel_expr_python import cel
from cel_expr_python.ext import ext_strings

from kubeshark_mcp.errors import UnsupportedError
from kubeshark_mcp.kfl import Catalogue, Program, canonical, compile_filter
from kubeshark_mcp.kfl.literals import write_literal
from kubeshark_mcp.kfl.program import predicate
from kubeshark_mcp.kfl.reference import Reference, plain
from kubeshark_mcp.kfl.tree import Call, Node, walk
from kubeshark_mcp.model.field import Field, FieldType

NOW_NS = 1_700_000_000_000_000_000
INT_MAX, INT_MIN = 2**63 - 1, -(2**63)
TEXTS = ["", "a", "/", "/api/v1", "/API", "ab", "ünïcode🦈", "a\nb", "x.com", "api.x.com", "nul\0in", "e\u0301"]
INTS = [0, 1, -1, 2, 5, 200, 404, 500, 1000, INT_MAX, INT_MIN, INT_MAX - 1]
DOUBLES = [0.0, -0.0, 0.5, 1.5, -2.25, 1e300, math.inf, -math.inf, math.nan, 500.0]
BYTES = [b"", b"a", b"\x00\xff", b"abc"]
PATTERNS = ["^/api", "a+$", ".", "(?i)API", "^$", "[[:alpha:]]", "\\\\d", "a.b", "ü", "(a|b)*x"]
UNION = 25
"""Filters of one SQL statement: planning one takes longer than reading a hundred rows."""

Row = Mapping[str, Any]
celpy.Environment()
"""The first one raises the recursion limit, which hypothesis must not see happen."""


@dataclass
class Data:
    """Rows in Python and the same rows as the table `sample` with the column `_row`: the position in `rows`."""

    catalogue: Catalogue
    rows: Sequence[Row]
    connection: duckdb.DuckDBPyConnection
    present: frozenset[str] | None = None
    engines: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("filters", "celpy", "google", "hits"), 0))

    @cached_property
    def values(self) -> dict[str, list[Any]]:
        """Some values of each field that has any."""
        found: dict[str, list[Any]] = {}
        for row in self.rows:
            for name, value in row.items():
                known = found.setdefault(name, [])
                if value is not None and len(known) < 40 and value not in known:
                    known.append(value)
        return found

    @cached_property
    def google(self) -> Any:
        """Google's CEL with a variable for each field, and `map_get`."""
        text, pairs = cel.Type.STRING, cel.Type.Map(cel.Type.STRING, cel.Type.STRING)
        overloads = [
            cel.Overload("map_get_2", text, [pairs, text], impl=lambda entries, key: entries.get(key, "")),
            cel.Overload("map_get_3", text, [pairs, text, text], impl=lambda found, key, other: found.get(key, other)),
        ]
        variables = {self.alias(one.name): _google_type(one.type) for one in self.catalogue}
        return cel.NewEnv(
            variables=variables,
            functions=[cel.FunctionDecl("map_get", overloads)],
            extensions=[ext_strings.ExtStrings()],
        )

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {name: f"f{number}" for number, name in enumerate(self.catalogue.names())}

    def alias(self, name: str) -> str:
        """Give the plain name of a field that other engines know it by."""
        return self._aliases[name]


def _google_type(kind: FieldType) -> Any:
    types = cel.Type
    return {
        FieldType.STRING: types.STRING,
        FieldType.INT: types.INT,
        FieldType.DOUBLE: types.DOUBLE,
        FieldType.BOOL: types.BOOL,
        FieldType.BYTES: types.BYTES,
        FieldType.TIMESTAMP: types.TIMESTAMP,
        FieldType.STRING_LIST: types.List(types.STRING),
        FieldType.STRING_MAP: types.Map(types.STRING, types.STRING),
    }[kind]


def disagreements(data: Data, texts: Sequence[str], checked_rows: int, celpy_each: int = 1) -> list[str]:
    """Run filters in all engines; one line for each that they don't agree on.

    checked_rows: rows that celpy and Google's CEL look at, half of them selected ones where there are such.
    celpy_each: every so many filters go to celpy, which takes milliseconds to parse one.
    """
    programs = [compile_filter(text, data.catalogue, present=data.present, now_ns=NOW_NS) for text in texts]
    found = _in_sql(data, programs)
    wrong = []
    for number, (program, in_sql) in enumerate(zip(programs, found, strict=True)):
        here = predicate(program.tree, NOW_NS)
        selected = {position for position, row in enumerate(data.rows) if here(row)}
        data.engines["filters"] += 1
        data.engines["hits"] += 0 < len(selected) < len(data.rows)
        if in_sql != selected:
            wrong.append(f"SQL: {program.text}\n{program.sql}\nonly SQL {in_sql - selected} not {selected - in_sql}")
        if lacking := [position for position in selected if _lacks(data.rows[position], program)]:
            wrong.append(f"needs: {program.text}\n{program.needs}\nselected without them {lacking}")
        again = compile_filter(program.canonical, data.catalogue, present=data.present, now_ns=NOW_NS)
        if (again.canonical, repr(again.sql)) != (program.canonical, repr(program.sql)):
            wrong.append(f"canonical form: {program.text}\n{program.canonical}")
        sample = _sample(selected, len(data.rows), checked_rows)
        if number % celpy_each == 0:
            wrong += _celpy_differs(data, program, selected, sample[:6])
        wrong += _google_differs(data, program, selected, sample)
    return wrong


def _lacks(row: dict[str, Any], program: Program) -> bool:
    """Tell whether a row has nothing of what one must have some of to be selected."""
    return any(all(row.get(name) is None for name in names) for names in program.needs)


def _in_sql(data: Data, programs: Sequence[Program]) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in programs]
    for first in range(0, len(programs), UNION):
        part = programs[first : first + UNION]
        sql = " UNION ALL ".join(
            f"SELECT {first + number}, _row FROM sample WHERE {one.sql.sql}" for number, one in enumerate(part)
        )
        parameters = [value for one in part for value in one.sql.parameters]
        for number, position in data.connection.execute(sql, parameters).fetchall():
            residual = programs[number].residual
            if residual is None or residual(data.rows[position]):
                found[number].add(position)
    return found


def _sample(selected: set[int], total: int, wanted: int) -> list[int]:
    """Give positions of selected rows and others in turn, spread over all of them."""
    if wanted >= total:
        return list(range(total))
    others = [position for position in range(total) if position not in selected]
    chosen: list[int] = []
    sides = [sorted(selected), others]
    for side in sides:
        step = max(1, len(side) // max(1, wanted // 2))
        chosen.append(0) if not side else None
        chosen += side[::step][: wanted // 2]
    half = len(chosen) // 2
    return list(
        dict.fromkeys(position for pair in zip(chosen[:half], chosen[half:], strict=False) for position in pair)
    )


def _celpy_differs(data: Data, program: Program, selected: set[int], sample: Sequence[int]) -> list[str]:
    try:
        reference = Reference(program.tree, NOW_NS)
    except UnsupportedError:
        return []
    data.engines["celpy"] += 1
    return [
        f"celpy: {program.text}\n{reference.text}\nrow {position}"
        for position in sample
        if reference.selects(data.rows[position]) != (position in selected)
    ]


def _google_differs(data: Data, program: Program, selected: set[int], sample: Sequence[int]) -> list[str]:
    """Compare with Google's CEL, but for comparisons of int with double, which it has not.

    Its Python binding cuts text and bytes at a null byte and passes timestamps in microseconds: such rows are left out.
    """
    tree = plain(program.tree, NOW_NS)
    text = canonical.write(tree, lambda found: data.alias(found.field.name))
    if "\\u0000" in text or any(_is_mixed(node) for node in walk(tree)):
        return []
    data.engines["google"] += 1
    expression = data.google.compile(text)
    wrong = []
    for position in sample:
        values = _google_values(data, program, data.rows[position])
        if values is None:
            continue
        value = expression.eval(data=values)
        if (value.type().name() == "BOOL" and value.value()) != (position in selected):
            wrong.append(f"Google's CEL: {program.text}\n{text}\nrow {position}")
    return wrong


def _is_mixed(node: Node) -> bool:
    return isinstance(node, Call) and {"int", "double"} <= {str(side.type) for side in node.arguments}


def _google_values(data: Data, program: Program, row: Row) -> dict[str, Any] | None:
    values = {}
    for name in program.columns:
        known = data.catalogue.get(name)
        assert known is not None
        value = known.missing_value if row.get(name) is None else row[name]
        if "\\x00" in repr(value):
            return None
        if known.type is FieldType.TIMESTAMP:
            if value % 1000:
                return None
            value = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 1000)
        values[data.alias(name)] = list(value) if isinstance(value, tuple) else value
    return values


class Chooser:
    """Where the generator's choices come from: a seeded generator of numbers here, hypothesis in a subclass."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def below(self, limit: int) -> int:
        """Give a number from 0, under `limit`."""
        return self._random.randrange(limit)

    def of(self, choices: Sequence[Any]) -> Any:
        """Give one of the choices."""
        return choices[self.below(len(choices))]


RULES = {
    "int": [
        "({int} {arithmetic} {int})",
        "size({string})",
        "size({list})",
        "-({int})",
        "({bool} ? {int} : {int})",
        "{timestamp}.getHours()",
        "{timestamp}.getFullYear()",
        "size({bytes})",
        "size({map})",
        "{string}.indexOf({string})",
    ],
    "string": [
        "({string} + {string})",
        "({bool} ? {string} : {string})",
        "{map}[{key}]",
        "map_get({map}, {key}, {string})",
        "string({int})",
        "{string}.lowerAscii()",
        "{string}.upperAscii()",
        "{string}.substring({position})",
        "{string}.charAt({position})",
        "{string}.replace({string}, {string})",
        "{string}.trim()",
        '{string}.split("/").join("-")',
    ],
    "timestamp": ["({timestamp} {sign} {duration})"],
    "duration": ["({timestamp} - {timestamp})"],
    "list": ["[{string}, {string}]", "{list}.filter(x, {x:bool})", "{list}.map(x, {x:string})"],
    "bool": [
        "({int} {order} {int})",
        "({string} {order} {string})",
        "({double} {order} {double})",
        "({bytes} {order} {bytes})",
        "({timestamp} {order} {timestamp})",
        "({duration} {order} {duration})",
        "({list} {equality} {list})",
        "({int} < {double})",
        "({double} >= {int})",
        "!({bool})",
        "({bool} && {bool})",
        "({bool} || {bool})",
        "({bool} || {bool} && !({bool}))",
        "({bool} ? {bool} : {bool})",
        "({int} in [{int}, {int}, 200])",
        "({string} in {list})",
        "({key} in {map})",
        "{string}.{test}({string})",
        '{string}.matches("{pattern}")',
        "{list}.{macro}(x, {x:bool})",
        "{map}.{macro}(x, {x:bool})",
        "{list}.{macro}(x, x.{test}({string}))",
    ]
    + ["{one}"] * 14,
}
_PATTERN = 500
"""Characters of a value that become a pattern: a longer one is refused, as it should be."""
_PART = re.compile(r"\{(?:(?P<local>x):)?(?P<kind>[a-z]+)\}")


class Generator:
    """Writes well-typed filters about the fields of a data set; half of the tests ask for values that it has."""

    def __init__(self, data: Data, choose: Chooser) -> None:
        self._choose = choose
        self._values = data.values
        self._fields: dict[FieldType, list[Field]] = {kind: [] for kind in FieldType}
        for one in data.catalogue:
            self._fields[one.type].append(one)
        self._leaves = _leaves(self._fields)

    def filter(self, depth: int) -> str:
        """Write a condition."""
        return self.expression("bool", depth)

    def filters(self, count: int, depth: int) -> Iterator[str]:
        """Write many."""
        return (self.filter(depth) for _ in range(count))

    def expression(self, kind: str, depth: int, local: str | None = None) -> str:
        """Write an expression of a kind; `local` is a loop variable that is in scope."""
        if kind == "one":
            return self._one()
        rules = RULES.get(kind, []) if depth > 0 else []
        if not rules or not self._choose.below(4):
            if local and kind == "string" and self._choose.below(2):
                return local
            return str(self._choose.of(self._leaves[kind]))

        def part(match: re.Match[str]) -> str:
            return self.expression(match["kind"], depth - 1, match["local"] or local)

        return _PART.sub(part, self._choose.of(rules))

    def _one(self) -> str:
        """Write a test of one field, as people write them, as a rule with a value that it has."""
        kinds = [kind for kind, fields in self._fields.items() if fields]
        chosen = self._choose.of(self._fields[self._choose.of(kinds)])
        values = self._values.get(chosen.name) or [chosen.missing_value]
        return _WRITERS[chosen.type](self, chosen.name, self._choose.of(values))

    def _text(self, name: str, value: str) -> str:
        at = self._choose.below(len(value) + 1)
        part = self._choose.of([value, value[:at], value[at:], value[at : at + 3], value.upper()])
        return self._choose.of(
            [
                f"{name} {self._choose.of(self._leaves['order'])} {write_literal(part)}",
                f"{name}.{self._choose.of(self._leaves['test'])}({write_literal(part)})",
                f'{name} in [{write_literal(value)}, {write_literal(part)}, ""]',
                f"{name}.matches({write_literal(re.escape(part[:_PATTERN]).replace(chr(0), '.'))})",
                f'{name}.lowerAscii().contains({write_literal(part.lower())}) && {name} != ""',
                f"!({name} {self._choose.of(self._leaves['equality'])} {write_literal(value)})",
            ]
        )

    def _number(self, name: str, value: float) -> str:
        near = self._choose.of([value, value + 1, value - 1, value * 2, 0, -value]) if abs(value) < 2**40 else value
        near = type(value)(near)
        order = self._choose.of(self._leaves["order"])
        return self._choose.of(
            [
                f"{name} {order} {write_literal(near)}",
                f"{write_literal(near)} {order} {name}",
                f"({name} > {write_literal(near)} && {name} <= {write_literal(value)})",
                f"{name} in [{write_literal(near)}, {write_literal(value)}]",
            ][: 3 if isinstance(value, float) else 4]
        )

    def _flag(self, name: str, value: bool) -> str:
        return self._choose.of([name, f"!{name}", f"{name} == {write_literal(value)}", f"{name} != true"])

    def _bytes(self, name: str, value: bytes) -> str:
        return f"{name} {self._choose.of(self._leaves['order'])} {write_literal(value)}"

    def _time(self, name: str, value: int) -> str:
        stamp = f"timestamp({value // 10**9})"
        shift = self._choose.of(["", ' + duration("1ms")', ' - duration("1.5h")'])
        return f"{name} {self._choose.of(self._leaves['order'])} {stamp}{shift}"

    def _list(self, name: str, value: Sequence[str]) -> str:
        item = write_literal(self._choose.of([*value, "a", ""]) or "")
        return self._choose.of(
            [
                f"{item} in {name}",
                f"!({item} in {name})",
                f"{name}.exists(x, x.{self._choose.of(self._leaves['test'])}({item}))",
                f"{name}.all(x, x != {item})",
                f"size({name}) {self._choose.of(self._leaves['order'])} {len(value)}",
                f"({name}.size() > 0 && {name}[0] == {item})",
            ]
        )

    def _map(self, name: str, value: Mapping[str, str]) -> str:
        key = self._choose.of([*value, "a"])
        text = write_literal(value.get(key) or "")
        quoted_key = write_literal(key)
        return self._choose.of(
            [
                f"{quoted_key} in {name}",
                f"{name}[{quoted_key}] {self._choose.of(self._leaves['order'])} {text}",
                f"({quoted_key} in {name} && {name}[{quoted_key}].{self._choose.of(self._leaves['test'])}({text}))",
                f'map_get({name}, {quoted_key}, "none") == {text}',
                f"{name}.exists(x, x.startsWith({write_literal(key[:2])}))",
            ]
        )


_WRITERS: dict[FieldType, Callable[[Generator, str, Any], str]] = {
    FieldType.STRING: Generator._text,
    FieldType.INT: Generator._number,
    FieldType.DOUBLE: Generator._number,
    FieldType.BOOL: Generator._flag,
    FieldType.BYTES: Generator._bytes,
    FieldType.TIMESTAMP: Generator._time,
    FieldType.STRING_LIST: Generator._list,
    FieldType.STRING_MAP: Generator._map,
}


def _leaves(fields: Mapping[FieldType, Sequence[Field]]) -> dict[str, list[str]]:
    """Give the smallest expressions of each kind; fields are about as frequent as constants."""
    names = {kind: [one.name for one in found] for kind, found in fields.items()}

    def both(constants: Sequence[Any], kind: FieldType) -> list[str]:
        own, written = names[kind], [write_literal(value) for value in constants]
        return written + own * max(1, len(written) * 2 // max(1, len(own)))

    times = names[FieldType.TIMESTAMP]
    return {
        "string": both(TEXTS, FieldType.STRING),
        "key": [write_literal(text) for text in ("a", "host", "Host", "", "ü", "name")],
        "int": both(INTS, FieldType.INT),
        "double": both(DOUBLES, FieldType.DOUBLE),
        "bytes": both(BYTES, FieldType.BYTES),
        "timestamp": [*times * 2, "now()", 'timestamp("2023-11-14T22:13:20Z")'],
        "position": ["0", "1", "3"],
        "duration": ['duration("5m")', 'duration("-1.5s")', 'duration("200000h")'],
        "list": names[FieldType.STRING_LIST],
        "map": names[FieldType.STRING_MAP],
        "bool": [
            *names[FieldType.BOOL] * 2,
            "true",
            "false",
            *(f"has({name}.a)" for name in names[FieldType.STRING_MAP]),
        ],
        "arithmetic": ["+", "-", "*", "/", "%"],
        "sign": ["+", "-"],
        "order": ["==", "!=", "<", "<=", ">", ">="],
        "equality": ["==", "!="],
        "macro": ["exists", "all", "exists_one"],
        "test": ["contains", "startsWith", "endsWith"],
        "pattern": PATTERNS,
    }
