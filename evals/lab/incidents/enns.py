"""An ordinary day of programs that wait on purpose: long polls, a list that blocks, a nightly sum, 409 and 304."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, call, grpc_service, http_service, job, load
from evals.lab.steps import answer, grpc, http, prepared, redis, sql, work
from evals.lab.truth import Wrong

INCIDENT = Incident(
    name="enns",
    title="An ordinary day of programs that wait on purpose",
    workloads=(
        *borough("mill", "office", {"sacks": 15.0, "bells": 15.0}, "grains", "carts", "book", "ledger", "hopper"),
        listens(
            http_service(
                "mill",
                "sacks",
                "ab",
                {
                    "GET /sacks": [
                        grpc("scales.mill", "/mass.Scales/Of", port=7002, otherwise=0),
                        answer(409, size=80, share=0.06, now=True),
                        answer(304, size=1, share=0.2, now=True, body=""),
                        answer(size=300),
                    ]
                },
            ),
            9000,
        ),
        listens(http_service("mill", "bells", "c", {"GET /bells": [work(4.0), answer(204, size=1)]}), 9000),
        listens(
            grpc_service(
                "mill", "scales", "c", {"POST /mass.Scales/Of": [work(0.003), answer(404, share=0.1, now=True)]}
            ),
            7002,
        ),
        job("mill", "waiter", "a", [redis("hopper.mill", "BLPOP", "sacks:full", 3, port=6380)], every=0.1),
        job("mill", "sums", "b", [sql("ledger.mill", "SELECT pg_sleep(1.5), sum(amount) FROM entries")], every=4),
        job("mill", "crier", "b", [http("codes.example.net", "/v1/codes?of={n}", reuse=1)], every=1),
        job("mill", "clerk", "c", [prepared("ledger.mill", "SELECT max(id) FROM entries")], every=1),
        load(
            "town",
            "gateway",
            "a",
            "office.mill",
            [
                *visitors("grains", "carts", "mi7"),
                call(4, "GET", "/sacks/{1-60}"),
                call(0.8, "GET", "/bells/{1-9}"),
            ],
            rate=12.0,
            workers=24,
            timeout=14,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    drain=6,
    claims=(
        Claim("http && status_code >= 500", "nothing fails", 0),
        Claim(
            'http && path.startsWith("/bells") && dst.pod.name.startsWith("bells-") && elapsed_time > 2000000',
            "long polls, which are answered when there is something to tell",
            lambda logs: len(logs.of("office", "http").matching(url="/bells")),
            slack=2,
        ),
        Claim(
            'http && status_code == 409 && dst.pod.name.startsWith("sacks-")',
            "sacks that somebody else took first, all the time",
            lambda logs: len(logs.of("office", "http").where(status=409)),
        ),
        Claim("postgresql && failed", "the database refuses nothing", 0),
        Claim("redis && failed", "Redis refuses nothing", 0),
    ),
    must_not_claim=(
        Wrong(component="mill/bells", why="Its answers are long polls."),
        Wrong(component="mill/hopper", why="BLPOP waits until there is something, and nothing comes for seconds."),
        Wrong(component="mill/ledger", why="The sum sleeps on purpose."),
        Wrong(component="mill/sacks", why="409 is an answer."),
        Wrong(component="mill/scales", why="NOT_FOUND is an answer."),
    ),
)
