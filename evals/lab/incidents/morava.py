"""A wine shop that puts out a version which asks for every bottle one by one."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, sql, work
from evals.lab.truth import Cause, Fact, Wrong

BOTTLES = "bottles.wine"
TOGETHER = [http(BOTTLES, "/bottles/of/{n}"), answer(size=1200)]
ONE_BY_ONE = [http(BOTTLES, "/bottles/{n}", times=9), answer(size=1200)]


def fault(lab: Lab) -> None:
    """Put out version 2.0 of cellar, which asks for nine bottles in nine calls."""
    lab.roll_out("cellar", pause=0.8, version="2.0", routes={"GET /cellar": ONE_BY_ONE})


def asked(logs: Logs) -> Calls:
    """Return the calls of the new version."""
    return logs.of("cellar", "http").matching(url="/bottles/[0-9]")


INCIDENT = Incident(
    name="morava",
    title="Cellar pages are slower, and bottles has far more to do",
    workloads=(
        *town("wine", "door", ("cellar", "bottles"), "regions", "orders", "corks", "casks", "rack", "babbabba"),
        load(
            "edge",
            "gateway",
            "a",
            "door.wine",
            [
                *custom("regions", "orders", "ce11a0"),
                call(3.5, "GET", "/cellar/{1-40}"),
                call(2, "GET", "/bottles/of/{1-40}"),
            ],
            rate=10.0,
        ),
        http_service("wine", "cellar", "ab", {"GET /cellar": TOGETHER}, version="1.9"),
        http_service(
            "wine",
            "bottles",
            "b",
            {
                "GET /bottles": [
                    sql("casks.data", "SELECT * FROM entries WHERE id = {n}"),
                    work(0.012),
                    answer(size=350),
                ],
                "GET /bottles/of": [
                    sql("casks.data", "SELECT * FROM entries WHERE owner = 'c{n}'"),
                    work(0.012),
                    answer(size=900),
                ],
            },
        ),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=7,
    fault=fault,
    onset=asked,
    onset_tolerance=5.0,
    cause=Cause(component="wine/cellar", mechanism="fan_out_growth"),
    accept=(Cause(component="wine/cellar", mechanism="rollout_regression"),),
    chain=("wine/cellar", "wine/bottles", "wine/door", "edge/gateway"),
    facts=(
        Fact(
            says="Each call to cellar causes nine calls to bottles instead of one.",
            match=(r"cellar", r"bottles", r"\b(9|nine)\b|N\+1|8\.\d|9\.\d"),
        ),
        Fact(
            says="It began with version 2.0 of cellar.",
            match=(r"2\.0|rollout|roll-out|deploy|version|revision|new pods?",),
        ),
    ),
    claims=(
        Claim(
            'http && method == "GET" && path.matches("^/bottles/[0-9]+$") && src.ip != "$door"',
            "calls for single bottles",
            lambda logs: len(asked(logs)),
        ),
        Claim(
            'http && path.startsWith("/bottles/of/") && request.headers["user-agent"] == "cellar/1.9"',
            "calls of the version before",
            lambda logs: len(logs.of("cellar", "http").matching(url="/bottles/of")),
        ),
        Claim('http && status_code >= 500 && dst.pod.name.startsWith("bottles-")', "bottles answers all of them", 0),
        Claim("http && status_code == 404", "unknown regions, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="wine/bottles", mechanism="latency_shift", why="Each of its answers is as fast as before."),
        Wrong(component="data/casks", why="It does more, because it is asked more."),
        Wrong(component="edge/gateway", why="Customers come as often as before."),
    ),
)
