"""A hardware store whose new version of its offers trips over some of them."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Put out version 3.1 of offers, which answers 500 to two of five calls."""
    lab.roll_out("offers", pause=0.8, version="3.1", fail={"status": 500, "share": 0.4, "path": "/offers"})


def failed(logs: Logs) -> Calls:
    """Return the offers that failed."""
    return logs.of("front").where(status=500).matching(url="^/offers")


INCIDENT = Incident(
    name="tisza",
    title="Offers fail now and then since this morning",
    workloads=(
        *town("tools", "front", ("offers", "nails"), "parts", "orders", "seals", "yard", "bin", "abababab"),
        load(
            "edge",
            "gateway",
            "b",
            "front.tools",
            [*custom("parts", "orders", "70015a"), call(4, "GET", "/offers/{1-60}"), call(2, "GET", "/nails/{1-30}")],
        ),
        http_service(
            "tools",
            "offers",
            "ab",
            {"GET /offers": [http("nails.tools", "/nails/{n}", share=0.5), answer(size=500)]},
            version="3.0",
        ),
        http_service("tools", "nails", "a", {"GET /nails": [work(0.004), answer(size=250)]}),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=8,
    fault=fault,
    baseline=8,
    onset=failed,
    onset_tolerance=5.0,
    cause=Cause(component="tools/offers", mechanism="rollout_regression"),
    accept=(Cause(component="tools/offers", mechanism="error_burst"),),
    chain=("tools/offers", "tools/front", "edge/gateway"),
    facts=(
        Fact(
            says="offers answers 500 since its new version 3.1.",
            match=(r"offers", r"500", r"3\.1|rollout|roll-out|deploy|new (version|pods?|replica)|revision"),
        ),
        Fact(says="The pods of the version before answered well.", match=(r"before|3\.0|previous|old|earlier|none",)),
    ),
    claims=(
        Claim(
            'http && status_code == 500 && path.startsWith("/offers") && src.ip == "$front"',
            "offers that failed",
            lambda logs: len(failed(logs)),
            baseline=0,
        ),
        Claim(
            'http && status_code == 500 && path.startsWith("/offers") && response.headers["server"] == "offers/3.0"',
            "none of the version before",
            0,
            baseline=0,
        ),
        Claim('http && dst.pod.name.startsWith("nails-") && failed', "nails fails nothing", 0),
        Claim("http && status_code == 404", "unknown parts, all the time", (3, None), baseline=(1, None)),
    ),
    must_not_claim=(
        Wrong(component="tools/front", why="It passes on what it gets."),
        Wrong(component="tools/nails", why="It answers well and is asked as before."),
        Wrong(component="data/yard", why="It has no part in it."),
    ),
)
