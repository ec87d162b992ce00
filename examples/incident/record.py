"""Record the incident again: `python examples/incident/record.py --out DIR` (root; about a minute and a half).

Builds the cluster in network namespaces, lets real servers and clients talk, captures on both nodes, and writes
`node-a.pcap`, `node-b.pcap`, `resources.json` and `truth/`. Everything started is ended, also on failure.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from story import NODES, OUTSIDE, PODS, SERVICES, Shop
from truth import write_truth

from evals.lab.cluster import Cluster
from evals.lab.objects import kubectl_list
from evals.lab.processes import stop

MEMORY = 2 * 1024 * 1024
"""The maxmemory of Redis in bytes. Earlier runs of the batch job have filled most of it when the window opens."""

HOLD_SECONDS = 1.2
"""Pause of all clients before and after the window, so that no call is cut by the edge of the capture."""


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Record the incident anew (needs root).")
    parser.add_argument("--out", type=Path, required=True, help="folder for the recording; made when missing")
    parser.add_argument("--seconds", type=float, default=42.0, help="length of the window (default 42)")
    parser.add_argument("--headroom", type=int, default=120_000, help="bytes that Redis may still take at the start")
    return parser.parse_args()


def record(out: Path, seconds: float, headroom: int) -> None:
    """Make one recording in `out`."""
    with tempfile.TemporaryDirectory(prefix="incident-") as folder:
        work = Path(folder)
        work.chmod(0o755)
        with Cluster(work, NODES, PODS, SERVICES, OUTSIDE) as cluster:
            shop = Shop(cluster, work)
            shop.open({})
            shop.settle(7)
            shop.phase("hold")
            shop.settle(HOLD_SECONDS + 1.5)
            shop.fill_redis(MEMORY - headroom)
            shop.redis("CONFIG", "SET", "maxmemory", str(MEMORY))
            captures = [cluster.capture(node.name, "cni0", work / f"{node.name}.pcap") for node in NODES]
            start = datetime.now(UTC)
            logging.info("recording %.0f s", seconds)
            shop.phase("run")
            shop.settle(seconds)
            shop.phase("hold")
            shop.settle(HOLD_SECONDS + 1.5)
            end = datetime.now(UTC)
            for process in captures:
                stop(process, signal.SIGINT)
            cluster.check_captures()
            shop.phase("stop")
            objects = kubectl_list(cluster, start)
        out.mkdir(parents=True, exist_ok=True)
        for node in NODES:
            (out / f"{node.name}.pcap").write_bytes((work / f"{node.name}.pcap").read_bytes())
        (out / "resources.json").write_text(json.dumps(objects, indent=1) + "\n")
        write_truth(work / "calls", out, start, end)


def main() -> None:
    """Record, and make sure that a signal ends it as tidily as an error."""
    asked = arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    os.umask(0o022)
    record(asked.out, asked.seconds, asked.headroom)
    for path in sorted(asked.out.rglob("*")):
        if path.is_file():
            logging.info("%9d  %s", path.stat().st_size, path)


if __name__ == "__main__":
    main()
