"""The loops of CEL's macros: all, exists, exists_one, map, filter. Source: CEL specification, "Macros"."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kubeshark_mcp.kfl.diagnostics import EvaluationError
from kubeshark_mcp.kfl.values import key_value, no_overload

_Evaluate = Callable[[Mapping[str, Any], list[Any]], Any]
_Loop = Callable[[_Evaluate, int, _Evaluate, _Evaluate | None], _Evaluate]


def _items(value: Any, frame: list[Any], slot: int) -> Iterator[Any]:
    """Put each item into its slot of the frame in turn, and count the steps."""
    if type(value) is dict:
        value = [key_value(key) for key in value]
    elif type(value) is not list:
        raise no_overload("macro", value)
    for item in value:
        frame[0] -= 1
        if frame[0] < 0:
            raise EvaluationError("too many loop steps: narrow the lists that the macros go over")
        frame[slot] = item
        yield item


def _weight(value: Any) -> int:
    """Give the steps that keeping a value costs, so that lists of long lists stay small."""
    kind = type(value)
    return len(value) if kind in {list, dict} else len(value) // 64 if kind in {str, bytes} else 0


def _truth(value: Any, macro: str) -> bool:
    if type(value) is not bool:
        raise no_overload(macro, value)
    return value


def _absorbing(decisive: bool) -> _Loop:
    """`exists` ends with the first true, `all` with the first false; an error counts only if nothing decides."""

    def loop(target: _Evaluate, slot: int, body: _Evaluate, _condition: _Evaluate | None) -> _Evaluate:
        def run(row: Mapping[str, Any], frame: list[Any]) -> bool:
            error: EvaluationError | None = None
            for _ in _items(target(row, frame), frame, slot):
                try:
                    if _truth(body(row, frame), "exists" if decisive else "all") is decisive:
                        return decisive
                except EvaluationError as raised:
                    error = error or raised
            if error is not None:
                raise error
            return not decisive

        return run

    return loop


def _exists_one(target: _Evaluate, slot: int, body: _Evaluate, _condition: _Evaluate | None) -> _Evaluate:
    def run(row: Mapping[str, Any], frame: list[Any]) -> bool:
        items = _items(target(row, frame), frame, slot)
        return sum(_truth(body(row, frame), "exists_one") for _ in items) == 1

    return run


def _map(target: _Evaluate, slot: int, body: _Evaluate, condition: _Evaluate | None) -> _Evaluate:
    def run(row: Mapping[str, Any], frame: list[Any]) -> list[Any]:
        made: list[Any] = []
        for _ in _items(target(row, frame), frame, slot):
            if condition is None or _truth(condition(row, frame), "map"):
                made.append(body(row, frame))
                frame[0] -= _weight(made[-1])
        return made

    return run


def _filter(target: _Evaluate, slot: int, body: _Evaluate, _condition: _Evaluate | None) -> _Evaluate:
    def run(row: Mapping[str, Any], frame: list[Any]) -> list[Any]:
        return [item for item in _items(target(row, frame), frame, slot) if _truth(body(row, frame), "filter")]

    return run


MACRO_LOOPS: dict[str, _Loop] = {
    "exists": _absorbing(True),
    "all": _absorbing(False),
    "exists_one": _exists_one,
    "map": _map,
    "filter": _filter,
}
