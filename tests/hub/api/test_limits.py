"""How much at once, how large, how long."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request

from kubeshark_mcp.hub.api.failures import RefusedError
from kubeshark_mcp.hub.api.limits import Slots, read_body, within


def request(*messages: dict, headers: tuple = ()) -> Request:
    left = list(messages)

    async def receive():
        if left:
            return left.pop(0)
        await asyncio.Event().wait()

    return Request({"type": "http", "method": "POST", "headers": list(headers)}, receive)


def test_a_place_is_free_again_after_a_failure():
    slots = Slots(1, "calls")
    with pytest.raises(ValueError), slots.one():
        raise ValueError
    with slots.one(), pytest.raises(RefusedError, match="limit of 1 calls") as caught, slots.one():
        raise AssertionError
    assert (caught.value.status, slots.taken) == (503, 0)


async def test_a_body_is_read_in_parts_up_to_its_limit():
    part = {"type": "http.request", "body": b"x" * 6, "more_body": True}
    last = {"type": "http.request", "body": b"y", "more_body": False}
    assert await read_body(request(part, last), 7) == b"xxxxxxy"
    with pytest.raises(RefusedError, match="larger than the 6 bytes"):
        await read_body(request(part, last), 6)


@pytest.mark.parametrize("declared", [b"99", b"9" * 18])
async def test_a_body_that_says_it_is_too_large_is_not_read(declared):
    with pytest.raises(RefusedError):
        await read_body(request(headers=((b"content-length", declared),)), 10)


async def test_the_work_of_a_client_that_left_is_ended():
    ended = asyncio.Event()

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(RefusedError, match="The client left"):
        await within(30, request({"type": "http.disconnect"}), work())
    assert ended.is_set()


async def test_work_that_is_done_in_time_gives_its_result_or_its_error():
    async def work(fails):
        if fails:
            raise KeyError("x")
        return 7

    assert await within(5, request(), work(False)) == 7
    with pytest.raises(KeyError):
        await within(5, request(), work(True))
