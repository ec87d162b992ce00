"""Rebuilding several incidents: at most so many at a time, each with its log, proved afterwards, told in a table."""

from __future__ import annotations

import io
import re
import sys

import pytest

from evals.lab import rebuild as rebuilding
from evals.lab.__main__ import main
from evals.lab.discovery import COMMITTED
from evals.lab.rebuild import Bar, Rebuilt, rebuild, recorder, table
from evals.lab.truth import Expected
from evals.lab.verify import Check, Proof

RECORD = "import pathlib, sys; place = pathlib.Path(sys.argv[1]); place.mkdir(); "
WHOLE = RECORD + "(place / 'node-a.pcap.zst').write_bytes(b'x' * 2000)"


def saying(out, scripts):
    return lambda name: (sys.executable, "-c", scripts[name], str(out / name))


async def prove(folders):
    checks = [Check("kubeshark", "fault", "http", "calls", Expected(min=2, max=2), found) for found in (2, 3)]
    return [Proof(folder.name, checks if folder.name == "wrong" else checks[:1], packets=7) for folder in folders]


def test_what_is_recorded_is_proved_and_what_is_not_says_why(tmp_path):
    scripts = {
        "well": WHOLE,
        "wrong": WHOLE,
        "ends": "import sys; print('more'); sys.exit('no broker listens')",
        "silent": "raise SystemExit(3)",
        "big": RECORD + "(place / 'node-a.pcap.zst').write_bytes(bytes(1_500_001))",
    }
    said = io.StringIO()
    found = rebuild(list(scripts), tmp_path, 2, said, saying(tmp_path, scripts), prove)
    assert [(each.name, each.bytes, each.packets, each.checks, each.reason) for each in found] == [
        ("well", 2000, 7, 1, ""),
        ("wrong", 2000, 7, 2, "FAIL kubeshark (fault): 3 of 2: calls [http]"),
        ("ends", 0, 0, 0, "not recorded: no broker listens"),
        ("silent", 0, 0, 0, "not recorded: ended with 3"),
        ("big", 1_500_001, 0, 0, "captures of 1500001 bytes are over the ceiling of 1500000"),
    ]
    assert (tmp_path / "logs" / "ends.txt").read_text() == "more\nno broker listens\n"
    assert re.findall(r"(recorded|proved) +\[[#.]{24}\] (\d/\d)", said.getvalue()) == [
        *(("recorded", f"{number}/5") for number in range(1, 6)),
        ("proved", "1/2"),
        ("proved", "2/2"),
    ]


def test_no_more_run_at_once_than_asked_for(tmp_path):
    place = tmp_path / "running"
    place.mkdir()
    script = (
        f"import pathlib, os, sys, time; mark = pathlib.Path({str(place)!r}, str(os.getpid())); mark.touch(); "
        f"print(len(list(pathlib.Path({str(place)!r}).iterdir()))); time.sleep(0.1); mark.unlink(); sys.exit('over')"
    )
    rebuild(["a", "b", "c", "d"], tmp_path, 2, io.StringIO(), lambda name: (sys.executable, "-c", script), prove)
    counts = {int((tmp_path / "logs" / f"{name}.txt").read_text().split()[0]) for name in "abcd"}
    assert counts <= {1, 2}


def test_a_recording_that_never_ends_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(rebuilding, "PATIENCE_SECONDS", 0.2)
    endless = (sys.executable, "-c", "import time; time.sleep(60)")
    (found,) = rebuild(["endless"], tmp_path, 1, io.StringIO(), lambda name: endless, prove)
    assert (found.holds, found.reason) == (False, "not recorded: ended with -15")


def test_a_terminal_gets_one_line_that_is_drawn_over():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    drawn = Terminal()
    bar = Bar(2, "recorded", drawn)
    bar.step("aare")
    bar.step("birs")
    assert drawn.getvalue().count("\n") == 1
    assert re.sub(r" +\d s", " 0 s", drawn.getvalue()).split("\r\x1b[K")[1:] == [
        "recorded [############............] 1/2 0 s  aare",
        "recorded [########################] 2/2 0 s  birs\n",
    ]


def test_the_table_names_each_case_and_counts_those_that_hold():
    rebuilt = [
        Rebuilt("aare", 51.4, 400_000, 12_694, 4),
        Rebuilt("rhone", 61, reason="not recorded: no broker listens"),
    ]
    assert table(rebuilt, 90).splitlines() == [
        "case   seconds     MB  packets  verified",
        "aare        51   0.40    12694  yes, 4 checks",
        "rhone       61   0.00        0  NO: not recorded: no broker listens",
        "1 of 2 recorded and verified in 1.5 minutes",
    ]


def test_an_incident_is_recorded_by_the_command_line_without_its_proof(tmp_path):
    assert recorder("tiber", tmp_path)[1:] == (
        "-m",
        "evals.lab",
        "build",
        "tiber",
        "--out",
        str(tmp_path),
        "--unproved",
    )


def test_what_is_committed_is_not_rebuilt_over():
    with pytest.raises(ValueError, match="holds what is committed"):
        main(["rebuild", "tiber", "--out", str(COMMITTED)])


def test_rebuilding_needs_root_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(ValueError, match="needs root"):
        main(["rebuild", "tiber", "--out", str(tmp_path)])
