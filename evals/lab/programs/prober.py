"""The node's own health checks of its pods (what the kubelet does).

Arguments: address:port/path of each probe, or one file with one of these a line, read anew before each round.
"""

from __future__ import annotations

import sys
from pathlib import Path

from clients import CallLog, HttpClient, pause, wait_for_run


def targets() -> list[str]:
    """List what to probe now."""
    if len(sys.argv) == 2 and sys.argv[1].startswith("/"):
        return Path(sys.argv[1]).read_text().split()
    return sys.argv[1:]


def main() -> None:
    """Probe each pod every few seconds, each time on a new connection."""
    log = CallLog()
    while wait_for_run():
        for target in targets():
            authority, _, path = target.partition("/")
            host, _, port = authority.partition(":")
            client = HttpClient(host, int(port), log, "kube-probe/1.31", reuse=1)
            client.call("GET", f"/{path}", headers={"Accept": "*/*", "Connection": "close"})
        pause(8)


if __name__ == "__main__":
    main()
