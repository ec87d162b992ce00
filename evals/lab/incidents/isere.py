"""An opera whose castings ask a database by prepared statements, through few connections since the last deploy."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, prepared, work
from evals.lab.truth import Cause, Fact, Wrong

SCORES = "SELECT id, note FROM entries WHERE owner = $1 ORDER BY amount DESC LIMIT 4"


def steps(connections: int) -> list[dict]:
    """Say what castings does for a call: three statements and some work between, on one connection each."""
    pool = {"pool": connections, "wait": 0.8, "otherwise": 503}
    asked = prepared("ledger.opera", "SELECT pg_sleep(0.12), $1::text", "{n}", **pool)
    return [prepared("ledger.opera", SCORES, "c{n}", **pool), asked, work(0.01), answer(size=480)]


def fault(lab: Lab) -> None:
    """Roll out castings that share one connection where sixteen were."""
    lab.roll_out("castings", version="1.5", routes={"GET /castings": steps(1)})


def turned_away(logs: Logs) -> Calls:
    """Return the calls that castings answered with 503."""
    return logs.of("foyer", "http").where(status=503).matching(url="/castings")


INCIDENT = Incident(
    name="isere",
    title="Castings cannot be looked up at busy times since this noon",
    workloads=(
        *borough("opera", "foyer", {"castings": 6.0}, "roles", "tickets", "book", "ledger", "cloak"),
        listens(http_service("opera", "castings", "c", {"GET /castings": steps(16)}), 9000),
        load(
            "doors",
            "gateway",
            "c",
            "foyer.opera",
            [*visitors("roles", "tickets", "op4411"), call(9, "GET", "/castings/{1-39}")],
            rate=18.0,
            workers=24,
            timeout=9,
            port=9080,
        ),
        job("opera", "archive", "a", [prepared("ledger.opera", "SELECT count(*) FROM entries")], every=3),
    ),
    hosts=(CODES,),
    fault_at=7,
    fault=fault,
    drain=4,
    onset=turned_away,
    onset_tolerance=5.0,
    cause=Cause(component="opera/castings", mechanism="pool_exhaustion"),
    accept=(Cause(component="opera/castings", mechanism="rollout_regression"),),
    chain=("opera/castings", "opera/foyer", "doors/gateway"),
    facts=(
        Fact(says="castings answers 503 to a large share of its calls.", match=(r"castings", r"503")),
        Fact(
            says="castings no longer asks the database for the calls that it refuses, and waits for a connection.",
            match=(r"castings", r"pool|wait|connection|queue|at once|concurren"),
        ),
    ),
    claims=(
        Claim(
            'http && status_code == 503 && dst.pod.name.startsWith("castings-")',
            "calls that castings turned away",
            lambda logs: len(turned_away(logs)),
            slack=1,
            tshark=Witnessed("node-c", "http.response.code == 503 && tcp.srcport == 9000", (3, None)),
        ),
        Claim("postgresql && failed", "the database refuses nothing", 0),
        Claim(
            'postgresql && src.pod.name.startsWith("castings-") && elapsed_time > 500000',
            "no statement of castings takes long in the database",
            0,
        ),
        Claim("http && status_code == 404", "unknown things asked for, all the time", (4, None)),
    ),
    must_not_claim=(
        Wrong(component="opera/ledger", why="It answers each statement as fast as before."),
        Wrong(component="opera/foyer", mechanism="error_burst", why="Its errors are those of castings."),
        Wrong(component="opera/archive", why="It reads little, now and then."),
    ),
)
