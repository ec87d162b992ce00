"""A bicycle hire whose map partner takes its time."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Host, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

PARTNER = "routes.example.net"
ROUTES = Host(PARTNER, "203.0.113.40", {"GET /": [work(0.02), answer(size=700)]})


def fault(lab: Lab) -> None:
    """Let the partner answer in about 1.6 seconds."""
    lab.change(PARTNER, latency={"seconds": 1.6})


def slow(logs: Logs) -> Calls:
    """Return the calls to the partner that took longer than a second."""
    return logs.of("tours", "http").matching(url="//routes").longer_than(1.0)


INCIDENT = Incident(
    name="marne",
    title="Tours take seconds to plan",
    workloads=(
        *town("cycles", "stand", ("tours", "bikes"), "parts", "hires", "locks", "garage", "saddle", "baabbaab"),
        load(
            "edge",
            "gateway",
            "a",
            "stand.cycles",
            [*custom("parts", "hires", "0be3d1"), call(3, "GET", "/tours/{1-200}"), call(2, "GET", "/bikes/{1-30}")],
            workers=20,
        ),
        http_service(
            "cycles",
            "tours",
            "ab",
            {
                "GET /tours": [
                    http("bikes.cycles", "/bikes/{n}"),
                    http(PARTNER, "/v3/routes/{n}", reuse=8),
                    answer(size=900),
                ]
            },
        ),
        http_service("cycles", "bikes", "b", {"GET /bikes": [work(0.004), answer(size=300)]}),
    ),
    hosts=(CODES, ROUTES),
    seconds=22,
    fault_at=9,
    fault=fault,
    baseline=8,
    drain=4,
    cause=Cause(component=PARTNER, mechanism="slow_external"),
    accept=(Cause(component=PARTNER, mechanism="latency_shift"),),
    chain=(PARTNER, "cycles/tours", "cycles/stand", "edge/gateway"),
    facts=(
        Fact(
            says="The partner routes.example.net ($routes_example_net) answers in about 1.6 seconds instead of 0.02.",
            match=(r"routes\.example\.net|$routes_example_net", r"1\.[3-9]\d*\s*s|1[3-9]\d\d(\.\d+)?\s*ms|2(\.0)?\s*s"),
        ),
        Fact(says="Only tours asks it; bikes and the stores are as fast as before.", match=(r"tours",)),
    ),
    claims=(
        Claim(
            'http && dst.ip == "$routes_example_net" && elapsed_time > 1000000',
            "answers of the partner that took longer than a second",
            lambda logs: len(slow(logs)),
            slack=1,
            baseline=0,
            tshark=Witnessed("node-a", "http.response && ip.src == $routes_example_net && http.time > 1", (3, None)),
        ),
        Claim(
            'http && path.startsWith("/tours") && dst.pod.name.startsWith("tours-") && elapsed_time > 1000000',
            "tours that waited for it",
            lambda logs: len(logs.of("stand").matching(url="^/tours").that(lambda row: float(row["seconds"]) > 1.0)),
            slack=1,
            baseline=0,
        ),
        Claim('http && dst.pod.name.startsWith("bikes-") && elapsed_time > 500000', "bikes is as fast as before", 0),
        Claim("http && status_code == 404", "unknown parts, all the time", (3, None), baseline=(1, None)),
    ),
    must_not_claim=(
        Wrong(component="cycles/tours", mechanism="latency_shift", why="It waits for the partner."),
        Wrong(component="cycles/bikes", why="It is as fast as before."),
        Wrong(component="kube-system/dns", why="It answers at once."),
        Wrong(component="codes.example.net", why="It is as fast as before."),
    ),
)
