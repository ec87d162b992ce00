"""A theatre whose box office suddenly cannot reach the seating plan, while others can."""

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


def fault(lab: Lab) -> None:
    """Drop everything from office to seats on the node of seats, as a policy does."""
    lab.drop_between("office", "seats")


def timed_out(logs: Logs) -> int:
    """Count the calls of office that got no answer in time."""
    return len(logs.of("office", "http").matching(url="/seats", error="[Tt]ime"))


INCIDENT = Incident(
    name="ebro",
    title="The box office no longer sells seats; the programme still shows them",
    workloads=(
        dns_server("a"),
        load(
            "edge",
            "gateway",
            "a",
            "foyer.theatre",
            [
                call(4, "POST", "/office/{1-200}", token="e7710c", send=70),
                call(0.5, "POST", "/office/{1-200}", send=70),
                call(4, "GET", "/programme/{1-40}"),
                call(0.6, "GET", "/programme/{90-99}"),
                call(2, "GET", "/reviews/{1-30}"),
            ],
            rate=11.0,
            workers=30,
            timeout=9,
        ),
        nginx(
            "theatre",
            "foyer",
            "b",
            {"/office": "office.theatre", "/programme": "programme.theatre", "/reviews": "reviews.theatre"},
            patience=8,
        ),
        http_service(
            "theatre",
            "office",
            "a",
            {
                "POST /office": [
                    guard(),
                    http("seats.theatre", "/seats/{n}", timeout=2.5, pool=30, reuse=8, otherwise=504),
                    sql("till.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'seat')"),
                    answer(201),
                ]
            },
        ),
        http_service("theatre", "seats", "b", {"GET /seats": [work(0.005), answer(size=240)]}, version="4.0"),
        http_service(
            "theatre",
            "programme",
            "a",
            {"GET /programme": [known(50), http("seats.theatre", "/seats/{n}", reuse=10), answer(size=800)]},
        ),
        http_service(
            "theatre",
            "reviews",
            "b",
            {
                "GET /reviews": [
                    cached("cloakroom.data", "review:{n}", sql("till.data", "SELECT * FROM entries WHERE id = {n}"), 4),
                    grpc("ushers.theatre", "/hall.Ushers/Ask", otherwise=0),
                    http("codes.example.net", "/v1/press", share=0.2, reuse=1, otherwise=0),
                    answer(size=600),
                ]
            },
        ),
        grpc_service("theatre", "ushers", "a", {"POST /hall.Ushers/Ask": [work(0.003)]}),
        redis_server("data", "cloakroom", "b"),
        postgres_server("data", "till", "b", table("entries")),
        exporter("cloakroom.data"),
        digest("till.data", "entries"),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=9,
    fault=fault,
    drain=4,
    cause=Cause(component="theatre/seats", mechanism="silent_drop"),
    accept=(Cause(component="theatre/office", mechanism="silent_drop"),),
    chain=("theatre/seats", "theatre/office", "theatre/foyer", "edge/gateway"),
    facts=(
        Fact(
            says="SYNs from office to seats are sent again and never answered.",
            match=(r"office", r"seats", r"SYN|handshake|no answer|unanswered"),
        ),
        Fact(says="programme reaches seats as before.", match=(r"programme",)),
    ),
    claims=(
        Claim(
            'tcp_conn && conn_state == "syn_sent" && src.pod.name.startsWith("office-")',
            "connections of office that were never answered",
            (6, None),
            tshark=Witnessed(
                "node-a",
                "tcp.flags.syn == 1 && tcp.flags.ack == 0 && ip.src == $office && ip.dst == $seats_service"
                " && tcp.analysis.retransmission",
                (6, None),
            ),
        ),
        Claim(
            'http && src.pod.name.startsWith("programme-") && dst.pod.name.startsWith("seats-") && status_code == 200',
            "programme reaches seats all the time",
            lambda logs: len(logs.of("programme", "http").matching(url="/seats").where(status=200)),
        ),
        Claim(
            'http && status_code == 504 && dst.pod.name.startsWith("office-")',
            "sales that failed",
            lambda logs: len(logs.of("foyer").where(status=504).matching(url="^/office")),
        ),
        Claim(
            'tcp_conn && conn_state == "refused" && dst.pod.name.startsWith("seats-")',
            "nothing is refused",
            0,
        ),
    ),
    must_not_claim=(
        Wrong(component="theatre/seats", mechanism="no_response", why="It answers all that reaches it."),
        Wrong(component="theatre/seats", mechanism="latency_shift", why="It answers others as fast as before."),
        Wrong(component="node-b", mechanism="packet_loss", why="Only one pair is concerned."),
    ),
)
