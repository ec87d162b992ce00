"""Records one incident: builds its cluster, lets it run, makes the fault, captures on every node."""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evals.lab.cluster import Cluster
from evals.lab.incident import Incident
from evals.lab.logs import Logs
from evals.lab.objects import kubectl_list
from evals.lab.processes import stop
from evals.lab.running import Lab

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WARM_SECONDS = 3.0
"""Before anything is captured: connections open, caches fill."""

EDGE_SECONDS = 1.0
"""Pause of all clients before a window, so that no call is cut by its edge."""

QUIET_SECONDS = 1.0
"""In which calls end as long as nothing is wrong; afterwards the incident says how long (`drain`)."""

SUFFIX = ".pcap.zst"

KEPT_BYTES = 30_000_000
"""Captures beyond this belong to no small incident."""


@dataclass(frozen=True)
class Window:
    """One capture on all nodes. fault: when the fault was made, if it was."""

    start: datetime
    end: datetime
    fault: datetime | None
    logs: Logs


def record(incident: Incident, out: Path) -> tuple[Lab, Window, Window | None]:
    """Make captures and `resources.json` in `out`, and in `out/baseline` if the incident has one.

    Returns the lab (closed), the window, and the window of the baseline.
    """
    with tempfile.TemporaryDirectory(prefix="incident-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        cluster, lab = Lab.describe(incident, work)
        with cluster:
            lab.start()
            lab.phase("warm")
            lab.wait(WARM_SECONDS)
            _pause(lab, QUIET_SECONDS)
            if incident.prepare:
                incident.prepare(lab)
            before = None
            if incident.baseline:
                before = _window(lab, out / "baseline", incident.baseline, fault=False)
            window = _window(lab, out, incident.seconds, fault=True)
            lab.phase("stop")
        return lab, window, before


def _pause(lab: Lab, seconds: float) -> None:
    lab.phase("hold")
    lab.wait(EDGE_SECONDS + seconds)


def _window(lab: Lab, out: Path, seconds: float, fault: bool) -> Window:
    cluster, incident = lab.cluster, lab.incident
    out.mkdir(parents=True, exist_ok=True)
    folder = "fault" if fault else "before"
    (lab.work / folder).mkdir()
    files = {name: lab.work / folder / f"{name}.pcap" for name in cluster.nodes}
    captures = [cluster.capture(name, "cni0", path) for name, path in files.items()]
    start, clock = datetime.now(UTC), time.monotonic()
    lab.phase("run")
    made = None
    if fault and incident.fault:
        lab.wait(incident.fault_at)
        made = datetime.now(UTC)
        incident.fault(lab)
    lab.wait(seconds - (time.monotonic() - clock))
    _pause(lab, incident.drain if fault else QUIET_SECONDS)
    end = datetime.now(UTC)
    for process in captures:
        stop(process, signal.SIGINT)
    cluster.check_captures()
    for name, path in files.items():
        (out / f"{name}{SUFFIX}").write_bytes(packed(path.read_bytes()))
    write_objects(cluster, start, out / "resources.json")
    logs = Logs(lab.work / "calls", lab.apps, start.timestamp(), end.timestamp(), made.timestamp() if made else 0.0)
    return Window(start, end, made, logs)


def write_objects(cluster: Cluster, taken: datetime, path: Path) -> None:
    """Write the cluster's objects as kubectl would now."""
    path.write_text(json.dumps(kubectl_list(cluster, taken), separators=(",", ":")) + "\n")


def packed(data: bytes) -> bytes:
    """Compress a capture as far as is worth the time: large ones are not kept, and would take minutes."""
    return zstd.compress(data, 19 if len(data) <= KEPT_BYTES else 3)


def unpacked(path: Path) -> bytes:
    """Read a file that may be compressed with Zstandard."""
    data = path.read_bytes()
    return zstd.decompress(data) if data[:4] == b"\x28\xb5\x2f\xfd" else data


def packets_in(path: Path) -> int:
    """Count the packets of a capture file in classic pcap, little-endian."""
    data = unpacked(path)
    at, count = 24, 0
    while at + 16 <= len(data):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
        count += 1
    return count
