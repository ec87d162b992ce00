"""A post office whose resolver fails for one zone outside and answers everything else."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Host, Incident, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

TARIFFS = Host("tariffs.carrier.example", "203.0.113.40", {"GET /": [work(0.01), answer(size=220)]})


def fault(lab: Lab) -> None:
    """Let the resolver answer SERVFAIL for all names below carrier.example."""
    lab.resolver(failing="carrier.example")


def failed(logs: Logs) -> Calls:
    """Return the questions that the resolver answered with SERVFAIL."""
    return logs.of("dns").where(rcode=2)


INCIDENT = Incident(
    name="ems",
    title="No parcel can be priced",
    workloads=(
        *borough("parcels", "window", {"prices": 8.0}, "routes", "drops", "book", "ledger", "bin", "cababcab"),
        listens(
            http_service(
                "parcels",
                "prices",
                "ab",
                {"GET /prices": [http("tariffs.carrier.example", "/t/{n}", reuse=1, otherwise=502), answer(size=330)]},
            ),
            9000,
        ),
        load(
            "town",
            "gateway",
            "c",
            "window.parcels",
            [*visitors("routes", "drops", "pa1"), call(3, "GET", "/prices/{1-60}")],
            rate=11.0,
            workers=12,
            timeout=9,
            port=9080,
        ),
    ),
    hosts=(CODES, TARIFFS),
    fault=fault,
    onset=failed,
    cause=Cause(component="kube-system/dns", mechanism="error_burst"),
    accept=(
        Cause(component="tariffs.carrier.example", mechanism="dns_name_missing"),
        Cause(component="kube-system/dns", mechanism="dns_name_missing"),
        Cause(component="parcels/prices", mechanism="dns_name_missing"),
        Cause(component="kube-system/dns", mechanism="dns_resolver_slow"),
    ),
    chain=("kube-system/dns", "parcels/prices", "parcels/window", "town/gateway"),
    facts=(
        Fact(
            says="The resolver answers SERVFAIL for tariffs.carrier.example.",
            match=(r"SERVFAIL|server failure", r"carrier\.example"),
        ),
        Fact(says="prices answers 502 because of that.", match=(r"prices", r"502")),
    ),
    claims=(
        Claim(
            'dns && status == "SERVFAIL"',
            "questions that the resolver could not answer",
            lambda logs: len(failed(logs)),
            slack=2,
        ),
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("prices-")',
            "prices that could not be found",
            lambda logs: len(logs.of("window", "http").where(status=502)),
        ),
        Claim('http && dst.ip == "203.0.113.20" && status_code >= 500', "the other partner is well", 0),
    ),
    must_not_claim=(
        Wrong(component="codes.example.net", why="Names with search domains are not there: that is normal."),
        Wrong(component="parcels/window", mechanism="error_burst", why="Its errors are those of prices."),
        Wrong(component="parcels/ledger", why="It is well."),
    ),
)
