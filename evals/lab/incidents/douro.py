"""A ferry company that took a service away while the ticket desk still asks for it."""

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

GONE = "fares.harbour.svc.cluster.local"


def fault(lab: Lab) -> None:
    """Delete the service `fares`; its pods go on."""
    lab.remove_service("fares")


def unknown(logs: Logs) -> int:
    """Count the questions for the name that had no answer."""
    return len(logs.of("dns").where(name=GONE, rcode=3))


INCIDENT = Incident(
    name="douro",
    title="Tickets can no longer be sold, little by little",
    workloads=(
        dns_server("b"),
        load(
            "edge",
            "gateway",
            "b",
            "pier.harbour",
            [
                call(6, "GET", "/tickets/{1-200}"),
                call(2, "POST", "/tickets", token="c11d90", send=90),
                call(0.5, "POST", "/tickets", send=90),
                call(4, "GET", "/timetable/{1-24}"),
                call(0.6, "GET", "/timetable/{50-70}"),
                call(0.3, "GET", "/robots.txt"),
            ],
            rate=12.0,
            workers=10,
        ),
        nginx("harbour", "pier", "a", {"/tickets": "tickets.harbour", "/timetable": "timetable.harbour"}),
        http_service(
            "harbour",
            "tickets",
            "a",
            {
                "GET /tickets": [http("fares.harbour", "/fares/{n}", reuse=6, pool=4), answer(size=350)],
                "POST /tickets": [
                    guard(),
                    sql("ledger.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'ticket')"),
                    http("post.example.org", "/letters", "POST", tls=True, send=60, share=0.3, otherwise=0),
                    answer(201),
                ],
            },
        ),
        http_service("harbour", "fares", "b", {"GET /fares": [work(0.004), answer(size=220)]}, version="3.0"),
        http_service(
            "harbour",
            "timetable",
            "ab",
            {
                "GET /timetable": [
                    known(24),
                    cached("buoy.data", "line:{n}", http("boats.harbour", "/boats/{n}"), 5),
                    answer(size=700),
                ]
            },
        ),
        http_service(
            "harbour",
            "boats",
            "b",
            {
                "GET /boats": [
                    work(0.005),
                    http("codes.example.net", "/v1/weather", share=0.2, reuse=1, otherwise=0),
                    answer(size=180),
                ]
            },
        ),
        redis_server("data", "buoy", "a"),
        postgres_server("data", "ledger", "b", table("entries")),
        exporter("buoy.data"),
        digest("ledger.data", "entries"),
    ),
    hosts=(CODES, POST),
    seconds=24,
    fault_at=9,
    fault=fault,
    onset=lambda logs: logs.of("dns").where(name=GONE, rcode=3),
    cause=Cause(component="harbour/fares", mechanism="dns_name_missing"),
    accept=(Cause(component="harbour/tickets", mechanism="dns_name_missing"),),
    chain=("harbour/fares", "harbour/tickets", "harbour/pier", "edge/gateway"),
    facts=(
        Fact(
            says="fares.harbour.svc.cluster.local resolved before and is NXDOMAIN now.", match=(r"fares", r"NXDOMAIN")
        ),
        Fact(says="tickets answers 502 because it cannot find fares.", match=(r"tickets", r"502")),
    ),
    claims=(
        Claim(
            f'dns && "{GONE}" in dns_questions && dns_rcode == "NXDOMAIN"',
            "the name is gone",
            unknown,
            tshark=Witnessed("node-b", f'dns.flags.rcode == 3 && dns.qry.name == "{GONE}" && ip.src == $dns'),
        ),
        Claim(
            f'dns && "{GONE}" in dns_questions && dns_rcode == "NOERROR"',
            "it was there before",
            lambda logs: len(logs.of("dns").where(name=GONE, rcode=0)),
        ),
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("tickets-")',
            "tickets that could not be sold",
            lambda logs: len(logs.of("pier").where(status=502).matching(url="^/tickets")),
            tshark=Witnessed("node-a", "http.response.code == 502 && ip.src == $tickets"),
        ),
        Claim('http && dst.pod.name.startsWith("fares-") && status_code >= 500', "fares itself fails nothing", 0),
        Claim(
            'dns && dns_rcode == "NXDOMAIN" && !dns_questions.exists(q, q.startsWith("fares."))',
            "search domains of other names, harmless",
            (10, None),
        ),
    ),
    must_not_claim=(
        Wrong(component="kube-system/dns", why="The DNS server answers at once and rightly."),
        Wrong(
            component="codes.example.net", why="NXDOMAIN for names outside come from search domains; then it resolves."
        ),
        Wrong(component="harbour/tickets", mechanism="error_burst", why="Its 502 have a cause behind it."),
    ),
)
