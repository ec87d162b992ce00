"""A film archive whose vault stops taking in what it is sent."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

REEL = 500_000


def fault(lab: Lab) -> None:
    """Let the vault wait eight seconds before it reads a body."""
    lab.change("reels", hold={"seconds": 8, "path": "/store"})


def stuck(logs: Logs) -> Calls:
    """Return the bodies that could not be sent in time."""
    return logs.of("scans", "http").matching(url="/store", error="[Tt]ime")


INCIDENT = Incident(
    name="prut",
    title="Scans can no longer be put away",
    workloads=(
        *town(
            "film", "foyer", ("scans", "reels"), "titles", "loans", "stamps", "index", "shelf", "ababbaab", patience=8
        ),
        load(
            "edge",
            "gateway",
            "b",
            "foyer.film",
            [
                *custom("titles", "loans", "8f1a2e"),
                call(1.5, "POST", "/scans/{1-60}", token="8f1a2e"),
                call(2, "GET", "/reels/{1-20}"),
            ],
            rate=9.0,
            workers=24,
            timeout=12,
        ),
        http_service(
            "film",
            "scans",
            "a",
            {
                "POST /scans": [
                    http("reels.film", "/store/{n}", "POST", send=REEL, timeout=3, pool=6, wait=1.5, otherwise=503),
                    answer(201),
                ]
            },
        ),
        http_service(
            "film",
            "reels",
            "b",
            {"POST /store": [work(0.004), answer(201)], "GET /reels": [work(0.003), answer(size=300)]},
        ),
        http_service("film", "posters", "b", {"GET /posters": [work(0.003), answer(size=600)]}),
        load("film", "screens", "a", "posters.film", [call(1, "GET", "/posters/{1-20}")], rate=3.0),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=9,
    fault=fault,
    drain=9,
    onset=stuck,
    onset_tolerance=5.0,
    cause=Cause(component="film/reels", mechanism="receiver_stall"),
    chain=("film/reels", "film/scans", "film/foyer", "edge/gateway"),
    facts=(
        Fact(says="reels ($reels) no longer reads: its TCP window is zero.", match=(r"reels|$reels", r"window")),
        Fact(says="scans cannot send its bodies and answers 503.", match=(r"scans", r"503")),
    ),
    claims=(
        Claim(
            'http && status_code == 503 && dst.pod.name.startsWith("scans-")',
            "scans that failed because of that",
            lambda logs: len(logs.of("foyer").where(status=503).matching(url="^/scans")),
            tshark=Witnessed("node-a", "http.response.code == 503 && ip.src == $scans"),
        ),
        Claim(
            'tcp_conn && tcp_zero_window_events > 0 && dst.pod.name.startsWith("reels-")',
            "connections on which reels said that its window is zero",
            (5, None),
            tshark=Witnessed("node-b", "tcp.analysis.zero_window && ip.src == $reels", (5, None)),
        ),
        Claim(
            'http && method == "GET" && path.startsWith("/reels/") && failed', "reels answers small questions well", 0
        ),
        Claim("http && status_code == 404", "unknown titles, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="film/scans", mechanism="error_burst", why="Its 503 are those of bodies that it cannot send."),
        Wrong(component="film/foyer", why="It passes on what it gets."),
        Wrong(component="node-b", why="Other pods of the node are well."),
    ),
)
