"""A ferry line whose nightly tallies open connections to a database and never close them, until it is full."""

from __future__ import annotations

from dataclasses import replace

from evals.lab.casts import CODES, borough, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import prepared
from evals.lab.truth import Cause, Fact, Wrong

TALLY = [prepared("ledger.ferry", "SELECT owner, sum(amount) FROM entries GROUP BY owner LIMIT 5", reuse=100_000)]


def fault(lab: Lab) -> None:
    """Let tallies run their statement under a user name of its own each time: a connection more, and none goes."""
    steps = [
        {**TALLY[0], "user": "app", "database": "app", "password": str(number), "otherwise": 0} for number in range(60)
    ]
    lab.change("tallies", steps=steps, every=2)


def refused(logs: Logs) -> Calls:
    """Return the logins that the full database refused."""
    return logs.all("postgresql").where(status="refused")


CAST = borough("ferry", "pier", {}, "sailings", "fares", "book", "ledger", "safe", "cbacabca")

INCIDENT = Incident(
    name="glatt",
    title="Sailings fail for many, and for some they do not",
    workloads=(
        *(
            replace(each, settings={**each.settings, "options": {"max_connections": "30"}})
            if each.app == "ledger"
            else each
            for each in CAST
        ),
        job("ferry", "tallies", "c", TALLY, every=2),
        load(
            "town",
            "gateway",
            "b",
            "pier.ferry",
            [*visitors("sailings", "fares", "fe9"), call(3, "GET", "/sailings/{1-60}")],
            rate=13.0,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    onset=refused,
    onset_tolerance=6.0,
    cause=Cause(component="ferry/ledger", mechanism="pool_exhaustion"),
    accept=(
        Cause(component="ferry/tallies", mechanism="pool_exhaustion"),
        Cause(component="ferry/ledger", mechanism="error_burst"),
    ),
    chain=("ferry/ledger", "ferry/sailings", "ferry/pier", "town/gateway"),
    facts=(
        Fact(
            says="ledger refuses new connections: 53300, too many clients already.",
            match=(r"ledger", r"53300|too many (clients|connections)"),
        ),
    ),
    claims=(
        Claim(
            'postgresql && postgresql_error_code == "53300"',
            "logins that the full database refused",
            lambda logs: len(refused(logs)),
            tshark=Witnessed("node-b", 'pgsql.code == "53300" && ip.src == $ledger', (5, None)),
        ),
        Claim("http && status_code == 404", "unknown things asked for, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="ferry/safe", why="Redis is well."),
        Wrong(component="ferry/pier", mechanism="error_burst", why="Its errors follow."),
    ),
)
