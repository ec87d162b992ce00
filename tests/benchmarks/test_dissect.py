"""Captures dissected by the benchmark."""

from __future__ import annotations

from pathlib import Path

from benchmarks.dissect import main

RECORDED = Path(__file__).resolve().parents[1] / "recordings" / "mongodb" / "commands.pcap"


def test_entries_and_memory_are_told(capsys):
    assert main([str(RECORDED), "--workers", "1"]) == 0
    entries, memory = capsys.readouterr().out.splitlines()
    assert int(entries.split(" ", 1)[0]) > 0
    assert "'mongodb': " in entries
    assert memory.startswith("peak memory: ")
