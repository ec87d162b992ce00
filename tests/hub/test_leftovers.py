"""What dead processes left is swept, what living ones are writing is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kubeshark_mcp.hub import leftovers
from kubeshark_mcp.hub.leftovers import QUIET_DEAD_S, QUIET_S, sweep, temporary_name

NAME_IN_ANOTHER_PROCESS = "from kubeshark_mcp.hub.leftovers import temporary_name as t; print(t('building', 'x'))"


def dead_name() -> str:
    """Give a name from a process that has ended."""
    return subprocess.run(
        [sys.executable, "-c", NAME_IN_ANOTHER_PROCESS], check=True, capture_output=True, text=True
    ).stdout.strip()


def left(folder: Path, name: str, age_s: float = 0.0) -> Path:
    path = folder / name
    path.mkdir()
    (path / "half").write_text("x")
    for changed in (path / "half", path):
        os.utime(changed, (time.time() - age_s,) * 2)
    return path


def test_what_a_dead_process_left_is_removed_and_nothing_else(tmp_path: Path):
    left(tmp_path, dead_name())
    (tmp_path / temporary_name("writing")).write_text("being written by this process")
    (tmp_path / ".board.lock").touch()
    left(tmp_path, "whole")
    stays = sorted(path.name for path in tmp_path.iterdir() if "building" not in path.name)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == stays


def test_a_number_that_is_used_again_is_another_process(tmp_path: Path):
    kind, place, pid, start, token, about = temporary_name("building", "x").removeprefix(".").split("-")
    later = left(tmp_path, f".{kind}-{place}-{pid}-{int(start) + 1}-{token}-{about}")
    mine = left(tmp_path, f".{kind}-{place}-{pid}-{start}-{token}-{about}")
    sweep(tmp_path)
    assert (later.exists(), mine.exists()) == (False, True)


def test_a_process_of_another_machine_is_taken_for_alive_until_nothing_changed_for_a_day(tmp_path: Path):
    elsewhere = dead_name().split("-")
    elsewhere[1] = "0123456789ab"
    young = left(tmp_path, "-".join(elsewhere) + "young", age_s=QUIET_S - 60)
    old = left(tmp_path, "-".join(elsewhere) + "old", age_s=QUIET_S + 60)
    sweep(tmp_path)
    assert (young.exists(), old.exists()) == (True, False)


def test_one_new_file_inside_shows_that_somebody_is_at_work(tmp_path: Path):
    elsewhere = dead_name().split("-")
    elsewhere[1] = "0123456789ab"
    old = left(tmp_path, "-".join(elsewhere), age_s=QUIET_S + 60)
    (old / "new").touch()
    os.utime(old, (time.time() - QUIET_S - 60,) * 2)
    sweep(tmp_path)
    assert old.exists()


@pytest.mark.parametrize("ending", ["", ".part"])
def test_names_with_a_number_alone_are_given_an_hour(tmp_path: Path, ending: str):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    young = left(tmp_path, f".index.{process.pid}.0000abcd{ending}", age_s=QUIET_DEAD_S - 60)
    old = left(tmp_path, f".index.{process.pid}.1111abcd{ending}", age_s=QUIET_DEAD_S + 60)
    living = left(tmp_path, f".index.{os.getpid()}.1111abcd{ending}", age_s=QUIET_DEAD_S + 60)
    sweep(tmp_path)
    assert (young.exists(), old.exists(), living.exists()) == (True, False, True)


def test_a_killed_process_that_nobody_waited_for_is_dead(tmp_path: Path):
    script = f"{NAME_IN_ANOTHER_PROCESS}; import sys; sys.stdout.flush(); sys.stdin.read()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = left(tmp_path, process.stdout.readline().strip())
    sweep(tmp_path)
    assert path.exists()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    sweep(tmp_path)
    assert not path.exists()
    process.communicate()


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path: Path):
    sweep(tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_short_enough_for_any_file_system():
    assert len(leftovers.temporary_name("building", "x" * 250)) < 160
