"""A token is renewed in time, never given when expired, and a failed attempt is not repeated at once."""

from __future__ import annotations

from cluster_fakes import Clock

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.cluster.tokens import Minted, Tokens


class Mint:
    def __init__(self, seconds: float = 3600) -> None:
        self.count = 0
        self.seconds = seconds
        self.broken = False

    async def __call__(self) -> Minted:
        self.count += 1
        if self.broken:
            raise HubError("You may not.")
        return Minted(f"token-{self.count}", self.seconds)


async def test_a_token_serves_until_five_minutes_before_its_end():
    mint, clock = Mint(), Clock()
    tokens = Tokens(mint, clock)
    assert await tokens.get() == "token-1"
    clock.now += 3299
    assert await tokens.get() == "token-1"
    clock.now += 2
    assert await tokens.get() == "token-2"


async def test_after_a_failed_attempt_there_is_a_pause_of_30_seconds():
    mint, clock = Mint(), Clock()
    mint.broken = True
    tokens = Tokens(mint, clock)
    assert await tokens.get() is None
    clock.now += 29
    assert await tokens.get() is None
    assert mint.count == 1
    assert tokens.problem() == "You may not. The next attempt is made in 1 s."
    clock.now += 2
    mint.broken = False
    assert await tokens.get() == "token-2"
    assert tokens.problem() == ""


async def test_the_old_token_serves_while_renewal_fails_but_not_past_its_end():
    mint, clock = Mint(), Clock()
    tokens = Tokens(mint, clock)
    await tokens.get()
    mint.broken = True
    clock.now += 3400
    assert await tokens.get() == "token-1"
    clock.now += 201
    assert await tokens.get() is None


async def test_a_shortened_token_is_renewed_at_half_its_time():
    mint, clock = Mint(200), Clock()
    tokens = Tokens(mint, clock)
    await tokens.get()
    clock.now += 99
    assert await tokens.get() == "token-1"
    clock.now += 2
    assert await tokens.get() == "token-2"


async def test_a_refused_token_is_replaced_and_secrets_are_not_printed():
    mint, clock = Mint(), Clock()
    tokens = Tokens(mint, clock)
    await tokens.get()
    tokens.refuse()
    assert await tokens.get() == "token-2"
    assert "token-" not in repr(Minted("token-x", 1))
