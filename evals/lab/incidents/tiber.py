"""A clinic whose room planner takes its time, and a caller that keeps four connections for it."""

from __future__ import annotations

from evals.lab.casts import CODES, digest, exporter, table
from evals.lab.incident import (
    Claim,
    Incident,
    Witnessed,
    call,
    dns_server,
    grpc_service,
    http_service,
    load,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.logs import Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, grpc, guard, http, known, sql, work
from evals.lab.truth import Cause, Fact, Wrong

ROOMS = "rooms.clinic"
BY_NUMBER = "SELECT id, owner, note FROM entries WHERE id = {n}"


def fault(lab: Lab) -> None:
    """Let the room planner take 0.9 seconds for each answer."""
    lab.change("rooms", latency={"seconds": 0.9, "path": "/plan"})


def turned_away(logs: Logs) -> int:
    """Count the 503 that visits answered."""
    return len(logs.of("reception").where(status=503).matching(url="^/visits"))


INCIDENT = Incident(
    name="tiber",
    title="Visits are turned away while the room planner is slow",
    workloads=(
        dns_server("b"),
        load(
            "edge",
            "gateway",
            "b",
            "reception.clinic",
            [
                call(5, "GET", "/visits/{1-90}"),
                call(4, "GET", "/patients/{1-40}"),
                call(0.6, "GET", "/patients/{60-99}"),
                call(2, "POST", "/visits", token="3f9a1c", send=120),
                call(0.5, "POST", "/visits", send=120),
                call(0.3, "GET", "/favicon.ico"),
            ],
            rate=11.0,
            workers=14,
            timeout=9,
        ),
        nginx("clinic", "reception", "a", {"/visits": "visits.clinic", "/patients": "patients.clinic"}, patience=8),
        http_service(
            "clinic",
            "visits",
            "a",
            {
                "GET /visits": [
                    sql("records.data", BY_NUMBER),
                    http(ROOMS, "/plan/{n}", pool=3, wait=1.2, timeout=6, otherwise=503),
                    answer(size=420),
                ],
                "POST /visits": [
                    guard(),
                    sql("records.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'visit')"),
                    http("billing.clinic", "/bills", "POST", send=90),
                    answer(201),
                ],
            },
        ),
        http_service("clinic", "rooms", "b", {"GET /plan": [work(0.005), answer(size=260)]}, version="2.2"),
        http_service(
            "clinic",
            "patients",
            "b",
            {
                "GET /patients": [
                    known(50),
                    cached("sessions.data", "patient:{n}", sql("records.data", BY_NUMBER), 5),
                    answer(size=600),
                ]
            },
        ),
        http_service(
            "clinic",
            "billing",
            "a",
            {
                "POST /bills": [
                    work(0.006),
                    http("codes.example.net", "/v1/codes?of={id}", share=0.4, reuse=1),
                    grpc("letters.clinic", "/post.Letters/Send", share=0.7, otherwise=0),
                    answer(201),
                ]
            },
        ),
        grpc_service("clinic", "letters", "b", {"POST /post.Letters/Send": [work(0.004)]}),
        redis_server("data", "sessions", "b"),
        postgres_server("data", "records", "a", table("entries")),
        exporter("sessions.data"),
        digest("records.data", "entries"),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=9,
    fault=fault,
    baseline=10,
    drain=4,
    cause=Cause(component="clinic/rooms", mechanism="latency_shift"),
    accept=(
        Cause(component="clinic/rooms", mechanism="pool_exhaustion"),
        Cause(component="clinic/visits", mechanism="pool_exhaustion"),
    ),
    chain=("clinic/rooms", "clinic/visits", "clinic/reception", "edge/gateway"),
    facts=(
        Fact(
            says="The room planner answers in about 0.9 seconds instead of some milliseconds.",
            match=(r"rooms", r"0\.[789]\d*\s*s|1(\.0)?\s*s|[789]\d\d(\.\d+)?\s*ms"),
        ),
        Fact(says="visits answers 503 because at most three calls to rooms run at once.", match=(r"visits", r"503")),
    ),
    claims=(
        Claim(
            'http && status_code == 503 && dst.pod.name.startsWith("visits-")',
            "visits turns callers away",
            turned_away,
            baseline=0,
            tshark=Witnessed("node-a", "http.response.code == 503 && ip.src == $visits && ip.dst == $reception"),
        ),
        Claim(
            'http && dst.pod.name.startsWith("rooms-") && path.startsWith("/plan") && elapsed_time > 600000',
            "answers of rooms that took longer than 0.6 seconds",
            lambda logs: len(logs.of("visits", "http").matching(url="/plan").longer_than(0.6)),
            slack=1,
            baseline=(0, 0),
            tshark=Witnessed("node-b", "http.response && ip.src == $rooms && http.time > 0.6"),
        ),
        Claim(
            "postgresql && failed",
            "the database refuses nothing",
            0,
        ),
        Claim("http && status_code == 404", "unknown things asked for, all the time", (6, None)),
        Claim("http && status_code == 401", "callers who have not signed in, all the time", (2, None)),
        Claim('http2 && path == "/post.Letters/Send" && failed', "letters fails nothing", 0),
    ),
    must_not_claim=(
        Wrong(component="data/records", why="The database answers as fast as before."),
        Wrong(component="clinic/visits", mechanism="error_burst", why="Its errors are a consequence of waiting."),
        Wrong(component="clinic/letters", why="GOAWAY by age of a connection is normal."),
    ),
)
