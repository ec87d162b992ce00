"""How a served Hub protects itself, and what it permits."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.present.redaction import Redactor

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Limits and permissions of a served Hub.

    host: the address it is bound to. token: what clients must present; None on loopback only. allowed_hosts: further
    names that requests may be addressed to. allow_destructive: whether tools that delete are offered. redactor: takes
    secrets out of answers; None shows them as captured. most_body: bytes of a request. call_seconds: time for one call,
    reading its body included. most_calls, most_downloads: at once; more are asked to come again.
    drain_seconds: how long a stop waits for jobs that were started here.
    """

    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    allow_destructive: bool = False
    redactor: Redactor | None = None
    most_body: int = 1 << 20
    call_seconds: float = 60.0
    most_calls: int = 64
    most_downloads: int = 16
    drain_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what would leave captured traffic open to anybody."""
        if self.token is not None and (not self.token.isascii() or not self.token.isprintable() or " " in self.token):
            raise UsageError("The token holds blanks or characters that no HTTP header carries: use printable ASCII.")
        if self.token is not None and len(self.token) < 16:
            raise UsageError(
                f"The token has {len(self.token)} characters, which can be guessed: use 16 or more, "
                "for example from `openssl rand -hex 32`."
            )
        if self.token is None and not is_loopback(self.host):
            raise UsageError(
                f"--host {self.host} is reachable from other machines, and captured traffic holds secrets: "
                "give a --token (or KUBESHARK_HUB_TOKEN) that clients must present, or listen on 127.0.0.1."
            )


def is_loopback(host: str) -> bool:
    """Tell whether a name or address reaches this machine alone."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
