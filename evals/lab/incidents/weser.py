"""A big fair: among many teams, the hall plans of one take questions and never answer them. Built on demand."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.surroundings import surrounded
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Let plans take a minute for each question, which is longer than anybody waits."""
    lab.change("plans", latency={"seconds": 60, "path": "/plans"})


def unanswered(logs: Logs) -> Calls:
    """Return the questions of stands that got no answer."""
    return logs.of("stands", "http").matching(url="/plans", error="[Tt]ime")


INCIDENT = surrounded(
    Incident(
        name="weser",
        title="Stands cannot be found on the plan",
        workloads=(
            *town("fair", "portal", ("stands", "plans"), "firms", "passes", "seals", "roll", "tray", "abbabaab"),
            load(
                "edge",
                "gateway",
                "a",
                "portal.fair",
                [*custom("firms", "passes", "fa1201"), call(2, "GET", "/stands/{1-60}")],
                rate=9.0,
                workers=24,
                timeout=9,
            ),
            http_service(
                "fair",
                "stands",
                "b",
                {"GET /stands": [http("plans.fair", "/plans/{n}", timeout=2.0, otherwise=504), answer(size=400)]},
            ),
            http_service("fair", "plans", "c", {"GET /plans": [work(0.006), answer(size=900)]}),
        ),
        hosts=(CODES,),
        seconds=24,
        fault_at=9,
        fault=fault,
        drain=4,
        onset=unanswered,
        onset_tolerance=5.0,
        cause=Cause(component="fair/plans", mechanism="no_response"),
        accept=(Cause(component="fair/plans", mechanism="latency_shift"),),
        chain=("fair/plans", "fair/stands", "fair/portal", "edge/gateway"),
        facts=(
            Fact(
                says="plans ($plans) takes the requests of stands and never answers them.",
                match=(r"plans|$plans", r"never|no (answer|response)|unanswered|time|silent"),
            ),
            Fact(says="stands gives up after 2 seconds and answers 504.", match=(r"stands", r"504")),
        ),
        claims=(
            Claim(
                'http && path.startsWith("/plans") && src.pod.name.startsWith("stands-") && !answered',
                "questions that plans never answered",
                lambda logs: len(unanswered(logs)),
                slack=1,
            ),
            Claim(
                'http && status_code == 504 && dst.pod.name.startsWith("stands-")',
                "stands that failed because of that",
                lambda logs: len(logs.of("portal").where(status=504).matching(url="^/stands")),
                tshark=Witnessed("node-b", "http.response.code == 504 && ip.src == $stands"),
            ),
            Claim("http && status_code == 404", "unknown things, all the time, everywhere", (20, None)),
        ),
        must_not_claim=(
            Wrong(
                component="fair/stands", mechanism="error_burst", why="Its 504 are those of questions without answers."
            ),
            Wrong(component="avon/avon-desk", why="404 for what is gone are right."),
            Wrong(component="node-c", why="Other pods of the node are well."),
        ),
    ),
    "medium",
)
