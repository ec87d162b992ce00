"""How much an answer shows, and how to get the rest."""

from __future__ import annotations


def shown_of(shown: int, total: int, noun: str, cursor: str | None = None) -> str:
    """Say `12 of 340 calls, next: cursor=abc`, or `12 calls` when that is all of them."""
    word = noun if total != 1 else _singular(noun)
    if cursor:
        return f"{shown:,} of {total:,} {word}, next: cursor={cursor}"
    return f"{total:,} {word}" if shown == total else f"{shown:,} of {total:,} {word}"


def _singular(noun: str) -> str:
    return noun.removesuffix("es") if noun.endswith(("sses", "xes")) else noun.removesuffix("s")
