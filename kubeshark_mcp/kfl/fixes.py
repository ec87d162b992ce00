"""What the checker says about a mistake, and the text that would correct it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubeshark_mcp.kfl import library
from kubeshark_mcp.kfl.catalogue import Catalogue
from kubeshark_mcp.kfl.conversions import CONVERSIONS
from kubeshark_mcp.kfl.diagnostics import EvaluationError, quoted
from kubeshark_mcp.kfl.literals import write_literal
from kubeshark_mcp.kfl.overloads import CEL_TYPES, Overloads
from kubeshark_mcp.kfl.regex import searcher
from kubeshark_mcp.kfl.suggest import closest
from kubeshark_mcp.kfl.times import parse_duration
from kubeshark_mcp.kfl.tree import Call, FieldRef, Literal, Node
from kubeshark_mcp.kfl.types import BOOL, DOUBLE, DURATION, INT, NULL, NUMBERS, STRING, TIMESTAMP, UINT, Type


@dataclass(frozen=True, slots=True)
class Fix:
    """A sentence about a mistake.

    replacement: text that corrects the filter when it takes the place of the span. suggestion: what to show where there
    is no such text. span: where the mistake is, when that is not the whole node.
    """

    message: str
    replacement: str | None = None
    suggestion: str | None = None
    span: tuple[int, int] | None = None


def a_type(kind: Type) -> str:
    """Name a type in a sentence: `an int`, `a string`."""
    return f"{'an' if kind.name[0] in 'aeiou' and kind != UINT else 'a'} {kind}"


def unknown_name(catalogue: Catalogue, names: Sequence[str], chain: Sequence[Node], text: str) -> Fix:
    """Explain a name that is not a field, with the field that was probably meant."""
    for length in range(len(names), 0, -1):
        name = ".".join(names[:length])
        meant = catalogue.suggest(name)
        if meant is not None:
            span = (chain[0].start, chain[length - 1].end)
            unit = " `elapsed_time` is in microseconds." if meant == "elapsed_time" else ""
            return Fix(f"{quoted(name)} is not a field.{unit}", replacement=meant, span=span)
    name = ".".join(names)
    for length in range(len(names), 0, -1):
        below = catalogue.below(".".join(names[:length]))
        if below:
            message = f"{quoted(name)} is not a field; below {quoted('.'.join(names[:length]))} there are these."
            return Fix(message, suggestion=", ".join(below[:12]))
    message = f"{quoted(name)} is not a field. Use a field of the catalogue, or put text in quotes."
    is_compared = text[: chain[0].start].rstrip().endswith(("==", "!=", "[", ","))
    constant = write_literal(name) if len(names) == 1 and is_compared else None
    return Fix(message, replacement=constant, span=(chain[0].start, chain[-1].end))


def has_of_field(found: Node) -> Fix:
    """Explain that `has` is about keys of maps; a field is always there."""
    name = found.field.name if isinstance(found, FieldRef) else "it"
    condition = _non_default(name, found.type)
    message = (
        f"`has` asks for a key of a map; the field {quoted(name)} is always there, with a default when it is not set."
    )
    return Fix(message, replacement=condition)


def _non_default(text: str, kind: Type) -> str | None:
    if kind == STRING:
        return f'{text} != ""'
    if kind in {INT, UINT, DOUBLE}:
        return f"{text} != {'0' if kind == INT else '0u' if kind == UINT else '0.0'}"
    if kind.name in {"list", "map", "bytes"}:
        return f"size({text}) > 0"
    return text if kind == BOOL else None


def truth_of(text: str, node: Node) -> Fix:
    """Explain that a condition is needed where a value stands."""
    given = text[node.start : node.end]
    message = f"A condition (bool) must stand here; {quoted(given)} is {a_type(node.type)}."
    if isinstance(node, Literal):
        return Fix(message)
    return Fix(message, replacement=_non_default(given, node.type))


def mismatch(operation: str, wrong: Node, wanted: Type, text: str, other: Node | None = None) -> Fix:
    """Explain a value of the wrong type; a constant is rewritten where it has a counterpart of the right type."""
    given = text[wrong.start : wrong.end]
    subject = f"{quoted(text[other.start : other.end])} is {a_type(wanted)}" if other else f"{a_type(wanted)} is needed"
    if wrong.type == NULL:
        message = f"Nothing is null in KFL: a field that is not set has its default. {subject}; compare with that."
        return Fix(message, replacement=_default_text(wanted))
    sentence = f"{subject}, but {quoted(given)} is {a_type(wrong.type)}: `{operation}` takes two of one type."
    if isinstance(wrong, Literal):
        return Fix(sentence, replacement=_counterpart(wrong.value, wanted))
    if wrong.type == DURATION and wanted == INT and isinstance(wrong, Call) and isinstance(wrong.arguments[0], Literal):
        microseconds = parse_duration(wrong.arguments[0].value).ns // 1000
        return Fix(f"{sentence} Durations are whole microseconds there.", replacement=str(microseconds))
    if wrong.type in NUMBERS and wanted in NUMBERS:
        return Fix(sentence, replacement=f"{wanted}({given})")
    return Fix(sentence)


def _default_text(wanted: Type) -> str | None:
    return {"string": '""', "int": "0", "double": "0.0", "bool": "false", "timestamp": "timestamp(0)"}.get(wanted.name)


def _counterpart(value: object, wanted: Type) -> str | None:
    """Write a constant as another type: `"500"` as `500`, `5` as `"5"`, `"2025-01-01T00:00:00Z"` as a timestamp."""
    if wanted == STRING and isinstance(value, int | float):
        return write_literal(str(value).lower() if isinstance(value, bool) else str(value))
    if isinstance(value, int) and wanted == BOOL:
        return "true" if value else "false"
    if wanted == TIMESTAMP and type(value) is int:
        return f"timestamp({value})"
    kinds = CONVERSIONS.get(wanted.name, {})
    overload = kinds.get((type(value),))
    if overload is None or isinstance(value, float):
        return None
    try:
        converted = overload.function(value)
    except EvaluationError:
        return None
    if wanted.name in {"timestamp", "duration"}:
        return f"{wanted.name}({write_literal(value)})"
    return write_literal(converted)


def constant_mistake(function: str, children: tuple[Node, ...]) -> Fix | None:
    """Find the constant argument that can only fail: a bad time, duration, number or regular expression."""
    last = children[-1] if children else None
    if not isinstance(last, Literal) or type(last.value) is not str:
        return None
    try:
        if function == "matches" and len(children) == 2:
            searcher(last.value)
        elif function in CONVERSIONS and len(children) == 1:
            overload = CONVERSIONS[function].get((str,))
            if overload is not None:
                overload.function(last.value)
    except EvaluationError as error:
        return Fix(f"{error}.".replace("..", "."), span=(last.start, last.end))
    return None


_OTHER_NAMES = {
    "startswith": "startsWith",
    "starts_with": "startsWith",
    "hasPrefix": "startsWith",
    "endswith": "endsWith",
    "ends_with": "endsWith",
    "hasSuffix": "endsWith",
    "includes": "contains",
    "like": "contains",
    "regex": "matches",
    "match": "matches",
    "len": "size",
    "length": "size",
    "count": "size",
    "lower": "lowerAscii",
    "tolower": "lowerAscii",
    "upper": "upperAscii",
    "toupper": "upperAscii",
    "any": "exists",
    "get": "map_get",
    "strip": "trim",
}


def unknown_function(node: Call, text: str) -> Fix:
    """Explain a function that does not exist, with the one that was probably meant."""
    name = node.function
    table = library.FUNCTIONS if node.target is None else library.METHODS
    other = library.METHODS if node.target is None else library.FUNCTIONS
    if name in other and node.target is None and node.arguments:
        first = text[node.arguments[0].start : node.arguments[0].end]
        return Fix(f"{quoted(name)} is a member function: write `{first}.{name}(…)`.")
    if name in other and node.target is not None:
        return Fix(
            f"{quoted(name)} is a global function: write `{name}({text[node.target.start : node.target.end]}, …)`."
        )
    start = text.find(name, node.start if node.target is None else node.target.end)
    meant = _OTHER_NAMES.get(name) or _OTHER_NAMES.get(name.lower()) or closest(name, table)
    return Fix(f"{quoted(name)} is not a function of KFL.", replacement=meant, span=(start, start + len(name)))


def no_overload(node: Call, overloads: Overloads, children: Iterable[Node], text: str) -> Fix:
    """Explain that a function or operator exists, but not for these types."""
    given = ", ".join(str(child.type) for child in children)
    name = node.function.removesuffix("_")
    known = [", ".join(str(CEL_TYPES[kind].name) for kind in types) for types in overloads]
    shown = " or ".join(f"({types})" for types in known[:6])
    return Fix(f"{quoted(name)} takes {shown}; it was given ({given}).", span=_span(node, text))


def _span(node: Call, text: str) -> tuple[int, int]:
    if node.target is None:
        return node.start, node.end
    start = text.find(node.function, node.target.end)
    return start, node.end
