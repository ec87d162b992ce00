"""Ours against the others, in one run: `make bench`, or `python -m benchmarks [--rounds N] [--packets N] [ROW ...]`.

Captures are recorded with real servers on first use (Linux, root) and stay in benchmarks/out.
Prints CPU ratios of whole processes, imports included; never fails on a time.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import clients, diagnose, growth, kfl, served_hub
from benchmarks.measure import Command, Measured, compare
from benchmarks.rows import ROWS, Row, Setting

OUT = Path(__file__).parent / "out"


def main(arguments: Sequence[str]) -> int:
    """Run the chosen rows and print the table; `growth` draws how time and memory grow instead."""
    if arguments[:1] == ["growth"]:
        return growth.main(list(arguments[1:]))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Compare with tshark and others.")
    names = ", ".join([*(row.name for row in ROWS), *(name for name, _ in _others(Setting(OUT, 0)))])
    parser.add_argument("rows", nargs="*", help=f"which rows; default: all of {names}")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each command")
    parser.add_argument("--packets", type=int, default=300_000, help="packets of the recorded captures")
    options = parser.parse_args(arguments)
    chosen = [row for row in ROWS if not options.rows or row.name in options.rows]
    setting = Setting(OUT, options.packets)
    OUT.mkdir(exist_ok=True)
    print(f"{platform.python_version()}, {platform.machine()}, {options.rounds} rounds, CPU seconds, median (range)")
    print(f"{setting.packets:,} packets in each capture\n")
    print("| task | command | CPU s | range | wall s | peak MB | ratio | goal |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in chosen:
        run(row, setting, options.rounds)
    for name, work in _others(setting):
        if not options.rows or name in options.rows:
            print(f"\n## {name}\n", flush=True)
            work()
    return 0


def _others(setting: Setting) -> list[tuple[str, Callable[[], object]]]:
    """Give what is no comparison of commands, by name: each prints a part of its own."""
    return [
        ("kfl", lambda: kfl.main([])),
        ("diagnose", lambda: diagnose.main([])),
        ("served", lambda: served_hub.main(["--seconds", "5"])),
        ("clients", lambda: clients.main([str(setting.capture("http")), "--seconds", "15"])),
    ]


def run(row: Row, setting: Setting, rounds: int) -> None:
    """Measure one row and print its lines."""
    commands = row.commands(setting)
    usable = [command for command in commands if shutil.which(command.arguments[0])]
    missing = [command.label for command in commands if command not in usable]
    measured = compare(usable, rounds)
    ours = measured[0]
    print(line(row, ours, "1x", row.goals.get(ours.label, "")))
    for other in measured[1:]:
        print(line(row, other, f"{ratio(row, other, ours):.1f}x", row.goals.get(other.label, "")))
    for label in missing:
        print(f"| {row.title} | {label} | not installed | | | | | |")
    sys.stdout.flush()


def ratio(row: Row, other: Measured, ours: Measured) -> float:
    """Give how many times more the other one takes; for start-up, how many times more we take."""
    if row.inverse:
        return (ours.wall if row.by_wall else ours.cpu) / (other.wall if row.by_wall else other.cpu)
    return (other.wall if row.by_wall else other.cpu) / (ours.wall if row.by_wall else ours.cpu)


def line(row: Row, measured: Measured, shown: str, goal: str) -> str:
    """Give one line of the table."""
    cells = (row.title, measured.label, f"{measured.cpu:.2f}", measured.spread(), f"{measured.wall:.2f}")
    return "| " + " | ".join((*cells, f"{measured.peak_mb:.0f}", shown, goal)) + " |"


__all__ = ["Command", "main"]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
