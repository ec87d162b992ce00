"""Budgets of steps, tokens and money, and what tokens cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evals.outcomes import Cost

PRICES = {
    "claude-opus-4-1": (15.0, 75.0),
    "claude-opus-4-5": (5.0, 25.0),
    "claude-sonnet-4": (3.0, 15.0),
    "claude-haiku-4-5": (1.0, 5.0),
}
"""USD for a million tokens in and out, by the beginning of a model's name; the longest that fits counts."""
UNKNOWN_PRICE = (15.0, 75.0)
CACHE_WRITE, CACHE_READ = 1.25, 0.1
"""Factors on the price of input for tokens that a cache takes or gives."""


class LimitError(Exception):
    """A budget of one case is spent; its text says which."""


class MoneySpentError(Exception):
    """The money of the whole run is spent; cases that are left are not asked."""


def price(model: str) -> tuple[float, float]:
    """USD for a million tokens in and out. A model that is not known counts as the dearest, never as free."""
    fitting = [name for name in PRICES if model.startswith(name)]
    return PRICES[max(fitting, key=len)] if fitting else UNKNOWN_PRICE


def cost_of_usage(prices: tuple[float, float], usage: Any) -> float:
    """USD of one answer of the API, from its `usage`."""
    asked, answered = prices
    written = getattr(usage, "cache_creation_input_tokens", 0) or 0
    read = getattr(usage, "cache_read_input_tokens", 0) or 0
    tokens_in = usage.input_tokens + CACHE_WRITE * written + CACHE_READ * read
    return float((tokens_in * asked + usage.output_tokens * answered) / 1e6)


@dataclass(slots=True)
class Purse:
    """The money of a run, shared by all conversations. USD."""

    most: float
    spent: float = 0.0

    def check(self) -> None:
        """Refuse to go on without money."""
        if self.spent >= self.most:
            raise MoneySpentError(f"${self.spent:.2f} of ${self.most:.2f} are spent")


@dataclass(slots=True)
class Meter:
    """What one conversation takes, and may take."""

    model: str
    purse: Purse
    steps: int
    tokens: int
    cost: Cost = field(default_factory=Cost)
    turns: int = 0
    prices: tuple[float, float] | None = None

    def before_turn(self) -> None:
        """Refuse another turn beyond a budget."""
        self.purse.check()
        if self.turns >= self.steps:
            raise LimitError(f"{self.steps} turns are spent without an answer")
        if self.cost.input_tokens + self.cost.output_tokens >= self.tokens:
            raise LimitError(f"{self.tokens:,} tokens are spent without an answer")
        self.turns += 1

    def after_turn(self, usage: Any) -> None:
        """Count what a turn took."""
        cached = (getattr(usage, "cache_creation_input_tokens", 0) or 0) + (
            getattr(usage, "cache_read_input_tokens", 0) or 0
        )
        money = cost_of_usage(self.prices or price(self.model), usage)
        self.cost.input_tokens += usage.input_tokens + cached
        self.cost.output_tokens += usage.output_tokens
        self.cost.money += money
        self.purse.spent += money
