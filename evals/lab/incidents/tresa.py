"""A tram depot whose service `depots` selects by a label that no pod has any more: its name is there, nobody behind."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Let the selector of depots find no pods: nodes refuse its address with ICMP."""
    lab.empty_service("depots")


def refused(logs: Logs) -> Calls:
    """Return the calls to depots that were refused."""
    return logs.of("lines", "http").matching(url="//depots", error="Refused|unreachable|[Tt]ime")


INCIDENT = Incident(
    name="tresa",
    title="Lines cannot be shown",
    workloads=(
        *borough("trams", "stop", {"lines": 9.0}, "times", "passes", "book", "ledger", "box", "bacbacab"),
        listens(
            http_service(
                "trams",
                "lines",
                "a",
                {
                    "GET /lines": [
                        http("depots.trams", "/d/{n}", port=9000, reuse=4, timeout=2, otherwise=503),
                        answer(size=340),
                    ]
                },
            ),
            9000,
        ),
        listens(http_service("trams", "depots", "bc", {"GET /d": [work(0.005), answer(size=200)]}), 9000),
        load(
            "town",
            "gateway",
            "c",
            "stop.trams",
            [*visitors("times", "passes", "tr1"), call(4, "GET", "/lines/{1-60}")],
            rate=12.0,
            workers=24,
            timeout=12,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    drain=5,
    onset=refused,
    onset_tolerance=4.0,
    cause=Cause(component="trams/depots", mechanism="connection_refused"),
    accept=(Cause(component="trams/depots", mechanism="silent_drop"),),
    chain=("trams/depots", "trams/lines", "trams/stop", "town/gateway"),
    facts=(
        Fact(
            says="New connections of lines to depots are refused (ICMP port unreachable).",
            match=(r"depots", r"refus|unreachable|ICMP"),
        ),
        Fact(says="lines answers 503 because of that.", match=(r"lines", r"503")),
    ),
    claims=(
        Claim(
            'http && status_code == 503 && dst.pod.name.startsWith("lines-")',
            "lines that could not be shown",
            lambda logs: len(logs.of("stop", "http").where(status=503)),
            slack=1,
            tshark=Witnessed("node-a", "icmp.type == 3 && icmp.code == 3", (5, None)),
        ),
        Claim('http && status_code >= 500 && dst.pod.name.startsWith("depots-")', "its pods fail nothing", 0),
        Claim("http && status_code == 401", "visitors not signed in, all the time", (2, None)),
    ),
    notes=("A kernel sends one ICMP message a second to each host, so the other refusals look like silence.",),
    must_not_claim=(
        Wrong(component="trams/lines", mechanism="error_burst", why="Its 503 follow from the refusals."),
        Wrong(component="kube-system/dns", why="The name is there."),
        Wrong(component="trams/ledger", why="It is well."),
    ),
)
