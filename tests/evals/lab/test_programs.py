"""The programs of the pods, on loopback: steps, pools, live settings, gRPC with GOAWAY, DNS, and what they log."""

from __future__ import annotations

import http.client
import json
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import pytest

from evals.lab import steps
from evals.lab.certificates import make_authority, make_certificate
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
    zone = {
        "cart.shop.svc.cluster.local": ["10.96.1.2"],
        "*.example.net": ["203.0.113.9"],
        "a.b.example": ["203.0.113.8"],
    }
    (programs.work / "resolver.json").write_text('{"failing": "b.example"}')
    (programs.work / "zone.json").write_text(json.dumps(zone))
    script = (
        "import sys, struct, json\nfrom dns_server import Zone\nzone = Zone()\n"
        "for name in sys.argv[1:]:\n"
        "    labels = b''.join(bytes([len(part)]) + part.encode() for part in name.split('.')) + bytes(1)\n"
        "    query = struct.pack('!HHHHHH', 7, 256, 1, 0, 0, 0) + labels + struct.pack('!HH', 1, 1)\n"
        "    print(zone.answer(query, ('10.0.0.1', 5), 'udp').hex())\n"
    )
    names = [
        "cart.shop.svc.cluster.local",
        "a.b.example.net",
        "cart.shop.shop.svc.cluster.local",
        "example.net",
        "a.b.example",
    ]
    environment = {**os.environ, "RECORDING_WORK": str(programs.work), "PYTHONPATH": str(PROGRAMS)}
    command = [sys.executable, "-c", script, *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    answers = [bytes.fromhex(line) for line in done.stdout.split()]
    outcomes = [(answer[3] & 15, struct.unpack_from("!H", answer, 6)[0]) for answer in answers]
    assert outcomes == [(0, 1), (0, 1), (3, 0), (3, 0), (2, 0)]
    assert [answer[-4:] for answer in answers[:2]] == [bytes([10, 96, 1, 2]), bytes([203, 0, 113, 9])]


class Redis(socketserver.StreamRequestHandler):
    """Stands for a store in which every key has the value that the server was given."""

    def handle(self) -> None:
        while self.rfile.readline():
            for _ in range(4):
                self.rfile.readline()
            self.wfile.write(b"$1\r\n%s\r\n" % self.server.value)


@pytest.fixture
def serving():
    running = []

    def start(handler, **known) -> int:
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        vars(server).update(known)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.append(server)
        return server.server_address[1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


def test_rare_steps_look_names_up_try_ports_and_compare_stores(programs, serving):
    first, second = serving(Redis, value=b"3"), serving(Redis, value=b"4")
    closed = free_port()

    def stores(*ports: int) -> list[dict]:
        step = steps.agree("127.0.0.1", "127.0.0.1", "rate:{n}")
        return [{**step, "hosts": ["127.0.0.1", "127.0.0.1"], "ports": ports}]

    routes = {
        "GET /name": [steps.lookup("127.0.0.1")],
        "GET /try": [steps.connect(["127.0.0.1"], [first, closed])],
        "GET /same": stores(first, first),
        "GET /other": stores(first, second),
        "GET /large": [steps.answer(size=9000)],
    }
    front = programs.start("front", "http_service", routes=routes)
    assert [ask(front, "GET", f"/{path}/7")[0] for path in ("name", "try", "same", "other")] == [200, 200, 200, 409]
    calls = [call for call in programs.log("front") if call["protocol"] in {"lookup", "tcp"}]
    assert [(call.get("name"), call.get("server_port"), call["error"]) for call in calls] == [
        ("127.0.0.1", None, ""),
        (None, first, ""),
        (None, closed, "ConnectionRefusedError"),
    ]
    assert len(ask(front, "GET", "/large")[1]["text"]) >= 8900


def test_an_answer_beyond_what_the_caller_takes_is_a_failure(programs):
    behind = programs.start("behind", "http_service", routes={"GET /rows": [steps.answer(size=5000)]})
    routes = {
        "GET /little": [steps.http("127.0.0.1", "/rows", port=behind, at_most=1000)],
        "GET /enough": [steps.http("127.0.0.1", "/rows", port=behind, at_most=9000)],
    }
    front = programs.start("front", "http_service", routes=routes)
    assert [ask(front, "GET", path)[0] for path in ("/little", "/enough")] == [502, 200]


def test_more_calls_than_the_limit_are_refused_and_a_held_body_is_waited_for(programs):
    routes = {"GET /a": [steps.answer()], "GET /b": [steps.answer()]}
    limit, hold = {"calls": 2, "seconds": 60, "path": "/a"}, {"seconds": 0.2, "path": "/b"}
    port = programs.start("shop", "http_service", routes=routes, limit=limit, hold=hold)
    assert [ask(port, "GET", "/a")[0] for _ in range(4)] == [200, 200, 429, 429]
    begun = time.monotonic()
    assert ask(port, "GET", "/b")[0] == 200
    assert time.monotonic() - begun >= 0.2


def handshake(port: int, authority: Path, newest: ssl.TLSVersion) -> str:
    context = ssl.create_default_context(cafile=str(authority))
    context.maximum_version = newest
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as raw,
            context.wrap_socket(raw, server_hostname="partner.example") as tls,
        ):
            return tls.version()
    except ssl.SSLError as failure:
        return failure.reason or "failed"


def test_a_host_takes_another_certificate_and_another_version_while_it_runs(programs):
    make_authority(programs.work)
    chain, key = make_certificate(programs.work, "partner.example")
    told = {"routes": {}, "tls": {"chain": str(chain), "key": str(key)}}
    port = programs.start("partner", "http_service", **told)
    authority = programs.work / "authority.pem"
    assert handshake(port, authority, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    make_certificate(programs.work, "partner.example", days_left=-1)
    told["tls"] |= {"oldest": "TLSv1_3", "turn": "1"}
    programs.tell("partner", agent="partner/1", port=port, **told)
    end = time.monotonic() + 10
    while (said := handshake(port, authority, ssl.TLSVersion.TLSv1_2))[:5] != "TLSV1" and time.monotonic() < end:
        pass
    assert said == "TLSV1_ALERT_PROTOCOL_VERSION"
    assert handshake(port, authority, ssl.TLSVersion.TLSv1_3) == "CERTIFICATE_VERIFY_FAILED"


def run_in(programs, script: str, *arguments: str) -> str:
    environment = {**os.environ, "RECORDING_WORK": str(programs.work), "PYTHONPATH": str(PROGRAMS)}
    environment["RECORDING_NAME"] = "caller"
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_a_load_follows_redirects_so_often_and_no_more(programs):
    moved = [steps.answer(302, headers={"Location": "/a"}, now=True)]
    port = programs.start("shop", "http_service", routes={"GET /a": moved})
    programs.tell("caller", agent="caller/1", follow=3)
    script = (
        "import sys\nimport load\nclient = load.HttpClient('127.0.0.1', int(sys.argv[1]), load.LOG, 'caller')\n"
        "client.abrupt = True\nload.make(client, {'method': 'GET', 'path': '/a', 'id': 'f' * 32})\nclient.close()\n"
    )
    run_in(programs, script, str(port))
    assert [(call["status"], call["url"].rpartition("/")[2]) for call in programs.log("caller")] == [(302, "a")] * 4


class Broker(socketserver.StreamRequestHandler):
    """Stands for an AMQP broker: answers what must be answered, delivers one message, keeps what was published."""

    ANSWERS: ClassVar = {
        (10, 11): (0, (10, 30), struct.pack("!HIH", 0, 0, 0)),
        (10, 40): (0, (10, 41), b"\0"),
        (20, 10): (1, (20, 11), struct.pack("!I", 0)),
        (50, 10): (1, (50, 11), b"\1q" + struct.pack("!II", 0, 0)),
        (60, 10): (1, (60, 11), b""),
        (60, 20): (1, (60, 21), b"\1t"),
    }

    def send(self, kind: int, payload: bytes, channel: int = 1) -> None:
        self.wfile.write(struct.pack("!BHI", kind, channel, len(payload)) + payload + b"\xce")

    def handle(self) -> None:
        self.rfile.read(8)
        self.send(1, struct.pack("!HHBB", 10, 10, 0, 9) + struct.pack("!III", 0, 0, 0), 0)
        while len(head := self.rfile.read(7)) == 7:
            kind, _, size = struct.unpack("!BHI", head)
            payload = self.rfile.read(size + 1)[:size]
            if kind == 3:
                self.server.seen.append(payload.decode())
            if kind != 1:
                continue
            method = struct.unpack_from("!HH", payload)
            if method in self.ANSWERS:
                channel, answer, more = self.ANSWERS[method]
                self.send(1, struct.pack("!HH", *answer) + more, channel)
            if method == (60, 20):
                self.send(1, struct.pack("!HH", 60, 60) + b"\1t" + struct.pack("!QB", 9, 0) + b"\0\1q")
                self.send(2, struct.pack("!HHQH", 60, 0, 2, 0))
                self.send(3, b"41")
            if method == (60, 80):
                self.server.seen.append(struct.unpack_from("!Q", payload, 4)[0])


def test_messages_are_published_and_taken(programs, serving):
    seen = []
    port = serving(Broker, seen=seen)
    routes = {"POST /orders": [steps.publish("127.0.0.1", "q", "{n}", port=port), steps.answer(202)]}
    front = programs.start("front", "http_service", routes=routes)
    assert [ask(front, "POST", f"/orders/{number}")[0] for number in (7, 8)] == [202, 202]
    script = (
        "import sys, time\nfrom amqp_client import AmqpClient\nfrom clients import CallLog\n"
        "client = AmqpClient('127.0.0.1', int(sys.argv[1]), CallLog())\n"
        "tag, text = next(client.consume('q', 5))\nclient.acknowledge(tag, text, time.time())\nprint(tag, text)\n"
    )
    assert run_in(programs, script, str(port)).split() == ["9", "41"]
    assert [(call["method"], call["text"]) for call in programs.log("front")] == [("publish", "7"), ("publish", "8")]
    assert [(call["method"], call["text"]) for call in programs.log("caller")] == [("ack", "41")]
    assert seen[:2] == ["7", "8"]


def test_a_directory_takes_who_knows_the_password_and_refuses_others(programs):
    name = "cn=porter,dc=campus,dc=example"
    people = programs.start("people", "ldap_server", users={name: "open"})
    script = (
        "import sys\nfrom clients import CallLog\nfrom ldap_client import person\n"
        "for password in ('open', 'shut'):\n"
        "    try:\n        person(CallLog('who'), '127.0.0.1', sys.argv[1], password, 'u7', int(sys.argv[2]))\n"
        "    except RuntimeError as refused:\n        print(refused)\n"
    )
    assert run_in(programs, script, name, str(people)) == "The directory answered with 49.\n"
    assert [(call["method"], call["status"]) for call in programs.log("who")] == [
        ("bind", 0),
        ("search", 0),
        ("bind", 49),
    ]


class Prepared(socketserver.StreamRequestHandler):
    """Stands for a PostgreSQL that knows no statement twice: Parse of a name it has is an error."""

    def handle(self) -> None:
        self.rfile.read(struct.unpack("!I", self.rfile.read(4))[0] - 4)
        self.wfile.write(b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\5I")
        while head := self.rfile.read(5):
            kind, body = head[:1], self.rfile.read(struct.unpack_from("!I", head, 1)[0] - 4)
            self.server.seen.append(kind.decode())
            if kind == b"P" and b"broken" in body:
                self.wfile.write(b"E\0\0\0\x10SERROR\0C42\0\0")
            elif kind == b"D":
                self.wfile.write(b"1\0\0\0\4" + b"t\0\0\0\6\0\0" + b"n\0\0\0\4")
            elif kind == b"B":
                value = body.rsplit(b"\0\0\0\x02", 1)[1][:2]
                row = struct.pack("!HI", 1, len(value)) + value
                self.wfile.write(b"2\0\0\0\4" + b"D" + struct.pack("!I", len(row) + 4) + row)
            elif kind == b"S":
                self.wfile.write(b"Z\0\0\0\5I")


def test_a_statement_is_prepared_once_a_connection_and_then_bound_and_run(programs, serving):
    seen: list[str] = []
    port = serving(Prepared, seen=seen)
    script = (
        "import sys\nfrom clients import CallLog, PostgresError\nfrom prepared_client import PreparedClient\n"
        "client = PreparedClient('127.0.0.1', int(sys.argv[1]), CallLog('who'))\n"
        "print([client.execute('SELECT $1', [text]) for text in ('ab', 'cd')])\n"
        "try:\n    client.execute('broken $1', ['xx'])\n"
        "except PostgresError as wrong:\n    print('C42' in str(wrong))\n"
    )
    assert run_in(programs, script, str(port)) == "[[['ab']], [['cd']]]\nTrue\n"
    assert "".join(seen).startswith("PDHBESBESP")
    assert [call["status"] for call in programs.log("who")] == ["ok", "ok", "error"]
