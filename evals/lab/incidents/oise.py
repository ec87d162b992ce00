"""A weather service whose new version forgets its connections, and so asks for every name again."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Host, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

STATIONS = Host("stations.example.com", "203.0.113.50", {"GET /": [work(0.004), answer(size=250)]})
NAME = "stations.example.com"


def readings(reuse: int, user: str = "") -> dict[str, list[dict[str, object]]]:
    """Make the routes of forecast: three readings a call, `reuse` on a connection; user: a pool of its own."""
    return {"GET /forecast": [http(NAME, "/v1/readings/{n}", times=3, reuse=reuse, user=user), answer(size=700)]}


def prepare(lab: Lab) -> None:
    """Let every look-up take some milliseconds, as with a resolver that is not next door."""
    lab.resolver(delay=0.006)


def fault(lab: Lab) -> None:
    """Let forecast open a connection for each reading: each looks the name up, with all search domains first."""
    lab.change("forecast", routes=readings(1, "hourly"))


def asked(logs: Logs) -> Calls:
    """Return the questions for the name with a search domain behind it, which no server knows."""
    return logs.of("dns").where(rcode=3).matching(name="^stations.example.com.")


INCIDENT = Incident(
    name="oise",
    title="Forecasts are slower, and the resolver is asked ten times as much",
    workloads=(
        *town("weather", "tower", ("forecast", "alerts"), "towns", "reports", "vanes", "almanac", "vane", "bababbab"),
        load(
            "edge",
            "gateway",
            "b",
            "tower.weather",
            [
                *custom("towns", "reports", "aa90e1"),
                call(4, "GET", "/forecast/{1-60}"),
                call(2, "GET", "/alerts/{1-20}"),
            ],
            rate=10.0,
        ),
        http_service("weather", "forecast", "ab", readings(400)),
        http_service("weather", "alerts", "a", {"GET /alerts": [work(0.003), answer(size=300)]}),
    ),
    hosts=(CODES, STATIONS),
    seconds=20,
    fault_at=8,
    prepare=prepare,
    fault=fault,
    cause=Cause(component="weather/forecast", mechanism="dns_search_storm"),
    accept=(Cause(component="kube-system/dns", mechanism="dns_search_storm"),),
    chain=("weather/forecast", "weather/tower", "edge/gateway"),
    facts=(
        Fact(
            says="forecast looks stations.example.com up with each search domain first; most answers are NXDOMAIN.",
            match=(r"forecast", r"stations\.example\.com", r"search|ndots|NXDOMAIN|suffix|cluster\.local"),
        ),
    ),
    claims=(
        Claim(
            'dns && dns_rcode == "NXDOMAIN" && dns_questions.exists(name, name.startsWith("stations.example.com."))',
            "questions for the name with a search domain behind it",
            lambda logs: len(asked(logs)),
            tshark=Witnessed(
                "node-b",
                'dns.flags.rcode == 3 && dns.qry.name contains "stations.example.com."',
                (200, None),
            ),
        ),
        Claim(
            'http && dst.ip == "$stations_example_com"',
            "readings: the host itself is asked three times a forecast, before and after",
            lambda logs: len(logs.of("forecast", "http").matching(url="//stations")),
        ),
        Claim('http && dst.ip == "$stations_example_com" && failed', "and answers all of them", 0),
        Claim("http && status_code == 404", "unknown towns, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="stations.example.com", why="The partner answers as fast and as often as before."),
        Wrong(component="kube-system/dns", mechanism="dns_resolver_slow", why="Each answer takes as long as before."),
        Wrong(component="weather/alerts", why="It has no part in it."),
    ),
)
