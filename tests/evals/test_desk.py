"""The desk: estimates of tokens, and dissections that take longer than one call waits."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from evals import desk as desks
from evals.desk import DataSet, Desk, SetUpError, rough_tokens


class Client:
    """Gives prepared facts in order, under the tool's name."""

    def __init__(self, *facts):
        self.facts = list(facts)

    async def call_tool(self, tool, arguments):
        text = SimpleNamespace(type="text", text=f"{tool} {sorted(arguments)}")
        return SimpleNamespace(content=[text], meta={"kubeshark/facts": self.facts.pop(0)}, is_error=False)


@pytest.fixture
def desk(monkeypatch):
    monkeypatch.setattr(desks, "POLL_SECONDS", 0)
    return lambda *facts: Desk(Client({"id": "s"}, *facts), DataSet("none", ()))


async def test_a_dissection_that_one_call_waits_for_is_asked_for_once(desk):
    asked = desk({"status": "completed", "db": "s/default"})
    assert await asked.dissect() == "s/default"
    assert [each.tool for each in asked.replies] == ["create_snapshot", "start_snapshot_dissection"]


async def test_a_long_dissection_is_waited_for_and_only_the_last_look_is_kept(desk):
    under_way = {"status": "running", "db": "s/default"}
    asked = desk(under_way, {"status": "pending"}, under_way, {"status": "completed", "db": "s/default"})
    assert await asked.dissect() == "s/default"
    assert [each.tool for each in asked.replies] == [
        "create_snapshot",
        "start_snapshot_dissection",
        "get_snapshot_dissection_status",
    ]
    assert asked.replies[-1].facts["status"] == "completed"


async def test_a_dissection_that_fails_or_never_ends_is_a_set_up_error(desk, monkeypatch):
    with pytest.raises(SetUpError, match="none was not dissected: start_snapshot_dissection"):
        await desk({"status": "failed"}).dissect()
    monkeypatch.setattr(desks, "DISSECTION_SECONDS", -1)
    with pytest.raises(SetUpError, match="none was not dissected"):
        await desk({"status": "running"}).dissect()


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("status", 1), ("statuses", 2), ("12345", 2), ("a|b\nc", 5), ("::::=", 2)]
)
def test_tokens_are_estimated_by_letters_digits_signs_and_lines(text, tokens):
    assert rough_tokens(text) == tokens
