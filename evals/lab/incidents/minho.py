"""A post office whose sorting service was pointed at a port on which nobody listens."""

from __future__ import annotations

from evals.lab.casts import CODES, POST, digest, exporter, table
from evals.lab.incident import (
    Claim,
    Incident,
    Witnessed,
    call,
    dns_server,
    http_service,
    load,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.logs import Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, guard, http, known, sql, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Change the target port of the service `sorting` from 8080 to 8090."""
    lab.point_service("sorting", 8090)


def refused(logs: Logs) -> int:
    """Count the connections of parcels that were refused."""
    return len(logs.of("parcels", "http").matching(error="ConnectionRefused"))


INCIDENT = Incident(
    name="minho",
    title="Parcels are no longer taken",
    workloads=(
        dns_server("b"),
        load(
            "edge",
            "gateway",
            "b",
            "hall.postal",
            [
                call(5, "POST", "/parcels/{1-99}", token="a94c3d", send=140),
                call(0.5, "POST", "/parcels/{1-99}", send=140),
                call(4, "GET", "/stamps/{1-30}"),
                call(0.6, "GET", "/stamps/{60-80}"),
                call(2, "GET", "/letters/{1-50}"),
            ],
            rate=12.0,
            workers=10,
        ),
        nginx(
            "postal",
            "hall",
            "a",
            {"/parcels": "parcels.postal", "/stamps": "stamps.postal", "/letters": "letters.postal"},
        ),
        http_service(
            "postal",
            "parcels",
            "a",
            {
                "POST /parcels": [
                    guard(),
                    http("sorting.postal", "/routes/{n}", reuse=5, pool=4),
                    sql("depot.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'parcel')"),
                    answer(201),
                ]
            },
        ),
        http_service("postal", "sorting", "ab", {"GET /routes": [work(0.006), answer(size=200)]}, version="1.9"),
        http_service(
            "postal",
            "stamps",
            "b",
            {
                "GET /stamps": [
                    known(30),
                    cached("drawer.data", "stamp:{n}", sql("depot.data", "SELECT * FROM entries WHERE id = {n}"), 4),
                    answer(size=400),
                ]
            },
        ),
        http_service(
            "postal",
            "letters",
            "b",
            {
                "GET /letters": [
                    http("post.example.org", "/track", "POST", tls=True, send=30, share=0.3, otherwise=0),
                    http("codes.example.net", "/v1/zip", share=0.2, reuse=1, otherwise=0),
                    answer(size=350),
                ]
            },
        ),
        redis_server("data", "drawer", "a"),
        postgres_server("data", "depot", "b", table("entries")),
        exporter("drawer.data"),
        digest("depot.data", "entries"),
    ),
    hosts=(CODES, POST),
    seconds=24,
    fault_at=9,
    fault=fault,
    onset=lambda logs: logs.of("parcels", "http").matching(error="ConnectionRefused"),
    cause=Cause(component="postal/sorting", mechanism="connection_refused"),
    chain=("postal/sorting", "postal/parcels", "postal/hall", "edge/gateway"),
    facts=(
        Fact(says="Connections to sorting go to port 8090 of its pods and are refused.", match=(r"sorting", r"8090")),
        Fact(says="The pods listen on 8080; their health checks there are good.", match=(r"8080",)),
    ),
    claims=(
        Claim(
            'tcp_conn && conn_state == "refused" && src.pod.name.startsWith("parcels-")',
            "connections of parcels that were refused",
            refused,
            tshark=Witnessed("node-a", "tcp.flags.reset == 1 && ip.src == $sorting_service"),
        ),
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("parcels-")',
            "parcels that were not taken",
            lambda logs: len(logs.of("hall").where(status=502).matching(url="^/parcels")),
        ),
        Claim(
            'http && path == "/healthz" && dst.pod.name.startsWith("sorting-") && status_code == 200',
            "the pods of sorting are well",
            (4, None),
        ),
        Claim('http && dst.pod.name.startsWith("sorting-") && status_code >= 500', "and fail nothing", 0),
    ),
    must_not_claim=(
        Wrong(component="postal/parcels", why="It cannot reach what it needs."),
        Wrong(component="postal/sorting", mechanism="error_burst", why="It answers all that reaches it."),
        Wrong(component="postal/sorting", mechanism="silent_drop", why="The refusal is told at once."),
    ),
)
