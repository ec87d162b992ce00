"""A flower shop whose delivery partner allows no more than two calls a second any longer."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Host, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

PARTNER = "couriers.example.net"
COURIERS = Host(
    PARTNER, "203.0.113.60", {"POST /": [work(0.012), answer(201)], "GET /": [work(0.01), answer(size=200)]}
)


def fault(lab: Lab) -> None:
    """Let the partner take two bookings in two seconds and refuse all others."""
    lab.change(PARTNER, limit={"calls": 2, "seconds": 2.0, "path": "/v1/bookings"})


def refused(logs: Logs) -> Calls:
    """Return the bookings that the partner refused."""
    return logs.of("deliveries", "http").where(status=429)


INCIDENT = Incident(
    name="tagus",
    title="Many deliveries cannot be booked",
    workloads=(
        *town("flowers", "shop", ("deliveries", "bunches"), "roses", "cards", "seals", "vases", "sill", "bababaab"),
        load(
            "edge",
            "gateway",
            "a",
            "shop.flowers",
            [
                *custom("roses", "cards", "f10e55"),
                call(3, "POST", "/deliveries/{1-60}", token="f10e55", send=90),
                call(2, "GET", "/bunches/{1-30}"),
            ],
        ),
        http_service(
            "flowers",
            "deliveries",
            "b",
            {"POST /deliveries": [http(PARTNER, "/v1/bookings/{n}", "POST", send=120, reuse=10), answer(201)]},
        ),
        http_service(
            "flowers",
            "bunches",
            "a",
            {"GET /bunches": [http(PARTNER, "/v1/zones/{n}", share=0.3, reuse=10), answer(size=300)]},
        ),
    ),
    hosts=(CODES, COURIERS),
    seconds=22,
    fault_at=9,
    fault=fault,
    onset=refused,
    cause=Cause(component=PARTNER, mechanism="rate_limited"),
    accept=(Cause(component="flowers/deliveries", mechanism="rate_limited"),),
    chain=(PARTNER, "flowers/deliveries", "flowers/shop", "edge/gateway"),
    facts=(
        Fact(
            says="The partner answers 429 to bookings of deliveries.",
            match=(r"couriers\.example\.net|$couriers_example_net", r"429"),
        ),
        Fact(
            says="It takes about one booking a second and asks to wait (Retry-After).",
            match=(r"retry-after|limit|too many|per second|quota|a second",),
        ),
    ),
    claims=(
        Claim(
            'http && status_code == 429 && dst.ip == "$couriers_example_net"',
            "bookings that the partner refused",
            lambda logs: len(refused(logs)),
            tshark=Witnessed("node-b", "http.response.code == 429 && ip.src == $couriers_example_net"),
        ),
        Claim(
            'http && status_code == 429 && dst.pod.name.startsWith("deliveries-")',
            "deliveries that failed because of that",
            lambda logs: len(logs.of("shop").where(status=429).matching(url="^/deliveries")),
        ),
        Claim(
            'http && dst.ip == "$couriers_example_net" && path.startsWith("/v1/bookings") && status_code == 201',
            "bookings that the partner took",
            lambda logs: len(logs.of("deliveries", "http").where(status=201)),
        ),
        Claim(
            'http && dst.ip == "$couriers_example_net" && path.startsWith("/v1/zones") && failed',
            "other questions are answered",
            0,
        ),
        Claim("http && status_code == 401", "callers who have not signed in, all the time", (2, None)),
    ),
    must_not_claim=(
        Wrong(component="flowers/deliveries", mechanism="error_burst", why="It passes on the partner's refusals."),
        Wrong(component="flowers/cards", why="401 without a token is right."),
        Wrong(component="edge/gateway", why="Customers come as often as before."),
    ),
)
