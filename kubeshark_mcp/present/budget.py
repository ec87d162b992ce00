"""Answers of bounded length: as many lines as a budget of tokens holds, and the others counted."""

from __future__ import annotations

from collections.abc import Sequence

from kubeshark_mcp.present.tokens import rough_tokens

BUDGET = 1200
"""Rough tokens of an answer, all in all."""
RESERVE = 200
"""Tokens kept free for the lines around: window, next calls, fences."""


def fitting(lines: Sequence[str], more: str, budget: int = BUDGET - RESERVE) -> list[str]:
    """Give the first lines that fit, at least one; more: what to say of the others, with `{}` for their number."""
    kept: list[str] = []
    used = 0
    for line in lines:
        used += rough_tokens(line) + 1
        if used > budget and kept:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    return [*kept, *([more.format(f"{left:,}")] if left else [])]
