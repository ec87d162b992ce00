"""The programs of the pods, on loopback: steps, pools, live settings, gRPC with GOAWAY, DNS, and what they log."""

from __future__ import annotations

import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evals.lab import steps
from evals.lab.running import PROGRAMS


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Programs:
    """Programs in a work folder of their own."""

    def __init__(self, work: Path) -> None:
        self.work = work
        for folder in ("calls", "settings"):
            (work / folder).mkdir()
        (work / "phase").write_text("run")
        self.running: list[subprocess.Popen[bytes]] = []

    def tell(self, name: str, **settings) -> None:
        (self.work / "settings" / f"{name}.new").write_text(json.dumps(settings))
        (self.work / "settings" / f"{name}.new").replace(self.work / "settings" / f"{name}.json")

    def start(self, name: str, program: str, **settings) -> int:
        settings.setdefault("port", free_port())
        self.tell(name, agent=f"{name}/1", **settings)
        environment = {**os.environ, "RECORDING_WORK": str(self.work), "RECORDING_NAME": name}
        command = [sys.executable, str(PROGRAMS / f"{program}.py")]
        self.running.append(subprocess.Popen(command, env=environment))
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", settings["port"]), 1).close()
                return settings["port"]
            except OSError:
                assert self.running[-1].poll() is None
        raise TimeoutError(name)

    def log(self, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.work / "calls" / f"{name}.jsonl").read_text().splitlines()]


@pytest.fixture
def programs(tmp_path):
    found = Programs(tmp_path)
    yield found
    for process in found.running:
        process.kill()
        process.wait()


def ask(port: int, method: str, path: str, **headers: str) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def test_a_service_carries_out_its_steps_and_logs_the_calls_it_makes(programs):
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    behind = programs.start("behind", "http_service", routes={"GET /rows": [steps.answer(size=200)]})
    routes = {
        "GET /open": [steps.http("127.0.0.1", "/rows/{n}", port=behind), steps.answer(201)],
        "GET /known": [steps.known(5)],
        "POST /guarded": [steps.guard(), steps.answer(202)],
        "GET /lost": [steps.http("127.0.0.1", "/nowhere", port=behind)],
        "GET /nobody": [steps.http("127.0.0.1", "/", port=free_port(), otherwise=504)],
        "GET /nevermind": [steps.http("127.0.0.1", "/", port=free_port(), otherwise=0)],
    }
    front = programs.start("front", "http_service", routes=routes)
    paths = ["/open/7", "/known/5", "/known/6", "/lost", "/nobody", "/nevermind", "/healthz", "/else"]
    assert [ask(front, "GET", path, traceparent=trace)[0] for path in paths] == [201, 200, 404, 404, 504, 200, 200, 404]
    assert [ask(front, "POST", "/guarded", **headers)[0] for headers in ({}, {"Authorization": "Bearer x"})] == [
        401,
        202,
    ]
    calls = programs.log("front")
    assert [(call["url"].rpartition("/")[2], call["status"]) for call in calls] == [
        ("7", 200),
        ("nowhere", 404),
        ("", 0),
        ("", 0),
    ]
    assert calls[0]["trace"].split("-")[1] == "a" * 32
    assert calls[0]["trace"].split("-")[2] != "b" * 16
    assert "ConnectionRefusedError" in calls[2]["error"]


def test_settings_change_while_a_service_runs(programs):
    port = programs.start("shop", "http_service", routes={"GET /a": [steps.answer()]})
    assert ask(port, "GET", "/a")[0] == 200
    routes = {"GET /a": [steps.answer()]}
    programs.tell("shop", agent="shop/1", port=port, routes=routes, fail={"status": 500, "share": 1, "path": "/a"})
    assert ask(port, "GET", "/a")[0] == 500
    assert ask(port, "GET", "/healthz")[0] == 200


def test_who_finds_no_free_connection_in_time_is_turned_away(programs):
    behind = programs.start("behind", "http_service", routes={"GET /slow": [steps.work(0.5)]})
    step = steps.http("127.0.0.1", "/slow", port=behind, pool=1, wait=0.05, otherwise=503)
    front = programs.start("front", "http_service", routes={"GET /a": [step]})
    first = http.client.HTTPConnection("127.0.0.1", front, timeout=10)
    first.request("GET", "/a")
    statuses = set()
    while 503 not in statuses and len(programs.log("front")) == 0:
        statuses.add(ask(front, "GET", "/a")[0])
    assert 503 in statuses
    assert first.getresponse().status == 200


def test_grpc_calls_end_with_their_status_their_deadline_and_survive_goaway(programs):
    routes = {
        "POST /a.B/Fast": [steps.answer(size=90)],
        "POST /a.B/Slow": [steps.work(2.0)],
        "POST /a.B/No": [steps.answer(503, now=True)],
    }
    server = programs.start("server", "grpc_service", routes=routes, max_age=0)
    methods = ["/a.B/Fast", "/a.B/Fast", "/a.B/No", "/a.B/Missing", "/a.B/Slow", "/a.B/Fast"]
    alone = {"port": server, "pool": 1, "otherwise": 0}
    chain = [steps.grpc("127.0.0.1", method, deadline=0.3, **alone) for method in methods]
    front = programs.start("front", "http_service", routes={"GET /a": chain})
    assert ask(front, "GET", "/a")[0] == 200
    calls = programs.log("front")
    assert [call["status"] for call in calls] == [0, 0, 14, 12, 4, 0]
    assert len({call["client_port"] for call in calls}) > 1, "GOAWAY makes the client take another connection"


def test_dns_answers_what_the_zone_has_and_notices_changes(programs):
    zone = {"cart.shop.svc.cluster.local": ["10.96.1.2"], "*.example.net": ["203.0.113.9"]}
    (programs.work / "zone.json").write_text(json.dumps(zone))
    script = (
        "import sys, struct, json\nfrom dns_server import Zone\nzone = Zone()\n"
        "for name in sys.argv[1:]:\n"
        "    labels = b''.join(bytes([len(part)]) + part.encode() for part in name.split('.')) + bytes(1)\n"
        "    query = struct.pack('!HHHHHH', 7, 256, 1, 0, 0, 0) + labels + struct.pack('!HH', 1, 1)\n"
        "    print(zone.answer(query, ('10.0.0.1', 5), 'udp').hex())\n"
    )
    names = ["cart.shop.svc.cluster.local", "a.b.example.net", "cart.shop.shop.svc.cluster.local", "example.net"]
    environment = {**os.environ, "RECORDING_WORK": str(programs.work), "PYTHONPATH": str(PROGRAMS)}
    command = [sys.executable, "-c", script, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answers = [bytes.fromhex(line) for line in done.stdout.split()]
    outcomes = [(answer[3] & 15, struct.unpack_from("!H", answer, 6)[0]) for answer in answers]
    assert outcomes == [(0, 1), (0, 1), (3, 0), (3, 0)]
    assert [answer[-4:] for answer in answers[:2]] == [bytes([10, 96, 1, 2]), bytes([203, 0, 113, 9])]
