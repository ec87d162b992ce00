"""A vineyard whose invoicing logs in with a password that has run out."""

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

OWN = {"user": "invoices_rw", "password": "s0lar-plexus", "reuse": 5, "pool": 6}


def fault(lab: Lab) -> None:
    """Let the role's password run out; sessions that are open stay."""
    lab.sql("cellar", "ALTER ROLE invoices_rw VALID UNTIL '2026-01-01'")


def refused(logs: Logs) -> int:
    """Count the logins that the database refused."""
    return len(logs.of("invoices", "postgresql").where(status="refused"))


INCIDENT = Incident(
    name="drava",
    title="Fewer and fewer invoices can be written",
    workloads=(
        dns_server("b"),
        load(
            "edge",
            "gateway",
            "a",
            "yard.vineyard",
            [
                call(5, "POST", "/invoices/{1-90}", token="1f0c9e", send=120),
                call(0.6, "POST", "/invoices/{1-90}", send=120),
                call(4, "GET", "/bottles/{1-40}"),
                call(0.6, "GET", "/bottles/{80-99}"),
                call(2, "GET", "/tastings/{1-30}"),
            ],
            rate=12.0,
            workers=10,
        ),
        nginx(
            "vineyard",
            "yard",
            "b",
            {"/invoices": "invoices.vineyard", "/bottles": "bottles.vineyard", "/tastings": "tastings.vineyard"},
        ),
        http_service(
            "vineyard",
            "invoices",
            "a",
            {
                "POST /invoices": [
                    guard(),
                    http("bottles.vineyard", "/bottles/{n}", pass_on=False, otherwise=0),
                    sql(
                        "cellar.data",
                        "INSERT INTO entries (owner, note) VALUES ('{id}', 'invoice')",
                        otherwise=500,
                        **OWN,
                    ),
                    answer(201),
                ]
            },
        ),
        http_service(
            "vineyard",
            "bottles",
            "b",
            {
                "GET /bottles": [
                    known(60),
                    cached("rack.data", "bottle:{n}", sql("cellar.data", "SELECT * FROM entries WHERE id = {n}"), 4),
                    answer(size=500),
                ]
            },
        ),
        http_service(
            "vineyard",
            "tastings",
            "a",
            {
                "GET /tastings": [
                    grpc("guests.vineyard", "/list.Guests/Find", otherwise=0),
                    http("codes.example.net", "/v1/wines", share=0.2, reuse=1, otherwise=0),
                    answer(size=400),
                ]
            },
        ),
        grpc_service("vineyard", "guests", "b", {"POST /list.Guests/Find": [work(0.004)]}),
        redis_server("data", "rack", "a"),
        postgres_server("data", "cellar", "b", table("entries"), users={"invoices_rw": "s0lar-plexus"}),
        exporter("rack.data"),
        digest("cellar.data", "entries"),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=9,
    fault=fault,
    onset=lambda logs: logs.of("invoices", "postgresql").where(status="refused"),
    cause=Cause(component="vineyard/invoices", mechanism="authentication_failure"),
    accept=(Cause(component="data/cellar", mechanism="authentication_failure"),),
    chain=("vineyard/invoices", "data/cellar", "vineyard/yard", "edge/gateway"),
    facts=(
        Fact(
            says="cellar refuses logins of invoices_rw: password authentication failed (28P01).",
            match=(r"invoices_rw|invoices", r"28P01|password authentication failed|authentication"),
        ),
        Fact(says="Other users of the database get in.", match=(r"only|other",)),
    ),
    claims=(
        Claim(
            'postgresql && postgresql_error_code == "28P01"',
            "logins that were refused",
            refused,
            tshark=Witnessed("node-b", 'pgsql.code == "28P01" && ip.src == $cellar'),
        ),
        Claim(
            'http && status_code == 500 && dst.pod.name.startsWith("invoices-")',
            "invoices that failed",
            lambda logs: len(logs.of("yard").where(status=500).matching(url="^/invoices")),
        ),
        Claim(
            'http && status_code == 401 && dst.pod.name.startsWith("invoices-")',
            "callers who have not signed in, before and after",
            lambda logs: len(logs.of("yard").where(status=401)),
        ),
        Claim('postgresql && failed && postgresql_user == "app"', "other users of the database get in", 0),
    ),
    must_not_claim=(
        Wrong(component="edge/gateway", mechanism="authentication_failure", why="Its few 401 are always there."),
        Wrong(component="vineyard/invoices", mechanism="error_burst", why="Its 500 follow from the refused login."),
        Wrong(
            component="data/cellar", mechanism="connection_refused", why="The connection is accepted; the login is not."
        ),
    ),
)
