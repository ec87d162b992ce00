"""Sentences for faults."""

from __future__ import annotations

import httpx2
import pytest

from kubeshark_mcp.errors import ConflictError, HubError, NotFoundError, UnsupportedError, UsageError
from kubeshark_mcp.hub.remote.failures import message_of, no_json, refused, shown_url, unauthorised, unreachable


def test_a_url_is_shown_without_its_secrets():
    assert shown_url("https://ann:pw@h:8443/a?token=x#y") == "https://h:8443/a"
    assert shown_url("http://[::1]:80/x") == "http://[::1]:80/x"


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (caused(httpx2.ConnectError("x"), ConnectionRefusedError()), "Nothing listens"),
        (httpx2.ConnectTimeout("x"), "no answer to connecting"),
        (httpx2.ReadTimeout("x"), "stopped answering"),
        (httpx2.ReadError("x"), "broke off"),
        (httpx2.ProxyError("x"), "NO_PROXY"),
        (httpx2.ConnectError("[SSL: WRONG_VERSION_NUMBER]"), "does not speak TLS"),
        (httpx2.UnsupportedProtocol("x"), "cannot be reached (UnsupportedProtocol)"),
        (caused(httpx2.ConnectError("x"), ExceptionGroup("g", [ConnectionRefusedError()])), "Nothing listens"),
    ],
)
def test_a_broken_connection_is_explained(error, says):
    assert says in str(unreachable(error, "https://h"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UsageError),
        (404, NotFoundError),
        (405, UnsupportedError),
        (409, ConflictError),
        (418, HubError),
        (500, HubError),
        (501, UnsupportedError),
    ],
)
def test_a_status_says_whose_turn_it_is(status, kind):
    assert type(refused(status, b"why", "text/plain", "The Hub's x")) is kind


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "deep"}}', "deep"),
        (b'{"detail": ["a", "b"]}', "a; b"),
        (b"two\nlines\x1b[0m", "two lines [0m"),
        (b"<html>secret page</html>", "a web page, no message"),
        (b"x" * 1000, "x" * 400 + "…"),
        (b"", ""),
    ],
)
def test_the_message_of_an_error_is_one_short_line(body, message):
    assert message_of(body) == message


def test_a_missing_credential_differs_from_a_refused_one():
    assert "no credential was sent. Do this." in str(unauthorised("h", False, "Do this."))
    assert "is not accepted" in str(unauthorised("h", True, "Do this."))


def test_a_web_page_differs_from_other_noise():
    assert "login page" in str(no_json(b"<html>", "text/html", "h"))
    assert "no JSON" in str(no_json(b"\x00", "", "h"))
