"""A ticket exchange that reads rates from a replica which no longer follows."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load, redis_server
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import agree, answer, redis
from evals.lab.truth import Cause, Fact, Wrong

NUMBERS = range(1, 13)


def prepare(lab: Lab) -> None:
    """Let the second store follow the first."""
    lab.redis("mirror", "REPLICAOF", lab.pods("rates")[0].address, "6379")
    lab.wait(2.0)


def fault(lab: Lab) -> None:
    """Let the second store follow no more; it goes on answering."""
    lab.redis("mirror", "REPLICAOF", "NO", "ONE")


def refused(logs: Logs) -> Calls:
    """Return the exchanges that were refused because what was shown is out of date."""
    return logs.of("floor").where(status=409).matching(url="^/trades")


INCIDENT = Incident(
    name="spree",
    title="Trades are refused: what customers saw is no longer so",
    workloads=(
        *town("exchange", "floor", ("trades", "shows"), "events", "bills", "seals", "ledger", "tray", "babaabba"),
        load(
            "edge",
            "gateway",
            "b",
            "floor.exchange",
            [
                *custom("events", "bills", "ab01d4"),
                call(3, "GET", "/shows/{1-12}"),
                call(2.5, "POST", "/trades/{1-12}", token="ab01d4", send=70),
            ],
            rate=10.0,
        ),
        http_service(
            "exchange", "shows", "a", {"GET /shows": [redis("mirror.data", "GET", "rate:{n}"), answer(size=260)]}
        ),
        http_service(
            "exchange", "trades", "b", {"POST /trades": [agree("mirror.data", "rates.data", "rate:{n}"), answer(201)]}
        ),
        redis_server("data", "rates", "a"),
        redis_server("data", "mirror", "b"),
        job("exchange", "market", "a", [redis("rates.data", "INCRBY", f"rate:{n}", 3) for n in NUMBERS], every=2.0),
    ),
    hosts=(CODES,),
    seconds=22,
    fault_at=8,
    prepare=prepare,
    fault=fault,
    onset=refused,
    onset_tolerance=4.0,
    cause=Cause(component="data/mirror", mechanism="stale_data"),
    accept=(
        Cause(component="exchange/trades", mechanism="stale_data"),
        Cause(component="exchange/shows", mechanism="stale_data"),
    ),
    chain=("data/mirror", "exchange/trades", "exchange/floor", "edge/gateway"),
    facts=(
        Fact(
            says="mirror ($mirror) no longer follows rates: its replication ended.",
            match=(r"mirror|$mirror", r"replica|follow|sync|stale|old|out of date"),
        ),
        Fact(says="trades answers 409, as the two stores do not agree.", match=(r"trades", r"409")),
    ),
    claims=(
        Claim(
            'http && status_code == 409 && dst.pod.name.startsWith("trades-")',
            "trades that were refused",
            lambda logs: len(refused(logs)),
            tshark=Witnessed("node-b", "http.response.code == 409 && ip.src == $trades"),
        ),
        Claim(
            'redis && redis_command == "INCRBY" && src.pod.name.startsWith("market-")',
            "changes that the first store takes, all the time",
            lambda logs: len(logs.of("market", "redis")),
        ),
        Claim(
            'redis_command == "GET" && dst.pod.name.startsWith("mirror-") && src.pod.name.startsWith("shows-")',
            "reads from the second store, before and after",
            lambda logs: len(logs.of("shows", "redis")),
        ),
        Claim("redis && failed", "no store refuses anything", 0),
        Claim("http && status_code == 404", "unknown events, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="data/rates", why="It is up to date and answers."),
        Wrong(
            component="exchange/trades", mechanism="error_burst", why="It refuses what does not agree, as it should."
        ),
        Wrong(component="exchange/market", why="It writes as often as before."),
    ),
)
