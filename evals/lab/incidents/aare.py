"""A laboratory whose samplers send larger readings since their deploy than the proxy lets through."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load, nginx
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong


def readings(size: int) -> list[dict]:
    """Send one reading of so many bytes through the proxy."""
    return [http("gate.lab", "/readings/{n}", "POST", send=size, token="la77", pass_on=False, otherwise=0)]


def fault(lab: Lab) -> None:
    """Roll out samplers whose readings have 26 kB instead of 2 kB."""
    lab.roll_out("samplers", version="0.8", steps=readings(26_000))


def refused(logs: Logs) -> Calls:
    """Return the readings that the proxy did not take."""
    return logs.of("samplers", "http").where(status=413)


INCIDENT = Incident(
    name="aare",
    title="No readings arrive from the samplers",
    workloads=(
        *borough("lab", "desk", {}, "results", "orders", "book", "ledger", "fridge", "bcabcabc"),
        nginx("lab", "gate", "a", {"/readings": "readings.lab"}, lines=["client_max_body_size 8k;"]),
        http_service("lab", "readings", "b", {"POST /readings": [work(0.005), answer(201)]}),
        job("lab", "samplers", "ca", readings(2_000), every=0.4),
        load("lab", "probes", "b", "gate.lab", [call(1, "POST", "/readings/{1-30}", token="la78", send=900)], rate=2.0),
        listens(http_service("lab", "notes", "c", {"GET /notes": [answer(size=90)]}), 9000),
        load("town", "gateway", "b", "desk.lab", visitors("results", "orders", "la5"), rate=10.0, port=9080),
    ),
    hosts=(CODES,),
    fault=fault,
    onset=refused,
    onset_tolerance=5.0,
    cause=Cause(component="lab/samplers", mechanism="oversized_payload"),
    accept=(
        Cause(component="lab/gate", mechanism="oversized_payload"),
        Cause(component="lab/samplers", mechanism="rollout_regression"),
    ),
    chain=("lab/samplers", "lab/gate"),
    facts=(
        Fact(says="gate answers 413 to the readings of samplers.", match=(r"gate", r"413", r"samplers")),
        Fact(
            says="They have about 26 kB; those of probes, with 1 kB, are taken.",
            match=(r"26[\d,. ]*\s*k?|large|size|bytes",),
        ),
    ),
    claims=(
        Claim(
            "http && status_code == 413",
            "readings that the proxy did not take",
            lambda logs: len(refused(logs)),
            slack=2,
            tshark=Witnessed("node-a", "http.response.code == 413", (5, None)),
        ),
        Claim(
            'http && status_code == 201 && dst.pod.name.startsWith("gate-") && src.pod.name.startsWith("probes-")',
            "small readings are taken all the time",
            lambda logs: len(logs.of("probes", "http").where(status=201)),
        ),
        Claim("http && status_code >= 500", "nothing else fails", 0),
    ),
    must_not_claim=(
        Wrong(component="lab/readings", why="It never sees the large ones."),
        Wrong(component="lab/probes", why="Its readings are small and taken."),
        Wrong(component="lab/desk", why="401 and 404 there are right."),
    ),
)
