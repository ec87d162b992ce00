"""What Kubeshark's things are called in a cluster, and names that may be given for them."""

from __future__ import annotations

import re

from kubeshark_mcp.errors import UsageError

FRONT_SERVICE = "kubeshark-front"
HUB = "kubeshark-hub"
POD_LABEL = ("app.kubernetes.io/name", "kubeshark")
SERVICE_ACCOUNT = "kubeshark-cli"
AUDIENCE = "kubeshark-hub"
TOKEN_SECONDS = 3600
DEFAULT_NAMESPACE = "default"
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def dns_label(name: str, what: str) -> str:
    """Give a name back when it is a DNS label (RFC 1123), as Kubernetes wants namespaces; raises UsageError else."""
    if not _DNS_LABEL.fullmatch(name):
        raise UsageError(
            f"{what} {name[:80]!r} is no Kubernetes name: use at most 63 of a-z, 0-9 and -, "
            "beginning and ending with a letter or digit."
        )
    return name
