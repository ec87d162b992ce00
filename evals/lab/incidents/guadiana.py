"""A pharmacy whose price list partner takes only clients with a certificate from now on."""

from __future__ import annotations

from evals.lab.casts import CODES, POST, custom, town
from evals.lab.incident import Claim, Host, Incident, Witnessed, call, http_service, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, http, work
from evals.lab.truth import Cause, Fact, Wrong

PARTNER = "lists.example.com"
LISTS = Host(PARTNER, "203.0.113.31", {"GET /": [work(0.008), answer(size=400)]}, tls=True)


def prepare(lab: Lab) -> None:
    """Let the partner take TLS 1.3 only, so that its alerts cannot be read."""
    lab.renew(PARTNER, oldest="TLSv1_3")


def fault(lab: Lab) -> None:
    """Let the partner ask for certificates, which its clients do not have."""
    lab.renew(PARTNER, oldest="TLSv1_3", asks=True)


def broken(logs: Logs) -> Calls:
    """Return the calls that ended in the handshake."""
    return logs.of("prices", "http").where(status=0)


INCIDENT = Incident(
    name="guadiana",
    title="New prices are missing at the counter",
    workloads=(
        *town("pharmacy", "counter", ("prices",), "drugs", "recipes", "seal", "stock", "drawer", "babababa"),
        load(
            "edge",
            "gateway",
            "a",
            "counter.pharmacy",
            [*custom("drugs", "recipes", "44fe02"), call(4, "GET", "/prices/{1-400}")],
        ),
        http_service(
            "pharmacy",
            "prices",
            "b",
            {
                "GET /prices": [
                    cached("drawer.data", "price:{n}", http(PARTNER, "/v1/prices/{n}", tls=True, reuse=2), 3),
                    answer(size=300),
                ]
            },
        ),
        job(
            "pharmacy",
            "letters",
            "a",
            [http("post.example.org", "/mails", "POST", tls=True, send=60, reuse=1)],
            every=2,
        ),
    ),
    hosts=(CODES, POST, LISTS),
    seconds=22,
    fault_at=8,
    prepare=prepare,
    fault=fault,
    onset=broken,
    cause=Cause(component=PARTNER, mechanism="tls_failure"),
    accept=(
        Cause(component="pharmacy/prices", mechanism="tls_failure"),
        Cause(component=PARTNER, mechanism="connection_reset"),
    ),
    chain=(PARTNER, "pharmacy/prices", "pharmacy/counter", "edge/gateway"),
    facts=(
        Fact(
            says="The partner ends its connections with prices right after the handshake, before any answer.",
            match=(r"prices", r"lists\.example\.com|$lists_example_com", r"handshake|TLS|alert|clos|RST|reset"),
        ),
        Fact(
            says="What the partner's alert says is encrypted (TLS 1.3), so the reason cannot be read.",
            match=(r"encrypt|TLS 1\.3|cannot be read|unreadable",),
        ),
    ),
    claims=(
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("prices-")',
            "prices that could not be had",
            lambda logs: len(broken(logs)),
            tshark=Witnessed("node-b", "http.response.code == 502 && ip.src == $prices"),
        ),
        Claim(
            'tlsx && dst.ip == "$lists_example_com" && src.ip == "$prices"',
            "handshakes with the partner, before and after",
            (10, None),
            tshark=Witnessed("node-b", "tls.handshake.type == 1 && ip.dst == $lists_example_com", (10, None)),
        ),
        Claim(
            'tlsx && dst.ip == "$lists_example_com" && tlsx_alert == "certificate_required"',
            "the reason cannot be read",
            0,
            tshark=Witnessed("node-b", "tls.alert_message", 0),
        ),
        Claim('tlsx && dst.ip == "$post_example_org"', "another partner is well, all the time", (4, None)),
        Claim("http && status_code == 404", "unknown drugs, all the time", (3, None)),
        Claim("redis && failed", "the store of prices refuses nothing", 0),
    ),
    must_not_claim=(
        Wrong(component="pharmacy/prices", mechanism="error_burst", why="Its 502 are those of handshakes that failed."),
        Wrong(component="data/drawer", why="It answers; its entries run out after seconds, as always."),
        Wrong(component="pharmacy/prices", mechanism="latency_shift", why="It fails at once."),
        Wrong(component="post.example.org", why="Its handshakes succeed."),
    ),
)
