from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

import httpx2
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import served_hub


@pytest.mark.parametrize("fresh", [False, True])
async def test_clients_ask_what_was_asked_before_or_what_nobody_asked(fresh: bool):
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(json.loads(request.content)["arguments"]["kfl"])
        return httpx2.Response(200, json={})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer), base_url="http://hub") as client:
        taken = await served_hub.load(client, "s/d", 3, 0.2, fresh)
    assert len(taken) == len(asked) > len(served_hub.FILTERS)
    assert len(set(asked)) == (len(asked) if fresh else len(served_hub.FILTERS))
    assert all(text.startswith(served_hub.FILTERS) for text in asked)


def test_a_line_tells_who_asked_what_beside_what():
    taken = [0.010] * 90 + [0.200] * 10
    assert served_hub.line(32, True, False, taken, 5.0, 0.0042) == (
        "| 32 | beside a dissection | asked before | 20 | 10 | 200 | 4.2 |"
    )
    assert served_hub.line(1, False, True, taken, 5.0, 1.0).startswith("| 1 | alone | new |")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_the_cpu_time_of_a_process_grows_and_of_none_is_unknown():
    before = served_hub.cpu_seconds(os.getpid())
    while (now := served_hub.cpu_seconds(os.getpid())) == before:
        sum(range(100_000))
    assert now > before > 0
    assert math.isnan(served_hub.cpu_seconds(2**22 + 1))
