"""`trace`, `map` and `timeline` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from typer.testing import CliRunner

from kubeshark_mcp.cli import app

INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"
NODES = [str(INCIDENT / "node-a.pcap"), str(INCIDENT / "node-b.pcap")]
SMALL = str(Path(__file__).resolve().parents[1] / "recordings" / "http" / "curl.pcap")
RESOURCES = ["--resources", str(INCIDENT / "resources.json")]


def run(*arguments: str, code: int = 0):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == code, done.output
    return done


def test_a_timeline_and_a_trace_of_what_it_names():
    found = json.loads(run("timeline", *NODES, *RESOURCES, "--format", "json").stdout)
    shown = next(event for event in found["events"] if event["what"] == "failures")
    number = shown["handle"].removeprefix("#")
    ladder = run("trace", *NODES, *RESOURCES, "--id", number).stdout
    assert ladder.splitlines()[0].split(" calls, ")[0].isdecimal()
    assert "<- asked" in ladder
    hops = json.loads(run("trace", SMALL, "--id", "1", "--format", "json").stdout)["hops"]
    assert sum(hop["asked"] for hop in hops) == 1
    assert "There is no call 999999" in run("trace", SMALL, "--id", "999999", code=1).stderr


def test_a_timeline_is_a_table_in_a_pipe():
    heading, *lines = run("timeline", SMALL).stdout.splitlines()
    assert heading.split() == ["time", "after", "what", "event", "evidence"]
    assert "capture begins on curl" in lines[0]


def test_a_map_is_drawn_in_every_form(tmp_path: Path):
    for ending, sign in ((".svg", "<svg"), (".html", "<!doctype html>"), (".mmd", "flowchart LR"), (".json", "{")):
        path = tmp_path / f"map{ending}"
        done = run("map", SMALL, "-o", str(path))
        assert "links drawn to" in done.stderr
        assert path.read_text().startswith(sign)
    ElementTree.parse(tmp_path / "map.svg")
    assert json.loads((tmp_path / "map.json").read_text())["links"]
    assert "exists already" in run("map", SMALL, "-o", str(tmp_path / "map.svg"), code=2).stderr
    assert "'.png'" in run("map", SMALL, "-o", str(tmp_path / "map.png"), code=2).stderr


def test_without_a_file_the_map_is_a_table():
    done = run("map", NODES[0], *RESOURCES, "--service", "data/redis")
    heading, *lines = done.stdout.splitlines()
    assert heading.startswith("client")
    assert any(line.startswith("shop/orders") for line in lines)
