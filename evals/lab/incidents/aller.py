"""A bakery whose cache was demoted to a replica and takes no writes any more."""

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
    load,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.logs import Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, grpc, guard, http, known, redis, sql, work
from evals.lab.truth import Cause, Fact, Wrong

PANTRY, BOOKS = "pantry.data", "books.data"
SLOWLY = "SELECT id, owner, note, pg_sleep(0.18) FROM entries WHERE id = {n}"


def prepare(lab: Lab) -> None:
    """Let the standby follow the cache that everybody uses, as it does from the start."""
    lab.redis("larder", "REPLICAOF", lab.pods("pantry")[0].address, "6379")
    lab.wait(1.5)


def fault(lab: Lab) -> None:
    """Fail over: the standby becomes the primary, and the service still points at the old one."""
    lab.redis("larder", "REPLICAOF", "NO", "ONE")
    lab.redis("pantry", "REPLICAOF", lab.pods("larder")[0].address, "6379")


def refused(logs: Logs) -> int:
    """Count the writes that the cache refused."""
    return len(logs.all("redis").where(status="error").matching(error="^READONLY"))


def reads(logs: Logs, late: bool) -> int:
    """Count the slow reads of the menu before or after the failover."""
    return len(logs.of("menu", "postgresql").that(lambda row: (row["t"] > logs.fault) == late))


INCIDENT = Incident(
    name="aller",
    title="The menu loads slowly and often not at all",
    workloads=(
        dns_server("b"),
        load(
            "edge",
            "gateway",
            "a",
            "window.bakery",
            [
                call(8, "GET", "/menu/{1-9}"),
                call(2, "GET", "/baskets/{1-20}"),
                call(2, "POST", "/orders/{1-300}", token="9b1e07", send=80),
                call(0.5, "POST", "/orders/{1-9}", send=80),
                call(0.6, "GET", "/menu/{500-600}"),
            ],
            rate=14.0,
            workers=20,
            timeout=8,
        ),
        nginx(
            "bakery",
            "window",
            "b",
            {"/menu": "menu.bakery", "/baskets": "orders.bakery", "/orders": "orders.bakery"},
            patience=7,
        ),
        http_service(
            "bakery",
            "menu",
            "a",
            {
                "GET /menu": [
                    known(400),
                    cached(PANTRY, "menu:{n}", sql(BOOKS, SLOWLY, pool=1, wait=0.8, otherwise=503), 6),
                    answer(size=700),
                ]
            },
        ),
        http_service(
            "bakery",
            "orders",
            "b",
            {
                "GET /baskets": [redis(PANTRY, "GET", "basket:{n}"), answer(size=160)],
                "POST /orders": [
                    guard(),
                    http("oven.bakery", "/slots", "POST", send=40),
                    sql(BOOKS, "UPDATE entries SET amount = amount + 1 WHERE id = {n}"),
                    answer(201),
                ],
            },
        ),
        http_service(
            "bakery",
            "oven",
            "a",
            {
                "POST /slots": [
                    work(0.006),
                    grpc("scales.bakery", "/shop.Scales/Weigh", otherwise=0),
                    http("codes.example.net", "/v1/flour", share=0.2, reuse=1, otherwise=0),
                    answer(201),
                ]
            },
        ),
        grpc_service("bakery", "scales", "b", {"POST /shop.Scales/Weigh": [work(0.003)]}),
        redis_server("data", "pantry", "b", repl_diskless_sync_delay="0"),
        redis_server("data", "larder", "a", repl_diskless_sync_delay="0"),
        postgres_server("data", "books", "b", table("entries")),
        exporter(PANTRY),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=9,
    prepare=prepare,
    fault=fault,
    onset=lambda logs: logs.all("redis").where(status="error"),
    drain=3,
    cause=Cause(component="data/pantry", mechanism="cache_failure"),
    chain=("data/pantry", "bakery/menu", "data/books", "bakery/window", "edge/gateway"),
    facts=(
        Fact(
            says="pantry refuses writes with READONLY: it has become a replica.",
            match=(r"pantry|redis", r"READONLY|read.only"),
        ),
        Fact(
            says="So menu asks the database for everything, and calls wait for its one connection.",
            match=(r"menu", r"postgres|database|books"),
        ),
    ),
    claims=(
        Claim(
            'redis && redis_error.startsWith("READONLY")',
            "writes that the cache refused",
            refused,
            tshark=Witnessed("node-b", 'resp.error contains "READONLY" && ip.src == $pantry'),
        ),
        Claim(
            'postgresql && postgresql_query.contains("pg_sleep") && src.pod.name.startsWith("menu-")',
            "reads of the menu from the database",
            lambda logs: reads(logs, late=False) + reads(logs, late=True),
        ),
        Claim(
            'http && status_code == 503 && dst.pod.name.startsWith("menu-")',
            "calls that got no connection",
            lambda logs: len(logs.of("window").where(status=503).matching(url="^/menu")),
            tshark=Witnessed("node-a", "http.response.code == 503 && ip.src == $menu"),
        ),
        Claim("postgresql && failed", "the database refuses nothing", 0),
        Claim("http && status_code == 404", "unknown products, all the time", (4, None)),
    ),
    must_not_claim=(
        Wrong(component="data/books", why="Each of its statements takes as long as before; there are more of them."),
        Wrong(component="bakery/menu", mechanism="error_burst", why="Its 503 follow from the cache."),
        Wrong(component="data/larder", why="It is the new primary and healthy."),
    ),
)
