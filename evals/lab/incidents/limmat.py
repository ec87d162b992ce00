"""A university where the door asks a directory (LDAP) who somebody is, with a password that was changed meanwhile."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, ldap_server, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, bind
from evals.lab.truth import Cause, Fact, Wrong

PORTER = "cn=porter,dc=campus,dc=example"
CLERK = "cn=clerk,dc=campus,dc=example"


def fault(lab: Lab) -> None:
    """Change the password of the porter in the directory, and in no service."""
    lab.change("people", users={PORTER: "example-new", CLERK: "example-clerk"})


def refused(logs: Logs) -> Calls:
    """Return the binds that the directory refused."""
    return logs.of("doors", "ldap").where(method="bind", status=49)


INCIDENT = Incident(
    name="limmat",
    title="Nobody can sign in",
    workloads=(
        *borough("campus", "porch", {"doors": 5.0}, "courses", "marks", "book", "ledger", "drawer", "cabcabca"),
        listens(
            http_service(
                "campus",
                "doors",
                "b",
                {
                    "GET /doors": [
                        bind("people.campus", PORTER, "example-porter", "u{n}", otherwise=500),
                        answer(size=220),
                    ]
                },
            ),
            9000,
        ),
        ldap_server("campus", "people", "c", {PORTER: "example-porter", CLERK: "example-clerk"}),
        job("campus", "lists", "a", [bind("people.campus", CLERK, "example-clerk", "u{n}")], every=2),
        load(
            "outside",
            "gateway",
            "b",
            "porch.campus",
            [*visitors("courses", "marks", "un55"), call(3, "GET", "/doors/{1-60}")],
            rate=12.0,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    onset=refused,
    cause=Cause(component="campus/doors", mechanism="authentication_failure"),
    accept=(Cause(component="campus/people", mechanism="authentication_failure"),),
    chain=("campus/doors", "campus/porch", "outside/gateway"),
    facts=(
        Fact(
            says="The directory people refuses the binds of doors as cn=porter: invalidCredentials (49).",
            match=(r"doors", r"people", r"invalid.?credentials|\b49\b|bind"),
        ),
    ),
    claims=(
        Claim(
            "ldap && failed",
            "binds that the directory refused",
            lambda logs: len(refused(logs)),
            tshark=Witnessed("node-c", "ldap.resultCode == 49 && tcp.srcport == 389"),
        ),
        Claim(
            'http && status_code == 500 && dst.pod.name.startsWith("doors-")',
            "people who could not sign in",
            lambda logs: len(logs.of("porch", "http").where(status=500)),
        ),
        Claim("http && status_code == 401", "visitors not signed in, all the time", (2, None)),
    ),
    must_not_claim=(
        Wrong(component="campus/lists", why="Its binds succeed."),
        Wrong(component="campus/ledger", why="It is well."),
        Wrong(component="campus/porch", mechanism="error_burst", why="Its errors are those of doors."),
    ),
)
