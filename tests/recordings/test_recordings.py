"""Captures and the clients' logs beside them agree; tshark is the referee."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
CASES = sorted(path for kind in ("http", "dns", "redis") for path in (HERE / kind).glob("*.pcap"))
NOT_COMPARED = {
    "http/expect_continue": "a body that was announced and refused is missing: the request never completes",
    "http/broken_off": "answers that end inside their body never complete",
    "http/pipelining": "the answer to HEAD is taken to have a body when requests were pipelined",
    "redis/inline": "inline commands are no arrays of bulk strings, which are what is counted here",
}
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def calls(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.with_suffix(".json").read_text())["calls"]
    return found


def fields(path: Path, query: str, *names: str) -> list[list[str]]:
    """The values of the fields, message by message, in the packets that a display filter finds."""
    command = [
        "tshark",
        "-n",
        "-r",
        str(path),
        "-d",
        "tcp.port==9000,http",
        "-Y",
        query,
        "-T",
        "fields",
        "-E",
        "aggregator=|",
    ]
    for name in names:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    columns = [[cell.split("|") for cell in line.split("\t")] for line in done.stdout.splitlines()]
    return [list(message) for packet in columns for message in zip(*packet, strict=True)]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_recording_is_small_and_has_its_log(path: Path):
    assert path.stat().st_size <= 40_000
    assert len(calls(path)) >= 2
    assert json.loads(path.with_suffix(".json").read_text())["about"]


@needs_tshark
@pytest.mark.real
@pytest.mark.parametrize("path", [path for path in CASES if path.parent.name == "http"], ids=lambda path: path.stem)
def test_http_requests_and_answers_are_those_of_the_log(path: Path):
    if why := NOT_COMPARED.get(f"{path.parent.name}/{path.stem}"):
        pytest.skip(why)
    log = calls(path)
    seen = Counter(map(tuple, fields(path, "http.request", "http.request.method", "http.request.uri")))
    assert seen == Counter((call["method"], call["target"]) for call in log)
    statuses = Counter(status for (status,) in fields(path, "http.response.code >= 200", "http.response.code"))
    switched = Counter(status for (status,) in fields(path, "http.response.code == 101", "http.response.code"))
    assert statuses + switched == Counter(str(call["status"]) for call in log)


@needs_tshark
@pytest.mark.real
@pytest.mark.parametrize("path", [path for path in CASES if path.parent.name == "dns"], ids=lambda path: path.stem)
def test_dns_questions_and_answers_are_those_of_the_log(path: Path):
    log = calls(path)
    asked = fields(path, "dns.flags.response == 0", "dns.id", "dns.qry.name")
    answered = fields(path, "dns.flags.response == 1", "dns.id", "dns.qry.name")
    assert len(asked) == sum(call.get("times", 1) for call in log)
    assert len(answered) == sum(call["answered"] for call in log)
    if path.stem != "dig":
        expected = Counter((f"0x{call['id']:04x}", call["name"].rstrip(".")) for call in log if call["answered"])
        assert Counter(map(tuple, answered)) == expected


@needs_tshark
@pytest.mark.real
@pytest.mark.parametrize("path", [path for path in CASES if path.parent.name == "redis"], ids=lambda path: path.stem)
def test_redis_commands_are_those_of_the_log(path: Path):
    if why := NOT_COMPARED.get(f"{path.parent.name}/{path.stem}"):
        pytest.skip(why)
    data = fields(
        path, "tcp.dstport == 6379 && tcp.len > 0 && !tcp.analysis.retransmission", "tcp.stream", "tcp.payload"
    )
    streams: dict[str, bytes] = {}
    for stream, payload in data:
        streams[stream] = streams.get(stream, b"") + bytes.fromhex(payload)
    found = Counter(name.upper() for stream in streams.values() for name in commands(stream))
    expected: Counter[str] = Counter()
    for call in calls(path):
        if "command" in call:
            expected[call["command"][0].upper()] += call.get("times", 1)
    # redis-benchmark asks for two settings first.
    assert found - Counter({"CONFIG": 2 if path.stem == "real_client" else 0}) == expected


def commands(stream: bytes) -> list[str]:
    """The names of the whole commands of a stream that consists of arrays of bulk strings."""
    found, at = [], 0
    while stream[at : at + 1] == b"*":
        end = stream.index(b"\r\n", at)
        count, at, parts = int(stream[at + 1 : end]), end + 2, []
        for _ in range(count):
            end = stream.index(b"\r\n", at)
            if not stream[at + 1 : end].isdigit():
                return found
            size = int(stream[at + 1 : end])
            parts.append(stream[end + 2 : end + 2 + size])
            at = end + 4 + size
        if at > len(stream):
            return found
        found.append(parts[0].decode())
    return found
