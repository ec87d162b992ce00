"""Asking a Hub: retries of reads only, redirects, limits, and a sentence for every fault."""

from __future__ import annotations

import asyncio
import json
import socket

import httpx
import httpx2
import pytest
from remote_fakes import TOKEN, URL, Naps, Routes, adapted, answer, socket_server

from kubeshark_mcp.errors import HubError, KubesharkError, UsageError
from kubeshark_mcp.hub.remote.access import Trust, UrlAccess
from kubeshark_mcp.hub.remote.client import JSON_LIMIT, HubClient, same_place


def client_of(url: str, seconds: float = 5.0, naps: Naps | None = None) -> HubClient:
    access = UrlAccess(url, TOKEN, trust=Trust(use_proxies=False))
    return HubClient(access, sleep=naps or Naps(), call_seconds=seconds)


async def sentence(client: HubClient, read: bool = True) -> str:
    with pytest.raises(KubesharkError) as caught:
        await client.json("GET", "/api/mcp", read=read, what="Asking")
    await client.close()
    assert TOKEN not in str(caught.value)
    assert "Traceback" not in str(caught.value)
    return str(caught.value)


async def test_a_request_carries_the_credential_and_is_not_captured_itself():
    routes = Routes()
    await routes.asking.discovery()
    headers = routes.discovered.calls[0].request.headers
    assert headers["x-kubeshark-authorization"] == TOKEN
    assert headers["x-kubeshark-capture"] == "ignore"
    assert "authorization" not in headers


async def test_a_licence_key_is_sent_where_there_is_no_token():
    routes = Routes()
    client = HubClient(UrlAccess(URL, None, "key-1"), adapted(routes.router))
    await client.json("GET", "/api/mcp", read=True, what="Asking")
    headers = routes.discovered.calls[0].request.headers
    assert headers["license-key"] == "key-1"
    assert "x-kubeshark-authorization" not in headers


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_busy_hub_is_asked_again_with_growing_pauses(status):
    routes = Routes()
    routes.discovered.mock(
        side_effect=[httpx.Response(status), httpx.Response(status), httpx.Response(200, json={"a": 1})]
    )
    assert await routes.client.json("GET", "/api/mcp", read=True, what="Asking") == {"a": 1}
    first, second = routes.naps.taken
    assert 0.1 < first < second < 1


async def test_retry_after_is_respected_within_reason():
    routes = Routes()
    busy = httpx.Response(503, headers={"Retry-After": "3600"})
    routes.discovered.mock(side_effect=[busy, httpx.Response(200, json={})])
    await routes.client.json("GET", "/api/mcp", read=True, what="Asking")
    assert routes.naps.taken == [5.0]


async def test_what_changes_something_is_never_asked_twice():
    routes = Routes({"create": httpx.Response(503)})
    with pytest.raises(HubError, match="HTTP 503"):
        await routes.asking.call("create", {}, read=False)
    assert len(routes.asked) == 1
    routes.called.mock(side_effect=httpx2.ReadError("cut"))
    with pytest.raises(HubError, match="broke off"):
        await routes.asking.call("create", {}, read=False)
    assert len(routes.called.calls) == 2


async def test_a_broken_connection_is_tried_again_for_reads():
    routes = Routes()
    routes.discovered.mock(side_effect=[httpx2.ConnectError("refused"), httpx.Response(200, json={"a": 1})])
    assert await routes.client.json("GET", "/api/mcp", read=True, what="Asking") == {"a": 1}


@pytest.mark.parametrize("status", [301, 307, 308])
async def test_redirects_are_followed_with_the_body_and_the_credential_stays_at_home(status):
    routes = Routes()
    elsewhere = routes.router.post("https://other.test/x").respond(json={"there": True})
    routes.called.mock(side_effect=lambda request: httpx.Response(status, headers={"Location": "https://other.test/x"}))
    assert await routes.asking.call("t", {"a": 1}, read=True) == {"there": True}
    sent = elsewhere.calls[0].request
    assert json.loads(sent.content) == {"name": "t", "arguments": {"a": 1}}
    assert "x-kubeshark-authorization" not in sent.headers


async def test_a_redirect_on_the_same_host_keeps_the_credential():
    routes = Routes()
    moved = routes.router.get(f"{URL}/ui/api/mcp").respond(json={"a": 1})
    routes.discovered.mock(side_effect=[httpx.Response(308, headers={"Location": "/ui/api/mcp"})])
    assert await routes.client.json("GET", "/api/mcp", read=True, what="Asking") == {"a": 1}
    assert moved.calls[0].request.headers["x-kubeshark-authorization"] == TOKEN


async def test_redirects_in_a_circle_end_with_a_sentence():
    routes = Routes()
    routes.discovered.mock(side_effect=lambda request: httpx.Response(301, headers={"Location": f"{URL}/api/mcp"}))
    assert "redirects in a circle" in await sentence(routes.client)


@pytest.mark.parametrize(
    ("home", "url", "same"),
    [
        ("https://h", "https://h/x", True),
        ("https://h", "https://h:443/x", True),
        ("http://h", "https://h/x", True),
        ("https://h", "http://h/x", False),
        ("https://h", "https://h:8443/x", False),
        ("https://h", "https://h.evil/x", False),
        ("http://127.0.0.1:8899", "http://127.0.0.1:9999/x", False),
    ],
)
def test_a_credential_goes_to_its_own_place_only(home, url, same):
    assert same_place(home, url) is same


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (httpx.Response(401, text="no"), "answered HTTP 401, because the credential that was sent is not accepted"),
        (httpx.Response(302, headers={"Location": "/login"}), "sends to a login page (HTTP 302 or 303)"),
        (httpx.Response(403, text="no right"), "HTTP 403: no right. The credential is valid"),
        (httpx.Response(500, json={"error": "disk full"}), "Asking failed with HTTP 500: disk full."),
        (httpx.Response(500, html="<html>x</html>"), "HTTP 500: a web page, no message."),
        (httpx.Response(200, html="<!DOCTYPE html><html>"), "answered with a web page instead of JSON"),
        (httpx.Response(200, content=b"\x00\x01"), "something that is no JSON"),
        (httpx.Response(500, text=f"token {TOKEN} is bad"), "token <credential> is bad"),
        (httpx.Response(302, headers={"Location": "/login"}), "kubectl create token kubeshark-cli"),
    ],
)
async def test_every_refusal_is_a_sentence_without_the_credential(given, says):
    routes = Routes()
    routes.discovered.mock(return_value=given)
    assert says in await sentence(routes.client)


async def test_a_bad_argument_is_the_callers_and_not_the_hubs_fault():
    routes = Routes({"t": httpx.Response(400, json={"message": "no such node"})})
    with pytest.raises(UsageError, match="The Hub's t failed with HTTP 400: no such node"):
        await routes.asking.call("t", {}, read=True)


async def test_nothing_listening_says_so():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        assert f"Nothing listens at http://127.0.0.1:{port} (connection refused)" in await sentence(
            client_of(f"http://127.0.0.1:{port}")
        )


async def test_a_name_that_is_gone_says_so(monkeypatch):
    async def gone(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", gone)
    assert "The name 'hub.invalid' cannot be resolved (DNS)" in await sentence(client_of("http://hub.invalid"))


async def test_a_slow_hub_is_given_up_in_time():
    async def silent(reader, writer, head):
        await asyncio.Event().wait()

    async with socket_server(silent) as (url, _):
        assert "did not answer within 0.2 s" in await sentence(client_of(url, 0.2))


async def test_a_hub_that_drips_is_given_up_in_time():
    async def drip(reader, writer, head):
        writer.write(answer("200 OK", b"", length=1000))
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with socket_server(drip) as (url, _):
        assert "did not answer within 0.2 s" in await sentence(client_of(url, 0.2))


async def test_an_answer_cut_in_the_middle_is_asked_for_again():
    answers = iter([answer("200 OK", b'{"a": ', length=100), answer("200 OK", b'{"a": 1}')])

    async def cut(reader, writer, head):
        writer.write(next(answers))
        await writer.drain()

    async with socket_server(cut) as (url, heads):
        client = client_of(url)
        assert await client.json("GET", "/api/mcp", read=True, what="Asking") == {"a": 1}
        await client.close()
    assert len(heads) == 2


async def test_an_answer_that_is_always_cut_ends_with_a_sentence():
    async def cut(reader, writer, head):
        writer.write(answer("200 OK", b'{"a": ', length=100))
        await writer.drain()

    async with socket_server(cut) as (url, heads):
        assert "broke off the connection in the middle of an answer" in await sentence(client_of(url))
    assert len(heads) == 4


@pytest.mark.parametrize("declared", [True, False])
async def test_an_answer_of_100_mb_is_refused_while_it_arrives(declared):
    sent = 0

    async def huge(reader, writer, head):
        nonlocal sent
        length = "Content-Length: 104857600" if declared else "X: y"
        writer.write(f"HTTP/1.1 200 OK\r\n{length}\r\nConnection: close\r\n\r\n".encode())
        for _ in range(100):
            writer.write(b" " * 1048576)
            await writer.drain()
            sent += 1048576

    async with socket_server(huge) as (url, _):
        said = await sentence(client_of(url, 30))
    assert "is too big" in said
    assert sent < JSON_LIMIT + 20 * 1048576


async def test_a_certificate_that_is_not_trusted_says_how_to_trust_it():
    error = httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    routes = Routes()
    routes.discovered.mock(side_effect=error)
    assert "--ca-file FILE" in await sentence(routes.client)
