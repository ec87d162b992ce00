"""Who may ask."""

from __future__ import annotations

import pytest
from fake_hub import FakeHub
from hub_server import asking

from kubeshark_mcp.hub.api import ApiSettings

TOKEN = "correct-horse-battery"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8898", 200), ("localhost", 200), ("[::1]:8898", 200), ("LOCALHOST.:1", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("127.0.0.1@evil.example", 421), ("[", 421), ("", 421),
    ],
)  # fmt: skip
async def test_a_server_on_loopback_answers_to_loopback_names_only(host, status):
    async with asking(FakeHub()) as client:
        assert (await client.get("/api/mcp", headers={"Host": host})).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://localhost:5173", 200), ("http://evil.example", 403), ("null", 403), ("https://127.0.0.1", 200)],
)
async def test_pages_from_elsewhere_are_refused(origin, status):
    async with asking(FakeHub()) as client:
        assert (await client.get("/api/mcp", headers={"Origin": origin})).status_code == status


async def test_a_permitted_name_is_answered():
    async with asking(FakeHub(), ApiSettings(allowed_hosts=("hub.lan",))) as client:
        assert (await client.get("/api/mcp", headers={"Host": "hub.lan:80"})).status_code == 200
        assert (await client.get("/api/mcp", headers={"Host": "other.lan"})).status_code == 421


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Kubeshark-Authorization": TOKEN}, 200),
        ({"X-Kubeshark-Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": f"bearer  {TOKEN} "}, 200),
        ({}, 401),
        ({"X-Kubeshark-Authorization": TOKEN[:-1]}, 401),
        ({"X-Kubeshark-Authorization": TOKEN + "x"}, 401),
        ({"X-Kubeshark-Authorization": "é"}, 401),
        ({"Authorization": f"Basic {TOKEN}"}, 401),
    ],
)
async def test_a_token_is_wanted_for_everything_but_probes(headers, status):
    settings = ApiSettings(host="0.0.0.0", token=TOKEN)
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    async with asking(FakeHub(), settings) as client:
        for path in ("/api/mcp", "/api/openapi.json", "/api/snapshots", "/api/mcp/files/x.pcap"):
            answer = await client.get(path, headers={**raw, "Host": "any.example"})
            assert (answer.status_code == 401) == (status == 401), path
            assert TOKEN not in answer.text
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200


async def test_a_refusal_for_want_of_a_token_says_how_to_give_it():
    async with asking(FakeHub(), ApiSettings(token=TOKEN)) as client:
        answer = await client.get("/api/mcp")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "X-Kubeshark-Authorization" in answer.text
