"""A planetarium on an ordinary day: programs ask for names that nobody has, and hang up without a word."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.steps import answer, http, lookup, work
from evals.lab.truth import Wrong

TRACING = "tracing.monitoring"

INCIDENT = Incident(
    name="warta",
    title="An ordinary day, with names that nobody has and clients that hang up",
    workloads=(
        *town("stars", "dome", ("shows", "skies"), "seats", "sales", "seals", "orbit", "lens", "bbabaaba"),
        load(
            "edge",
            "gateway",
            "a",
            "dome.stars",
            [*custom("seats", "sales", "57a25f"), call(2, "GET", "/shows/{1-40}"), call(2, "GET", "/skies/{1-20}")],
            rate=9.0,
        ),
        load("edge", "kiosk", "b", "shows.stars", [call(1, "GET", "/shows/{1-40}")], rate=4.0, reuse=2, abrupt=True),
        http_service(
            "stars",
            "shows",
            "ab",
            {"GET /shows": [lookup(TRACING, share=0.3, otherwise=0), work(0.003), answer(size=400)]},
        ),
        http_service("stars", "skies", "a", {"GET /skies": [work(0.006), answer(size=2400)]}),
        job("stars", "telescope", "b", [lookup(TRACING, otherwise=0), http("skies.stars", "/skies/{n}")], every=1.5),
    ),
    hosts=(CODES,),
    seconds=22,
    claims=(
        Claim(
            'dns && dns_rcode == "NXDOMAIN" && dns_questions.exists(name, name.startsWith("tracing."))',
            "questions for a name that nobody has, all the time, with each search domain",
            lambda logs: len(logs.of("dns").where(rcode=3).matching(name="^tracing.")),
        ),
        Claim(
            'tcp_conn && tcp_rst_count > 0 && src.pod.name.startsWith("kiosk-")',
            "connections that kiosk ends with RST, after its answers",
            (20, None),
            tshark=Witnessed("node-b", "tcp.flags.reset == 1 && ip.src == $kiosk", (20, None)),
        ),
        Claim(
            'http && status_code == 200 && src.pod.name.startsWith("kiosk-")',
            "and every one of its calls is answered",
            lambda logs: len(logs.of("kiosk").where(status=200)),
        ),
        Claim("http && status_code >= 500", "no failure of a server", 0),
        Claim("postgresql && failed || redis && failed", "no failure of a database", 0),
    ),
    must_not_claim=(
        Wrong(component="kube-system/dns", why="Nobody needs the name that is missing; it was never there."),
        Wrong(component="stars/shows", why="It does well without the name, and answers before it is hung up on."),
        Wrong(component="edge/kiosk", why="It hangs up with RST when it has all its answers."),
        Wrong(component="stars/telescope", why="It does well without the name."),
    ),
)
