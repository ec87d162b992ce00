"""What went wrong between us and a Hub, as a sentence that says what to do."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import orjson

from kubeshark_mcp.errors import (
    ConflictError,
    HubError,
    KubesharkError,
    NotFoundError,
    UnsupportedError,
    UsageError,
)

TRANSPORT_ERRORS: tuple[type[Exception], ...] = (httpx2.RequestError, httpx2.InvalidURL, ssl.SSLError, ConnectionError)
"""What a request raises when no answer arrives, or half of one."""

MESSAGE = 400
"""Characters of a Hub's own message that are shown."""


def shown_url(url: str) -> str:
    """Give a URL without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    try:
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        port = ""
    return urlunsplit((parts.scheme, host + port, parts.path, "", ""))


def unreachable(error: Exception, location: str) -> HubError:
    """Explain why no answer came. location: the Hub, as `shown_url` gives it."""
    host = urlsplit(location).hostname or location
    causes = list(_chain(error))
    said = " ".join(str(cause) for cause in causes)
    if _one_of(causes, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY_FAILED" in said:
        return HubError(
            f"The certificate of {location} is not trusted ({_why_untrusted(causes)}): give the authority that signed "
            "it with --ca-file FILE; --insecure switches the check off."
        )
    if _one_of(causes, ssl.SSLError) or "SSL" in said:
        return HubError(f"{location} does not speak TLS as expected: check whether it is http or https, and the port.")
    if _one_of(causes, socket.gaierror):
        return HubError(f"The name {host!r} cannot be resolved (DNS): check --url, the network and the VPN.")
    if isinstance(error, httpx2.ProxyError):
        return HubError(
            f"The proxy on the way to {location} refused: check HTTPS_PROXY and HTTP_PROXY, or add {host} to NO_PROXY."
        )
    if _one_of(causes, ConnectionRefusedError):
        return HubError(f"Nothing listens at {location} (connection refused): check host and port, and that it runs.")
    if isinstance(error, httpx2.ConnectTimeout):
        return HubError(f"{location} cannot be reached (no answer to connecting): check the network and the VPN.")
    if isinstance(error, httpx2.TimeoutException):
        return HubError(f"{location} stopped answering in the middle of a request: try again, or ask for less.")
    if isinstance(error, httpx2.ReadError | httpx2.RemoteProtocolError):
        return HubError(f"{location} broke off the connection in the middle of an answer: try again.")
    return HubError(f"{location} cannot be reached ({type(error).__name__}): check --url and the network.")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Give an error and what led to it, members of groups included."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting and len(seen) < 50:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _one_of(causes: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in causes)


def _why_untrusted(causes: list[BaseException]) -> str:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
    return "verification failed"


def unauthorised(location: str, sent: bool, advice: str, redirected: bool = False) -> HubError:
    """Explain a refused or missing credential. sent: whether one was sent. advice: how to get one."""
    how = "sends to a login page (HTTP 302 or 303)" if redirected else "answered HTTP 401"
    why = "the credential that was sent is not accepted: it has probably expired" if sent else "no credential was sent"
    return HubError(f"The Hub at {location} {how}, because {why}. {advice}")


_KINDS: dict[int, type[KubesharkError]] = {
    400: UsageError,
    404: NotFoundError,
    405: UnsupportedError,
    409: ConflictError,
    413: UsageError,
    422: UsageError,
    501: UnsupportedError,
}
_ADVICE = {
    403: "The credential is valid, but it may not do this: ask who runs the Hub for the right.",
    429: "It asks for patience: try again in a minute.",
    500: "The fault is inside the Hub: its own log says more.",
    502: "The front end is there, but the Hub behind it is not: check that its pods are ready.",
    503: "It is not ready yet: try again in a minute, and check that its pods are ready.",
    504: "The Hub behind the front end is too slow: ask for less, or try again.",
}


def refused(status: int, body: bytes, content_type: str, what: str) -> KubesharkError:
    """Explain an answer with an error status. what: what was asked, as in `The Hub's get_snapshot`."""
    message = message_of(body, content_type)
    advice = _ADVICE.get(status, "" if message else "It said nothing more.")
    said = f": {message}" if message else ""
    sentence = f"{what} failed with HTTP {status}{said}{'' if said.endswith(('.', '!', '?')) else '.'}"
    return _KINDS.get(status, HubError)(f"{sentence} {advice}".strip())


def message_of(body: bytes, content_type: str = "") -> str:
    """Give what an error's body says, on one line and cut; nothing of a web page."""
    if looks_like_html(body, content_type):
        return "a web page, no message"
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = body[: 4 * MESSAGE].decode("utf-8", "replace")
    return plain_message(value)


def plain_message(value: Any) -> str:
    """Give the message inside an error's JSON, on one line and cut."""
    for _ in range(4):
        if not isinstance(value, dict):
            break
        found = next(
            (value[name] for name in ("error", "message", "detail", "reason", "errors") if value.get(name)), ""
        )
        value = found
    if isinstance(value, list):
        value = "; ".join(str(item) for item in value[:3])
    text = " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", str(value)).split())
    return text if len(text) <= MESSAGE else f"{text[:MESSAGE]}…"


def looks_like_html(body: bytes, content_type: str = "") -> bool:
    """Tell whether an answer is a web page."""
    start = body[:256].lstrip().lower()
    return "html" in content_type.lower() or start.startswith((b"<!doctype html", b"<html"))


def no_json(body: bytes, content_type: str, location: str) -> HubError:
    """Explain an answer that is no JSON."""
    if looks_like_html(body, content_type):
        return HubError(
            f"{location} answered with a web page instead of JSON: it is a login page or another server, "
            "not the interface of a Hub. Give the front end's own address with --url, without a path."
        )
    return HubError(f"{location} answered with something that is no JSON: check that --url leads to a Kubeshark Hub.")
