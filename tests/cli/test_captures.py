"""`entries`, `flows` and `export` as a person runs them, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kubeshark_mcp.capture import open_capture

INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"
NODES = [str(INCIDENT / "node-a.pcap"), str(INCIDENT / "node-b.pcap")]


def run(*arguments: str, code: int = 0, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "kubeshark_mcp", *arguments], capture_output=True, input=stdin, timeout=110, check=False
    )
    text = subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())
    assert text.returncode == code, text.stdout + text.stderr
    return text


def rows(*arguments: str) -> list[dict]:
    return [json.loads(line) for line in run(*arguments, "--format", "jsonl").stdout.splitlines()]


def test_each_line_is_an_entry_with_kfl_names_and_its_evidence():
    (first, *_rest) = found = rows("entries", *NODES, "--kfl", "http && status_code == 502")
    assert len(found) == 40
    assert first["src.pod.name"].startswith("gateway")
    assert first["dst.service.name"] == "storefront"
    assert first["capture"] == {"file": "node-b.pcap", "node": "node-b", "interface": "0"}
    assert first["packets"].keys() == {"request", "response"}
    assert first["stream"].isdecimal()
    assert first["timestamp"].endswith("Z")
    assert first["sightings"] == 2
    assert [row["timestamp"] for row in found] == sorted(row["timestamp"] for row in found)


def test_json_is_one_list_and_a_limit_limits():
    done = run("entries", NODES[0], "--kfl", "http", "--limit", "3", "--format", "json")
    assert len(json.loads(done.stdout)) == 3


def test_a_table_has_a_line_an_entry_without_colours_in_a_pipe():
    done = run("entries", *NODES, "--kfl", "http && status_code == 502", "--limit", "2")
    heading, rule, *lines = done.stdout.splitlines()
    assert heading.split() == ["time", "proto", "source", "destination", "summary", "status", "ms", "seen"]
    assert set(rule) == {"-", " "}
    assert len(lines) == 2
    assert "\x1b" not in done.stdout + done.stderr


def test_sightings_are_shown_apart_on_request():
    joined = rows("entries", *NODES, "--kfl", "redis")
    apart = rows("entries", *NODES, "--kfl", "redis", "--keep-duplicates")
    assert len(apart) == 2 * len(joined)


def test_a_port_can_be_taken_for_a_protocol_by_force():
    arguments = ["entries", NODES[0], "--keep-duplicates", "--kfl", "dst.port == 8000 && http"]
    assert len(rows(*arguments)) > 100
    assert rows(*arguments, "--decode-as", "tcp.port==8000,redis") == []


def test_standard_input_is_a_capture_too():
    data = (INCIDENT / "node-a.pcap").read_bytes()
    done = run("entries", "-", "--kfl", "dns", "--format", "jsonl", stdin=data)
    assert {json.loads(line)["node_name"] for line in done.stdout.splitlines()} == {"stdin"}


def test_a_node_can_be_named():
    done = rows("entries", f"worker-7={NODES[0]}", "--kfl", "dns", "--limit", "1")
    assert done[0]["node_name"] == "worker-7"


def test_flows_are_connections_with_their_protocols():
    found = rows("flows", *NODES)
    assert {row["protocol"] for row in found} == {"tcp_conn", "udp_conn"}
    assert sum(row["sightings"] > 1 for row in found) > 80
    heading = run("flows", NODES[0]).stdout.splitlines()[0]
    assert heading.split()[:4] == ["time", "proto", "client", "server"]


def test_an_export_keeps_what_the_filter_says(tmp_path: Path):
    out = tmp_path / "redis.pcap"
    done = run("export", *NODES, "-w", str(out), "--bpf", "port 6379")
    with open_capture(out) as capture:
        ports = [
            {int(port) for pair in zip(block.source_port, block.destination_port, strict=True) for port in pair}
            for block in capture.blocks()
        ]
    assert 6379 in ports[0]
    assert done.stdout.startswith("wrote ")
    run("export", *NODES, "-w", str(out), code=2)
    run("export", *NODES, "-w", str(out), "--overwrite", "--nodes", "node-a")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["entries", "missing.pcap"], 1, "'missing.pcap'"),
        (["entries", str(INCIDENT)], 1, "folder"),
        (["entries", str(INCIDENT / "resources.json")], 1, "resources.json"),
        (["entries", NODES[0], "--kfl", "http &&"], 2, "line 1"),
        (["entries", NODES[0], "--kfl", 'status_code == "x"'], 2, "status_code"),
        (["entries", NODES[0], "--limit", "0"], 2, "--limit"),
        (["entries", NODES[0], "--decode-as", "80=http"], 2, "tcp.port==8123,http"),
        (["entries", NODES[0], "--decode-as", "tcp.port==80,nope"], 2, "names no protocol"),
        (["entries", NODES[0], "--resources", NODES[1]], 2, "is not JSON"),
        (["export", NODES[0], "-w", "/tmp/x.pcap", "--bpf", "port port"], 2, "port port"),
        (["export", NODES[0], "-w", "/tmp/x.pcap", "--nodes", "moon"], 2, "no node 'moon'"),
        (["export", NODES[0], "-w", "/tmp/x.pcap", "--start", "yesterday-ish"], 2, "--start"),
        (["nonsense"], 2, "nonsense"),
    ],
)
def test_bad_input_is_a_sentence_on_standard_error_and_an_exit_code(arguments, code, says, tmp_path):
    done = run(*arguments, code=code)
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not Path("/tmp/x.pcap").exists()


def test_an_empty_file_is_no_capture(tmp_path: Path):
    empty = tmp_path / "empty.pcap"
    empty.touch()
    assert "empty" in run("entries", str(empty), code=1).stderr


def test_a_key_log_decrypts_what_tls_carries():
    capture = Path(__file__).resolve().parents[1] / "recordings" / "tlsx" / "suites_aead.pcap"
    beside = rows("entries", str(capture), "--kfl", "http && tls")
    named = rows("entries", str(capture), "--kfl", "http && tls", "--keylog", f"{capture}.keylog")
    assert [row["path"] for row in beside] == [row["path"] for row in named] == ["/index.html"] * 7
    other = run("entries", str(capture), "--kfl", "http && tls", "--keylog", f"{capture.with_stem('weak')}.keylog")
    assert "no entries" in other.stdout
