"""Where a Hub is and with what one enters: the address, the credential, whom to trust."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.remote.failures import shown_url

TOKEN_HEADER = "X-Kubeshark-Authorization"
"""A name of its own, because the Kubernetes API server's service proxy eats `Authorization`."""
LICENSE_HEADER = "License-Key"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom to trust in TLS, and whether proxies of the environment are used.

    ca_file: certificates of authorities, beside the system's. insecure: no check at all.
    """

    ca_file: Path | None = None
    insecure: bool = False
    use_proxies: bool = True

    def context(self) -> ssl.SSLContext:
        """Give the TLS settings; raises UsageError for a file that holds no certificates."""
        made = ssl.create_default_context()
        if self.ca_file is not None:
            try:
                made.load_verify_locations(cafile=self.ca_file)
            except (OSError, ssl.SSLError) as error:
                raise UsageError(
                    f"--ca-file {str(self.ca_file)!r} cannot be used ({type(error).__name__}): "
                    "give a file of certificates in PEM form."
                ) from error
        if self.insecure:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made


class Access(Protocol):
    """The way into one Hub. Secrets are given by `headers` and `secrets` only, and never printed."""

    @property
    def location(self) -> str:
        """Give the Hub's address for people."""

    @property
    def trust(self) -> Trust:
        """Give whom to trust."""

    async def base(self) -> str:
        """Give the address to ask, without a trailing slash; connects where that is needed."""

    async def headers(self) -> Mapping[str, str]:
        """Give the credential's header, or nothing."""

    async def renew(self) -> bool:
        """Get another credential after the present one was refused; False where there is no other."""

    async def reconnect(self) -> bool:
        """Make the way anew after it broke; False where there is nothing to make."""

    def advice(self) -> str:
        """Say how to get a credential."""

    def secrets(self) -> tuple[str, ...]:
        """Give what must never be seen in a message."""

    def warnings(self) -> list[str]:
        """Give what the user should know about the safety of this way."""

    async def close(self) -> None:
        """Leave."""


@dataclass(frozen=True, slots=True)
class UrlAccess:
    """A Hub by its URL, with a credential that cannot be renewed."""

    url: str
    token: str | None = field(default=None, repr=False)
    license_key: str | None = field(default=None, repr=False)
    trust: Trust = field(default_factory=Trust)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", checked_url(self.url))
        for name, value in (("--token", self.token), ("--license-key", self.license_key)):
            if value is not None and not (value.isascii() and value.isprintable() and value.strip() == value and value):
                raise UsageError(f"{name} holds blanks or signs that no credential has: give it without line ends.")

    @property
    def location(self) -> str:
        """Give the URL."""
        return shown_url(self.url)

    async def base(self) -> str:
        """Give the URL."""
        return self.url

    async def headers(self) -> Mapping[str, str]:
        """Give the token's header, else the licence key's."""
        if self.token:
            return {TOKEN_HEADER: self.token}
        return {LICENSE_HEADER: self.license_key} if self.license_key else {}

    async def renew(self) -> bool:
        """Tell that a given credential cannot be renewed."""
        return False

    async def reconnect(self) -> bool:
        """Tell that there is nothing to make anew."""
        return False

    def advice(self) -> str:
        """Say how to get a token."""
        return (
            "Get a token with `kubectl create token kubeshark-cli --audience kubeshark-hub --duration 1h -n NAMESPACE` "
            "(the namespace that Kubeshark is in) and give it as KUBESHARK_HUB_TOKEN or with --token."
        )

    def secrets(self) -> tuple[str, ...]:
        """Give token and licence key."""
        return tuple(filter(None, (self.token, self.license_key)))

    def warnings(self) -> list[str]:
        """Tell of a connection that others can read or take over."""
        parts = urlsplit(self.url)
        if self.trust.insecure and parts.scheme == "https":
            return [
                f"--insecure: the certificate of {self.location} is not checked; anybody on the way can read along."
            ]
        if parts.scheme == "http" and self.secrets() and parts.hostname not in LOOPBACK:
            return [f"the credential travels to {self.location} unencrypted; use https where the Hub has it."]
        return []

    async def close(self) -> None:
        """Leave nothing open."""


def checked_url(url: str) -> str:
    """Give a Hub's URL without a trailing slash; raises UsageError, without repeating what may be secret."""
    parts = urlsplit(url.strip())
    try:
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if parts.username or parts.password:
        raise UsageError("--url holds a user name or password: leave them out, and give the token with --token.")
    if not usable:
        raise UsageError(f"--url {shown_or_cut(url)!r} is no address of a Hub: write it as https://HOST[:PORT].")
    if parts.query or parts.fragment:
        raise UsageError(f"--url {shown_url(url)!r} goes on with a query or a fragment: give the address alone.")
    trimmed = url.strip().rstrip("/")
    for ending in ("/api/mcp", "/api"):
        trimmed = trimmed.removesuffix(ending)
    return trimmed.rstrip("/")


def shown_or_cut(url: str) -> str:
    """Give what was given as URL, short and without a query."""
    return url.strip().partition("?")[0].rpartition("@")[2][:80]
