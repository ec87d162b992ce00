"""A paper mill whose callers ask again and again, and keep a short hiccup alive that way."""

from __future__ import annotations

from evals.lab.casts import CODES, exporter, table
from evals.lab.incident import (
    Claim,
    Incident,
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
    """Let depot answer slowly for three seconds; after that it is as before, if it were asked as often as before."""
    lab.change("depot", latency={"seconds": 0.7, "path": "/bales"})
    lab.wait(3)
    lab.change("depot", latency=None)


def attempts(logs: Logs, late: bool) -> int:
    """Count the attempts of stock before or after the hiccup began."""
    return len(logs.of("stock", "http").matching(url="/bales").that(lambda row: (row["t"] > logs.fault) == late))


INCIDENT = Incident(
    name="vistula",
    title="Since a hiccup of seconds nearly every sheet order fails, and it does not recover",
    workloads=(
        dns_server("b"),
        load(
            "edge",
            "gateway",
            "b",
            "office.mill",
            [
                call(4, "GET", "/sheets/{1-90}"),
                call(2, "GET", "/grades/{1-20}"),
                call(0.4, "GET", "/grades/{50-60}"),
                call(1, "POST", "/deals", token="4b77aa", send=90),
                call(0.4, "POST", "/deals", send=90),
            ],
            rate=8.0,
            workers=36,
            timeout=9,
        ),
        nginx(
            "mill",
            "office",
            "a",
            {"/sheets": "sheets.mill", "/grades": "grades.mill", "/deals": "deals.mill"},
            patience=8,
        ),
        http_service(
            "mill",
            "sheets",
            "a",
            {"GET /sheets": [http("stock.mill", "/stock/{n}", timeout=4, retries=1, pool=40), answer(size=350)]},
        ),
        http_service(
            "mill",
            "stock",
            "b",
            {"GET /stock": [http("depot.mill", "/bales/{n}", timeout=0.4, retries=4, pool=60), answer(size=250)]},
            version="2.7",
        ),
        http_service("mill", "depot", "a", {"GET /bales": [work(0.09), answer(size=200)]}, workers=1),
        http_service(
            "mill",
            "grades",
            "b",
            {
                "GET /grades": [
                    known(20),
                    cached("shelf.data", "grade:{n}", sql("books.data", "SELECT * FROM entries WHERE id = {n}"), 5),
                    answer(size=500),
                ]
            },
        ),
        http_service(
            "mill",
            "deals",
            "a",
            {
                "POST /deals": [
                    guard(),
                    sql("books.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'deal')"),
                    http("codes.example.net", "/v1/rates", share=0.5, reuse=1, otherwise=0),
                    answer(201),
                ]
            },
        ),
        redis_server("data", "shelf", "b"),
        postgres_server("data", "books", "b", table("entries")),
        exporter("shelf.data"),
    ),
    hosts=(CODES,),
    seconds=22,
    fault_at=7,
    fault=fault,
    drain=8,
    onset_tolerance=4,
    cause=Cause(component="mill/stock", mechanism="retry_amplification"),
    accept=(
        Cause(component="mill/sheets", mechanism="retry_amplification"),
        Cause(component="mill/depot", mechanism="retry_amplification"),
    ),
    chain=("mill/stock", "mill/depot", "mill/sheets", "mill/office", "edge/gateway"),
    facts=(
        Fact(
            says="stock asks depot up to five times for one call, without a pause.",
            match=(r"stock", r"retr|again|attempts|times"),
        ),
        Fact(
            says="depot is asked several times as often as before.",
            match=(r"depot", r"\b\d+(\.\d+)?\s*(x|times|-?fold)|/s"),
        ),
    ),
    claims=(
        Claim(
            'http && src.pod.name.startsWith("stock-") && path.startsWith("/bales")',
            "attempts of stock: several for each call since the onset",
            lambda logs: attempts(logs, late=False) + attempts(logs, late=True),
            slack=3,
        ),
        Claim(
            'http && src.pod.name.startsWith("sheets-") && path.startsWith("/stock")',
            "calls that stock got from sheets",
            lambda logs: len(logs.of("sheets", "http").matching(url="/stock")),
            slack=2,
        ),
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("sheets-")',
            "sheets that failed",
            (8, None),
        ),
        Claim('http && dst.pod.name.startsWith("grades-") && status_code >= 500', "its neighbours are well", 0),
    ),
    must_not_claim=(
        Wrong(component="mill/depot", mechanism="latency_shift", why="It is slow because it is asked so often."),
        Wrong(component="edge/gateway", why="It calls as often as before."),
        Wrong(component="data/books", why="It is as fast as before and not part of this."),
    ),
)
