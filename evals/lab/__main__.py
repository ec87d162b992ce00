"""`python -m evals.lab`: list, build, rebuild and verify incidents."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from evals.lab.build import CEILING, build, capture_bytes
from evals.lab.discovery import COMMITTED, find, find_all
from evals.lab.rebuild import rebuild, table
from evals.lab.surroundings import SIZES, lasting, surrounded
from evals.lab.verify import verify_all


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m evals.lab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="name, size, mechanism and title of all incidents")
    for name, text in (("build", "record incidents (root)"), ("verify", "prove the truths of recorded incidents")):
        command = commands.add_parser(name, help=text)
        command.add_argument("names", nargs="*", metavar="NAME", help="all (build: all small ones) when none is given")
        command.add_argument("--out", type=Path, default=COMMITTED, help=f"folder of incidents (default {COMMITTED})")
        command.add_argument("--jobs", type=int, default=1, help="how many at a time")
    build_command = commands.choices["build"]
    build_command.add_argument("--size", choices=SIZES, help="with more neighbours and load than the incident has")
    build_command.add_argument("--seconds", type=float, help="length of the window")
    build_command.add_argument("--unproved", action="store_true", help="record only; verify comes later")
    again = commands.add_parser("rebuild", help="record incidents anew elsewhere and prove them there (root)")
    again.add_argument("names", nargs="*", metavar="NAME", help="all small ones when none is given")
    again.add_argument("--out", type=Path, required=True, help="folder of the new recordings")
    again.add_argument("--jobs", type=int, default=4, help="how many at a time (default 4)")
    return parser.parse_args(arguments)


def list_incidents() -> int:
    """Print all incidents."""
    for incident in find_all():
        print(f"{incident.name:12} {incident.size:7} {incident.mechanism or 'healthy':24} {incident.title}")
    return 0


def build_one(asked: argparse.Namespace, name: str) -> int:
    """Record one incident and prove its truth."""
    begun = time.monotonic()
    incident = find(name)
    if asked.size:
        incident = surrounded(incident, asked.size, asked.seconds)
    elif asked.seconds:
        incident = lasting(incident, asked.seconds)
    if incident.size != "small" and asked.out == COMMITTED:
        raise ValueError(f"{name} as {incident.size} is too big for {COMMITTED}. Say with --out where to build it.")
    asked.out.mkdir(parents=True, exist_ok=True)
    build(incident, asked.out)
    if asked.unproved:
        return 0
    recorded = time.monotonic() - begun
    size = capture_bytes(asked.out / name)
    failed = verify(asked, [name])
    print(f"{name}: {size / 1e6:.2f} MB, recorded in {recorded:.0f} s, verified in {time.monotonic() - begun:.0f} s")
    if size > CEILING and incident.size == "small":
        print(f"FAIL {name}: captures of {size} bytes are over the ceiling of {CEILING}. Lower its load.")
        return 1
    return failed


def build_all(asked: argparse.Namespace) -> int:
    """Record several, each in a process of its own, `jobs` at a time."""
    waiting = [each.name for each in find_all(asked.names) if asked.names or each.size == "small"]
    if len(waiting) == 1:
        return build_one(asked, waiting[0])
    more = ["--out", str(asked.out)] + (["--size", asked.size] if asked.size else [])
    more += ["--seconds", str(asked.seconds)] if asked.seconds else []
    running: dict[str, subprocess.Popen[bytes]] = {}
    failed = []
    while waiting or running:
        while waiting and len(running) < asked.jobs:
            name = waiting.pop(0)
            running[name] = subprocess.Popen([sys.executable, "-m", "evals.lab", "build", name, *more])
        for name, process in list(running.items()):
            if process.poll() is not None:
                failed += [name] if running.pop(name).returncode else []
        time.sleep(0.2)
    print(f"failed: {', '.join(failed)}" if failed else "all built and verified")
    return 1 if failed else 0


def rebuild_all(asked: argparse.Namespace) -> int:
    """Record incidents anew and tell which truths hold on the new captures."""
    if asked.out.resolve() == COMMITTED:
        raise ValueError(f"{asked.out} holds what is committed. Say with --out another folder, then compare.")
    if os.geteuid() != 0:
        raise ValueError("Recording needs root: it makes network namespaces. Start it with sudo.")
    names = [each.name for each in find_all(asked.names) if asked.names or each.size == "small"]
    begun = time.monotonic()
    rebuilt = rebuild(names, asked.out, asked.jobs, sys.stderr)
    print(table(rebuilt, time.monotonic() - begun))
    return 0 if all(each.holds for each in rebuilt) else 1


def verify(asked: argparse.Namespace, wanted: Sequence[str]) -> int:
    """Prove the truths of recorded incidents."""
    folders = [asked.out / name for name in wanted] or sorted(path.parent for path in asked.out.glob("*/truth.yaml"))
    proofs = asyncio.run(verify_all(folders, asked.jobs))
    for proof in proofs:
        outcome = "holds" if proof.holds else "FAILS"
        print(f"{proof.name}: {outcome}, {len(proof.checks)} checks, {proof.packets} packets")
        for line in proof.lines():
            print(f"  {line}")
    return 0 if proofs and all(proof.holds for proof in proofs) else 1


def main(arguments: Sequence[str]) -> int:
    """Run a command; returns the exit code."""
    asked = parse(arguments)
    if asked.command == "list":
        return list_incidents()
    if asked.command == "verify":
        return verify(asked, asked.names)
    os.umask(0o022)
    return rebuild_all(asked) if asked.command == "rebuild" else build_all(asked)


def _leave(*_: object) -> None:
    """End as by an interrupt, so that everything that was started is ended."""
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _leave)
    try:
        sys.exit(main(sys.argv[1:]))
    except ValueError as refused:
        sys.exit(str(refused))
