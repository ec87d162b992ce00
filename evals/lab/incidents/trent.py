"""A job exchange on an ordinary day: search engines ask for offers of last year, and readers forget to sign in."""

from __future__ import annotations

from evals.lab.casts import CODES, POST, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.steps import answer, guard, http, known, work
from evals.lab.truth import Wrong

INCIDENT = Incident(
    name="trent",
    title="An ordinary day, seen by search engines",
    workloads=(
        *town("vacancies", "hall", ("offers", "profiles"), "firms", "letters", "seals", "files", "board", "babaabab"),
        load(
            "edge",
            "gateway",
            "b",
            "hall.vacancies",
            [
                *custom("firms", "letters", "0ff1ce"),
                call(3, "GET", "/offers/{1-60}"),
                call(3, "GET", "/profiles/{1-40}", token="0ff1ce"),
                call(2, "GET", "/profiles/{1-40}"),
            ],
            rate=9.0,
        ),
        load(
            "edge",
            "crawler",
            "a",
            "hall.vacancies",
            [
                call(7, "GET", "/offers/{300-900}"),
                call(1, "GET", "/offers/{1-60}"),
                call(0.5, "GET", "/robots.txt"),
                call(0.5, "GET", "/sitemap.xml"),
            ],
            rate=5.0,
            workers=3,
        ),
        http_service("vacancies", "offers", "ab", {"GET /offers": [known(120), work(0.004), answer(size=800)]}),
        http_service("vacancies", "profiles", "b", {"GET /profiles": [guard(), work(0.003), answer(size=400)]}),
        job(
            "vacancies",
            "mailer",
            "a",
            [http("post.example.org", "/mails", "POST", tls=True, send=60, reuse=3)],
            every=2,
        ),
    ),
    hosts=(CODES, POST),
    seconds=22,
    claims=(
        Claim(
            'http && status_code == 404 && src.pod.name.startsWith("crawler-")',
            "search engines ask for offers that are gone, all the time",
            lambda logs: len(logs.of("crawler").where(status=404)),
            tshark=Witnessed("node-a", "http.response.code == 404 && ip.dst == $crawler && ip.src == $hall"),
        ),
        Claim(
            'http && status_code == 401 && src.pod.name.startsWith("gateway-")',
            "readers who have not signed in, all the time",
            lambda logs: len(logs.of("gateway").where(status=401)),
        ),
        Claim(
            'http && status_code == 200 && path.startsWith("/profiles") && src.pod.name.startsWith("gateway-")',
            "those who have signed in are served",
            lambda logs: len(logs.of("gateway").where(status=200).matching(url="/profiles")),
        ),
        Claim("http && status_code >= 500", "no failure of a server", 0),
        Claim("postgresql && failed || redis && failed", "no failure of a database", 0),
    ),
    must_not_claim=(
        Wrong(component="vacancies/offers", why="404 for offers that are gone are right."),
        Wrong(component="vacancies/profiles", why="401 without a token is right."),
        Wrong(component="edge/crawler", why="Search engines are welcome; five calls a second hurt nobody."),
        Wrong(component="kube-system/dns", why="NXDOMAIN for search domains is normal."),
    ),
)
