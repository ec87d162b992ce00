"""A harbour whose berths show a token to customs that ran out; people with tokens of their own still get in."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, guard, http, work
from evals.lab.truth import Cause, Fact, Wrong

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJkZXNrIiwic3ViIjoiYmVydGhzIn0.c2lnbmVk"
SAID = {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="The token expired"'}


def fault(lab: Lab) -> None:
    """Let customs take the token of berths for run out, and nobody else's."""
    lab.change("customs", fail={"status": 401, "path": "/customs/berth", "error": "invalid_token", "headers": SAID})


def refused(logs: Logs) -> Calls:
    """Return the questions of berths that customs refused."""
    return logs.of("berths", "http").where(status=401)


INCIDENT = Incident(
    name="reuss",
    title="No ship gets a berth",
    workloads=(
        *borough(
            "harbour", "quay", {"berths": 5.0, "duties": 5.0}, "ships", "crews", "book", "ledger", "crane", "bacbacba"
        ),
        listens(
            http_service(
                "harbour",
                "berths",
                "ab",
                {
                    "GET /berths": [
                        http("customs.harbour", "/customs/berth/{n}", port=9000, token=TOKEN, pass_on=False),
                        answer(size=350),
                    ]
                },
            ),
            9000,
        ),
        listens(
            http_service(
                "harbour",
                "duties",
                "c",
                {
                    "GET /duties": [
                        http("customs.harbour", "/customs/duty/{n}", port=9000, token="ZHV0aWVz"),
                        answer(size=250),
                    ]
                },
            ),
            9000,
        ),
        listens(
            http_service(
                "harbour",
                "customs",
                "c",
                {
                    "GET /customs/berth": [guard(), work(0.004), answer(size=210)],
                    "GET /customs/duty": [guard(), work(0.003), answer(size=190)],
                },
            ),
            9000,
        ),
        load(
            "doors",
            "gateway",
            "a",
            "quay.harbour",
            [*visitors("ships", "crews", "ha3"), call(3, "GET", "/berths/{1-60}"), call(2, "GET", "/duties/{1-60}")],
            rate=12.0,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    onset=refused,
    cause=Cause(component="harbour/berths", mechanism="authentication_failure"),
    accept=(Cause(component="harbour/customs", mechanism="authentication_failure"),),
    chain=("harbour/berths", "harbour/quay", "doors/gateway"),
    facts=(
        Fact(
            says="customs refuses the token of berths with 401 (invalid_token, expired).",
            match=(r"berths", r"customs", r"401"),
        ),
    ),
    claims=(
        Claim(
            'http && status_code == 401 && dst.pod.name.startsWith("customs-")',
            "questions of berths that customs refused",
            lambda logs: len(refused(logs)),
            tshark=Witnessed("node-c", "http.response.code == 401 && ip.src == $customs", (5, None)),
        ),
        Claim(
            'http && status_code == 200 && dst.pod.name.startsWith("customs-") && src.pod.name.startsWith("duties-")',
            "customs still answers duties",
            lambda logs: len(logs.of("duties", "http").where(status=200)),
        ),
        Claim('http && status_code == 401 && dst.pod.name.startsWith("quay-")', "visitors not signed in", (2, None)),
    ),
    must_not_claim=(
        Wrong(component="harbour/quay", why="401 for visitors without a token are right, and the rest is passed on."),
        Wrong(component="harbour/duties", why="Its token is taken."),
        Wrong(component="harbour/ledger", why="It is well."),
    ),
)
