from __future__ import annotations

from kubeshark_mcp.analyse.mechanisms import MEANINGS, Mechanism


def test_every_mechanism_has_one_line_that_says_what_it_means() -> None:
    assert set(MEANINGS) == set(Mechanism)
    assert all(meaning and not meaning.endswith(".") for meaning in MEANINGS.values())
