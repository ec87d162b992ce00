"""The node's own health checks of its pods (what the kubelet does). Arguments: address:port/path of each probe."""

from __future__ import annotations

import sys

from clients import CallLog, HttpClient, pause, wait_for_run


def main() -> None:
    """Probe each pod every few seconds, each time on a new connection."""
    log = CallLog()
    clients = []
    for target in sys.argv[1:]:
        authority, _, path = target.partition("/")
        host, _, port = authority.partition(":")
        clients.append((HttpClient(host, int(port), log, "kube-probe/1.31", reuse=1), f"/{path}"))
    while wait_for_run():
        for client, path in clients:
            client.call("GET", path, headers={"Accept": "*/*", "Connection": "close"})
        pause(8)


if __name__ == "__main__":
    main()
