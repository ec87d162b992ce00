"""How much of a model's attention a text takes, roughly."""

from __future__ import annotations

import re

_PIECES = re.compile(r"([^\W\d_]+)|(\d+)|([^\w\s]+|_+)|(\n[\s]*)")


def rough_tokens(text: str) -> int:
    """Estimate the tokens of a text without a tokenizer.

    Counts pieces as byte-pair encodings cut them: a word is a token for each six letters begun, digits go in threes,
    signs in fours, letters outside ASCII are one each.
    """
    count = 0
    for word, digits, signs, newline in _PIECES.findall(text):
        if word:
            count += -(-len(word) // 6) if word.isascii() else len(word)
        elif digits:
            count += -(-len(digits) // 3)
        elif signs:
            count += -(-len(signs) // 4)
        elif newline:
            count += 1
    return count
