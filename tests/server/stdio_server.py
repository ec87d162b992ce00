"""A server over the fake Hub, to be run as a process of its own: `stdio_server.py [PORT]`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fake_hub import FakeHub

from kubeshark_mcp.server import run_http, run_stdio

if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_http(FakeHub(), port=int(sys.argv[1]))
    else:
        run_stdio(FakeHub())
