"""Pages of calls that are kept: for the same question about the same data, and for nothing else."""

from __future__ import annotations

import pytest
from fake_hub import FakeHub
from hub_server import asking, call

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.api import ApiSettings, kept
from kubeshark_mcp.hub.api.kept import KeptPages
from kubeshark_mcp.present.redaction import Redactor


class Dated(FakeHub):
    """A Hub whose data have an edition."""

    def __init__(self, edition: str = "1", **options: bool) -> None:
        super().__init__(**options)
        self.now = edition

    async def edition(self, database: str) -> str:
        return self.now

    def count(self) -> int:
        return sum(name == "calls" for name, _ in self.asked)


QUESTION = {"db": "s1/main", "kfl": "http", "limit": 2}


async def test_a_page_is_made_once_for_all_who_ask_the_same():
    hub = Dated()
    async with asking(hub) as client:
        first = await call(client, "list_api_calls", **QUESTION)
        assert [await call(client, "list_api_calls", **dict(reversed(QUESTION.items()))) for _ in range(2)] == [
            first
        ] * 2
        assert hub.count() == 1
        for other in ({"limit": 3}, {"kfl": "dns"}, {"format": "raw"}, {"cursor": "page2"}, {"newest_first": True}):
            await call(client, "list_api_calls", **{**QUESTION, **other})
        assert hub.count() == 6
        assert (await client.get("/api/calls", params={"db": "s1/main", "kfl": "http", "limit": "2"})).json() == first


async def test_a_page_of_other_data_is_made_anew():
    hub = Dated()
    async with asking(hub) as client:
        for edition, asked in (("1", 1), ("2", 2), ("2", 2), ("", 3), ("", 4), ("2", 4)):
            hub.now = edition
            await call(client, "list_api_calls", **QUESTION)
            assert hub.count() == asked


async def test_what_changes_while_it_is_read_is_not_kept():
    class Changing(Dated):
        async def calls(self, query: c.CallQuery) -> c.CallPage:
            found = await super().calls(query)
            self.now += "x"
            return found

    hub = Changing()
    async with asking(hub) as client:
        for _ in range(2):
            await call(client, "list_api_calls", **QUESTION)
            hub.now = "1"
    assert hub.count() == 2


async def test_an_empty_page_is_explained_each_time_and_a_failure_is_told_each_time():
    class Failing(Dated):
        async def calls(self, query: c.CallQuery) -> c.CallPage:
            await super().calls(query)
            raise NotFoundError("gone")

    for hub in (Dated(empty=True), Failing()):
        async with asking(hub) as client:
            for _ in range(2):
                answer = await client.post(
                    "/api/mcp/tools/call", json={"name": "list_api_calls", "arguments": QUESTION}
                )
                assert ("empty" in answer.text) == hub.empty
        assert hub.count() == 2


@pytest.mark.parametrize(
    ("arguments", "is_kept"),
    [
        ({"db": "s1/main"}, True),
        ({"db": "s1/main", "start": 1793538000000, "end": "2026-11-01T13:10:00.5+01:00"}, True),
        ({"db": "s1/main", "start": "-15m"}, False),
        ({"db": "s1/main", "end": "now"}, False),
        ({"db": "s1/main", "start": "2026-11-01T13:10:00"}, False),
        ({"db": "s1/main", "kfl": "timestamp > now() - duration('5m')"}, False),
        ({"db": "s1/main", "kfl": "timestamp > now // \n ()"}, False),
        ({"db": "s1/main", "kfl": 7}, False),
        ({"db": 7}, False),
        ({"snapshot_id": "s1"}, False),
        ({}, False),
    ],
)
async def test_only_a_question_that_means_the_same_tomorrow_is_kept(arguments, is_kept):
    pages = KeptPages(Dated())
    assert (await pages.key("list_api_calls", arguments) is not None) == is_kept
    assert await pages.key("get_api_stats", arguments) is None


async def test_a_hub_that_cannot_tell_its_data_apart_is_asked_each_time():
    hub = FakeHub()
    async with asking(hub) as client:
        for _ in range(3):
            await call(client, "list_api_calls", **QUESTION)
    assert [name for name, _ in hub.asked] == ["calls"] * 3


async def test_what_is_kept_is_redacted():
    hub = Dated()
    async with asking(hub, ApiSettings(redactor=Redactor(b"k" * 32))) as client:
        answers = [str(await call(client, "list_api_calls", **QUESTION)) for _ in range(2)]
    assert answers[0] == answers[1]
    assert "redacted" in answers[1]
    assert "hunter2-secret" not in answers[1]


async def test_the_room_is_bounded(monkeypatch):
    monkeypatch.setattr(kept, "KEPT_BYTES", 10)
    monkeypatch.setattr(kept, "LARGEST", 8)
    pages = KeptPages(Dated())
    keys = [await pages.key("list_api_calls", {"db": "s1/main", "limit": limit}) for limit in (1, 2, 3)]
    for limit, (key, body) in enumerate(zip(keys, (b"sixsix", b"twelve bytes", b"six666"), strict=True), 1):
        await pages.keep("list_api_calls", {"db": "s1/main", "limit": limit}, key, body)
    assert [pages.known(key) for key in keys] == [None, None, b"six666"]


async def test_pages_of_a_dissection_go_with_it(incident):
    question = {"db": incident.database, "kfl": "http && status_code >= 500", "limit": 5}
    async with asking(incident.hub) as client:
        answers = [await call(client, "list_api_calls", **question) for _ in range(4)]
        assert answers == [answers[0]] * 4
        assert len(answers[0]["calls"]) == 5
        folder = incident.workspace / "snapshots" / incident.snapshot / "dissections" / "default"
        folder.rename(folder.with_name("moved"))
        try:
            answer = await client.post("/api/mcp/tools/call", json={"name": "list_api_calls", "arguments": question})
            assert answer.status_code == 404
        finally:
            folder.with_name("moved").rename(folder)
        assert await call(client, "list_api_calls", **question) == answers[0]
