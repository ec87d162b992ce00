"""A loopback of our own: the program runs again inside new network and process namespaces, so nothing else is captured.

All that is started inside ends with the program, because its process namespace ends. Needs root and util-linux.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

INSIDE = "RECORDING_INSIDE"


def inside() -> bool:
    """Whether this process already runs in namespaces of its own."""
    return os.environ.get(INSIDE) == "1"


def enter(mtu: int = 1500) -> None:
    """Run this program again inside new namespaces, or prepare the loopback when already there.

    mtu: of the loopback, in bytes. As segments are not joined for it either, packets look as they do on Ethernet.
    """
    if not inside():
        if os.geteuid() != 0:
            raise SystemExit("Recording needs root: it makes a network namespace.")
        namespaces = ("unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")
        environment = {**os.environ, INSIDE: "1", "TZ": "UTC"}
        raise SystemExit(
            subprocess.run([*namespaces, sys.executable, *sys.argv], env=environment, check=False).returncode
        )
    link = ("ip", "link", "set", "dev", "lo", "mtu", str(mtu), "gso_max_segs", "1", "up")
    subprocess.run(link, check=True, timeout=10)


def wait_until(ready: Callable[[], object], what: str, patience: float = 20.0) -> None:
    """Wait until `ready()` is true; TimeoutError names what did not happen."""
    end = time.monotonic() + patience
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"Waited {patience:.0f} s for {what}.")
        time.sleep(0.01)


def listening(port: int) -> bool:
    """Whether something listens on a port, over TCP or UDP."""
    found = subprocess.run(("ss", "-Hltun"), capture_output=True, text=True, check=True, timeout=10).stdout
    return any(line.split()[4].endswith(f":{port}") for line in found.splitlines())


@contextmanager
def server(*command: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the foreground until the block ends; the block starts when it listens."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            wait_until(lambda: listening(port) or process.poll() is not None, f"{command[0]} to listen on port {port}")
            if process.poll() is not None:
                output.seek(0)
                raise RuntimeError(f"{command[0]} ended: {output.read()[-800:].decode(errors='replace')}")
            yield process
        finally:
            _end(process, signal.SIGTERM)


@contextmanager
def capture(path: Path, *expression: str, interface: str = "lo") -> Iterator[None]:
    """Write what passes the interface during the block to `path`; RuntimeError if the kernel dropped packets."""
    path.unlink(missing_ok=True)
    listen = ("tcpdump", "-i", interface, "-n", "-s", "0", "-B", "65536", "-Z", "root", "-w", str(path))
    process = subprocess.Popen([*listen, "--immediate-mode", "-U", *expression], stderr=subprocess.PIPE)
    try:
        wait_until(lambda: path.exists() and path.stat().st_size >= 24, "tcpdump to listen")
        yield
        settle(path)
    finally:
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1].decode(errors="replace")
    if "\n0 packets dropped by kernel" not in said:
        raise RuntimeError(f"The capture {path.name} is not whole: {said.strip()}")


def settle(path: Path) -> None:
    """Wait until a file has not grown for 0.3 s."""
    size, since = -1, time.monotonic()
    while time.monotonic() - since < 0.3:
        if (now := path.stat().st_size) != size:
            size, since = now, time.monotonic()
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], number: int) -> None:
    process.send_signal(number)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
