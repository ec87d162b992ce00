"""A map archive whose sheets suddenly come with everything that belongs to them."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

LIMIT = 131_072


def fault(lab: Lab) -> None:
    """Let the sheets service answer with about 200 kB instead of 1.5 kB."""
    lab.change("sheets", routes={"GET /sheets": [work(0.004), answer(size=200_000)]})


def refused(logs: Logs) -> Calls:
    """Return the failures of views."""
    return logs.of("lobby").where(status=502).matching(url="^/views")


INCIDENT = Incident(
    name="narew",
    title="Views of maps do not open any more",
    workloads=(
        *town("maps", "lobby", ("views", "titles"), "places", "loans", "stamps", "archive", "drawer", "aabbabab"),
        load(
            "edge",
            "gateway",
            "b",
            "lobby.maps",
            [*custom("places", "loans", "2d90f3"), call(2, "GET", "/views/{1-20}"), call(2, "GET", "/titles/{1-30}")],
            rate=9.0,
        ),
        http_service(
            "maps", "views", "b", {"GET /views": [http("sheets.maps", "/sheets/{n}", at_most=LIMIT), answer(size=600)]}
        ),
        http_service("maps", "sheets", "a", {"GET /sheets": [work(0.004), answer(size=1500)]}),
        http_service("maps", "titles", "a", {"GET /titles": [work(0.003), answer(size=300)]}),
    ),
    hosts=(CODES,),
    seconds=22,
    fault_at=8,
    fault=fault,
    baseline=8,
    onset=refused,
    cause=Cause(component="maps/sheets", mechanism="oversized_payload"),
    chain=("maps/sheets", "maps/views", "maps/lobby", "edge/gateway"),
    facts=(
        Fact(
            says="Answers of sheets have about 200 kB instead of 1.5 kB.",
            match=(r"sheets", r"\b(19\d|20\d|2\d\d)([ ,.]?\d{3})?\b|\bk(i)?B\b"),
        ),
        Fact(says="views answers 502 to what is over its limit.", match=(r"views", r"502")),
    ),
    claims=(
        Claim(
            'http && dst.pod.name.startsWith("sheets-") && response_body_size > 131072',
            "answers of sheets beyond 128 kB",
            lambda logs: len(logs.of("views", "http").that(lambda row: int(row["bytes"]) > LIMIT)),
            baseline=0,
        ),
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("views-")',
            "views that failed because of that",
            lambda logs: len(refused(logs)),
            baseline=0,
            tshark=Witnessed("node-b", "http.response.code == 502 && ip.src == $views"),
        ),
        Claim('http && dst.pod.name.startsWith("sheets-") && failed', "sheets itself fails nothing", 0),
        Claim("http && status_code == 404", "unknown places, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="maps/views", mechanism="error_burst", why="It refuses answers that are too large for it."),
        Wrong(component="maps/titles", why="It is well."),
        Wrong(component="data/archive", why="It has no part in it."),
    ),
)
