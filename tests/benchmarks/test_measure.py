"""Whole commands are measured: seconds, memory, and failure."""

from __future__ import annotations

import sys

import pytest

from benchmarks.measure import Command, Sample, compare, run

PYTHON = [sys.executable, "-S", "-c"]


def test_a_command_is_measured_by_itself_however_large_the_one_is_that_measures():
    ballast = bytearray(200_000_000)
    ballast[::4096] = b"x" * len(ballast[::4096])
    sample = run(Command("small", [*PYTHON, "sum(range(10**6))"]))
    assert 0 < sample.cpu < 30
    assert 0 < sample.wall < 60
    assert 1 < sample.peak_mb < 100


def test_a_command_that_fails_ends_the_benchmark_with_its_own_words():
    with pytest.raises(RuntimeError, match="wrong ended with 3: no such thing"):
        run(Command("wrong", [*PYTHON, "import sys; sys.stderr.write('no such thing'); sys.exit(3)"]))
    assert isinstance(run(Command("wrong", [*PYTHON, "raise SystemExit(3)"], ok=(3,))), Sample)


def test_a_command_gets_its_environment_and_all_take_turns(tmp_path):
    log = tmp_path / "log"
    script = f"import os; open({str(log)!r}, 'a').write(os.environ['NAME'])"
    commands = [Command(name, [*PYTHON, script], environment={"NAME": name}) for name in "ab"]
    measured = compare(commands, 2)
    assert log.read_text() == "abab"
    assert [(one.label, len(one.samples)) for one in measured] == [("a", 2), ("b", 2)]
