"""A court whose resolver leaves many questions open."""

from __future__ import annotations

from evals.lab.casts import CODES, POST, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Let the resolver take 0.35 seconds for each answer and give none to a tenth of the questions."""
    lab.resolver(delay=0.35, silent=0.1)


def waiting(logs: Logs) -> Calls:
    """Return the calls of hearings to a partner or a service that took long."""
    return logs.of("hearings", "http").longer_than(0.3)


INCIDENT = Incident(
    name="piave",
    title="Hearings and letters take seconds, others not at all",
    workloads=(
        *town("court", "steps", ("hearings", "judges"), "cases", "pleas", "seals", "docket", "bench", "bbabaabb"),
        load(
            "edge",
            "gateway",
            "a",
            "steps.court",
            [*custom("cases", "pleas", "3310fe"), call(3, "GET", "/hearings/{1-60}"), call(2, "GET", "/judges/{1-20}")],
            workers=24,
            reuse=200,
            timeout=14,
        ),
        http_service(
            "court",
            "hearings",
            "b",
            {"GET /hearings": [http("judges.court", "/judges/{n}", reuse=1, timeout=9), answer(size=400)]},
        ),
        http_service("court", "judges", "a", {"GET /judges": [work(0.004), answer(size=300)]}),
        job(
            "court",
            "letters",
            "a",
            [http("post.example.org", "/mails", "POST", tls=True, send=60, reuse=1, otherwise=0)],
            every=2,
        ),
    ),
    hosts=(CODES, POST),
    seconds=22,
    fault_at=8,
    fault=fault,
    drain=9,
    onset=waiting,
    cause=Cause(component="kube-system/dns", mechanism="dns_resolver_slow"),
    chain=("kube-system/dns", "court/hearings", "court/steps", "edge/gateway"),
    facts=(
        Fact(
            says="The resolver ($dns) answers in about 0.35 seconds or not at all.",
            match=(r"dns|resolver|$dns", r"0?\.3\d*\s*s|3\d\d(\.\d+)?\s*ms|unanswered|no (answer|response)|time"),
        ),
        Fact(says="hearings waits for it, as it looks names up for every call.", match=(r"hearings",)),
    ),
    claims=(
        Claim(
            "dns && elapsed_time > 300000",
            "answers of the resolver that took longer than 0.3 seconds",
            lambda logs: len(logs.of("dns").that(lambda row: row["t"] > logs.fault + 0.4)),
            slack=12,
            tshark=Witnessed("node-b", "dns.flags.response == 1 && dns.time > 0.3", (60, None)),
        ),
        Claim("dns && !answered", "questions that were never answered", (5, None)),
        Claim(
            'http && dst.pod.name.startsWith("hearings-") && elapsed_time > 300000 && path.startsWith("/hearings")',
            "hearings that waited for names",
            lambda logs: len(logs.of("steps").matching(url="^/hearings").that(lambda row: float(row["seconds"]) > 0.3)),
            slack=2,
        ),
        Claim('http && dst.pod.name.startsWith("judges-") && elapsed_time > 300000', "judges is as fast as before", 0),
        Claim("http && status_code == 404", "unknown cases, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="court/judges", why="It answers at once whoever reaches it."),
        Wrong(component="court/hearings", mechanism="latency_shift", why="It waits for the names of what it calls."),
        Wrong(component="post.example.org", why="It answers at once whoever reaches it."),
    ),
)
