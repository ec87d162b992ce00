"""A library whose stocktaking keeps its transaction open while borrowers wait for the same rows."""

from __future__ import annotations

from evals.lab.casts import CODES, exporter, table
from evals.lab.incident import (
    Claim,
    Incident,
    Witnessed,
    call,
    dns_server,
    grpc_service,
    http_service,
    job,
    load,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.logs import Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, grpc, guard, http, known, sql, work
from evals.lab.truth import Cause, Fact, Wrong

ARCHIVE = "archive.data"
BY_NUMBER = "SELECT id, owner, note FROM entries WHERE id = {n}"


def counting(seconds: float) -> list[dict[str, object]]:
    """Make the steps of stocktaking: one transaction that touches the first forty rows and lasts so long."""
    alone = {"pool": 1, "user": "app", "otherwise": 0}
    return [
        sql(ARCHIVE, "BEGIN", **alone),
        sql(ARCHIVE, "UPDATE entries SET note = 'seen' WHERE id <= 40", **alone),
        work(seconds),
        sql(ARCHIVE, "COMMIT", **alone),
    ]


def fault(lab: Lab) -> None:
    """Let stocktaking keep its transaction open for seconds."""
    lab.change("stocktake", steps=counting(3.0), every=0.6)


def given_up(logs: Logs) -> int:
    """Count the statements that the database gave up because of their wait."""
    return len(logs.of("loans", "postgresql").where(status="error"))


INCIDENT = Incident(
    name="elbe",
    title="Loans fail now and then since stocktaking goes on",
    workloads=(
        dns_server("a"),
        load(
            "edge",
            "gateway",
            "a",
            "counter.library",
            [
                call(5, "POST", "/loans/{1-40}", token="77ab0e", send=60),
                call(4, "GET", "/loans/{1-300}"),
                call(3, "GET", "/shelves/{1-12}"),
                call(0.5, "GET", "/shelves/{40-60}"),
                call(0.5, "POST", "/loans/{1-40}", send=60),
                call(2, "GET", "/members/{1-30}"),
            ],
            rate=11.0,
            workers=24,
            timeout=9,
        ),
        nginx(
            "library",
            "counter",
            "b",
            {"/loans": "loans.library", "/shelves": "shelves.library", "/members": "members.library"},
            patience=8,
        ),
        http_service(
            "library",
            "loans",
            "a",
            {
                "GET /loans": [sql(ARCHIVE, BY_NUMBER, pool=24), answer(size=300)],
                "POST /loans": [
                    guard(),
                    http("members.library", "/members/{n}"),
                    sql(ARCHIVE, "UPDATE entries SET amount = amount + 1 WHERE id = {n}", pool=24, otherwise=500),
                    grpc("notices.library", "/mail.Notices/Queue", otherwise=0, share=0.6),
                    answer(201),
                ],
            },
        ),
        http_service(
            "library",
            "shelves",
            "b",
            {
                "GET /shelves": [
                    known(12),
                    cached("desk.data", "shelf:{n}", sql(ARCHIVE, BY_NUMBER), 4),
                    answer(size=900),
                ]
            },
        ),
        http_service(
            "library",
            "members",
            "ab",
            {
                "GET /members": [
                    work(0.003),
                    http("codes.example.net", "/v1/card?of={id}", share=0.1, reuse=1),
                    answer(size=250),
                ]
            },
        ),
        grpc_service("library", "notices", "b", {"POST /mail.Notices/Queue": [work(0.003)]}),
        redis_server("data", "desk", "a"),
        postgres_server("data", "archive", "b", table("entries"), lock_timeout="1500", max_connections="60"),
        job("batch", "stocktake", "a", counting(0.02), every=1.0, kind="Job"),
        exporter("desk.data", "b"),
    ),
    hosts=(CODES,),
    seconds=26,
    fault_at=9,
    fault=fault,
    drain=5,
    cause=Cause(component="batch/stocktake", mechanism="lock_contention"),
    accept=(Cause(component="data/archive", mechanism="lock_contention"),),
    chain=("batch/stocktake", "data/archive", "library/loans", "library/counter", "edge/gateway"),
    facts=(
        Fact(
            says="stocktake updates the rows and commits only seconds later.",
            match=(r"stocktake", r"transaction|commit|lock"),
        ),
        Fact(
            says="The updates of loans wait for the rows until lock_timeout (55P03).",
            match=(r"loans", r"55P03|lock[ _]timeout|lock timeout|wait"),
        ),
    ),
    claims=(
        Claim(
            'postgresql && postgresql_error_code == "55P03"',
            "updates that the database gave up",
            given_up,
            tshark=Witnessed("node-b", 'pgsql.code == "55P03" && ip.src == $archive && ip.dst == $loans'),
        ),
        Claim(
            'http && status_code == 500 && dst.pod.name.startsWith("loans-")',
            "loans that failed because of that",
            lambda logs: len(logs.of("counter").where(status=500).matching(url="^/loans")),
            tshark=Witnessed("node-a", "http.response.code == 500 && ip.src == $loans"),
        ),
        Claim(
            'postgresql_command == "UPDATE" && src.pod.name.startsWith("loans-") && elapsed_time > 500000',
            "updates of loans that waited for more than half a second",
            lambda logs: len(logs.of("loans", "postgresql").where(method="UPDATE").longer_than(0.5)),
            slack=1,
        ),
        Claim(
            'postgresql && postgresql_command == "SELECT" && elapsed_time > 500000',
            "no read waits",
            0,
        ),
        Claim("http && status_code == 404", "unknown shelves, all the time", (4, None)),
    ),
    must_not_claim=(
        Wrong(component="data/archive", mechanism="latency_shift", why="Reads and other writes are as fast as before."),
        Wrong(component="library/loans", mechanism="error_burst", why="Its errors are those of its waiting updates."),
        Wrong(component="library/notices", why="GOAWAY by age of a connection is normal."),
    ),
)
