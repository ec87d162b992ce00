"""`python -m kubeshark_mcp` is the command."""

from __future__ import annotations

import subprocess
import sys

from kubeshark_mcp import __version__


def test_the_module_runs_as_the_command_does():
    done = subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", "--version"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == f"{__version__}\n"
