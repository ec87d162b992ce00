"""Programs of the lab as processes: run one, stop one, wait for what it does."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time


def run(*command: str, stdin: str | None = None, check: bool = True) -> str:
    """Run a short command and return its standard output; a failure raises RuntimeError with what it said."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(command)!r} failed with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def stop(process: subprocess.Popen[bytes], number: int = signal.SIGTERM, patience: float = 5.0) -> None:
    """Send a signal and wait; end the process and its group by force after `patience` seconds."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def wait_until(ready: object, what: str, patience: float = 20.0) -> None:
    """Wait until `ready()` is true; TimeoutError names what did not happen."""
    end = time.monotonic() + patience
    while not ready():  # type: ignore[operator]
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {patience:.0f} s for {what}.")
        time.sleep(0.02)


def python(*arguments: str) -> tuple[str, ...]:
    """Return the command line of a Python program in a pod, run by this interpreter."""
    return (sys.executable, "-u", *arguments)
