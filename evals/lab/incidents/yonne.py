"""A big city: two quiet faults of different teams, beside a loud visitor who does no harm. Built on demand."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, known, sql, work
from evals.lab.surroundings import surrounded
from evals.lab.truth import Cause, Fact, Wrong

LOGIN = {"user": "levies_rw", "password": "example-levies", "reuse": 2, "otherwise": 0}
WRITING = [sql("rolls.data", "INSERT INTO entries (owner, note) VALUES ('levy', '{n}')", **LOGIN)]


def prepare(lab: Lab) -> None:
    """Give the levies a role of their own."""
    lab.sql("rolls", "CREATE ROLE levies_rw LOGIN SUPERUSER PASSWORD 'example-levies'")


def fault(lab: Lab) -> None:
    """Let crests fail for one call of three; soon after, the levies' password run out and a loud visitor come."""
    lab.change("crests", fail={"status": 500, "share": 0.35, "path": "/crests"})
    lab.wait(2)
    lab.sql("rolls", "ALTER ROLE levies_rw VALID UNTIL '2026-01-01'")
    lab.change("crawler", rate=25.0)


def failed(logs: Logs) -> Calls:
    """Return the crests that failed."""
    return logs.of("papers", "http").where(status=500)


def refused(logs: Logs) -> Calls:
    """Return the logins that the database refused."""
    return logs.of("levies", "postgresql").where(status="refused")


INCIDENT = surrounded(
    Incident(
        name="yonne",
        title="Some papers cannot be printed, and the levies are behind; the doors are crowded besides",
        workloads=(
            *town("city", "house", ("papers", "streets"), "wards", "permits", "seals", "rolls", "desk", "abbabaab"),
            load(
                "edge",
                "gateway",
                "a",
                "house.city",
                [
                    *custom("wards", "permits", "c17e01"),
                    call(1.2, "GET", "/papers/{1-60}"),
                    call(2, "GET", "/streets/{1-60}"),
                ],
                rate=10.0,
                workers=16,
            ),
            load("edge", "crawler", "c", "house.city", [call(1, "GET", "/streets/{400-900}")], rate=2.0),
            http_service(
                "city",
                "papers",
                "b",
                {"GET /papers": [http("crests.city", "/crests/{n}", otherwise=502), answer(size=600)]},
            ),
            http_service("city", "crests", "c", {"GET /crests": [work(0.004), answer(size=300)]}),
            http_service("city", "streets", "ab", {"GET /streets": [known(100), work(0.003), answer(size=400)]}),
            job("city", "levies", "a", WRITING, every=1.0),
        ),
        hosts=(CODES,),
        seconds=24,
        fault_at=8,
        prepare=prepare,
        fault=fault,
        drain=3,
        onset=failed,
        onset_tolerance=10.0,
        cause=Cause(component="city/crests", mechanism="error_burst"),
        also=(
            Cause(component="city/levies", mechanism="authentication_failure"),
            Cause(component="data/rolls", mechanism="authentication_failure"),
        ),
        chain=("city/crests", "city/papers", "city/house", "edge/gateway"),
        facts=(
            Fact(says="crests answers 500 to about a third of its calls.", match=(r"crests", r"500")),
            Fact(
                says="The database rolls refuses the logins of levies (28P01).",
                match=(r"levies", r"28P01|password|login|authenticat"),
            ),
        ),
        claims=(
            Claim(
                'http && status_code == 500 && dst.pod.name.startsWith("crests-")',
                "crests that failed",
                lambda logs: len(failed(logs)),
                tshark=Witnessed("node-c", "http.response.code == 500 && ip.src == $crests"),
            ),
            Claim(
                'postgresql && postgresql_error_code == "28P01" && src.pod.name.startsWith("levies-")',
                "logins that the database refused",
                lambda logs: len(refused(logs)),
            ),
            Claim(
                'http && status_code == 404 && src.pod.name.startsWith("crawler-")',
                "the loud visitor asks for streets that do not exist",
                lambda logs: len(logs.of("crawler").where(status=404)),
            ),
        ),
        must_not_claim=(
            Wrong(component="edge/crawler", why="It is loud and hurts nobody."),
            Wrong(component="city/streets", why="404 for streets that do not exist are right."),
            Wrong(component="city/papers", mechanism="error_burst", why="Its 502 are those of crests."),
        ),
    ),
    "large",
)
