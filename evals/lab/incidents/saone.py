"""A stamp dealer whose nightly tally goes through all keys of the store that everybody uses."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, call, http_service, job, load, redis_server
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, redis, work
from evals.lab.truth import Cause, Fact, Wrong

STORE = "counters.data"
COUNTING = [redis(STORE, "GET", "tally:{n}", timeout=20)]
SEARCHING = [redis(STORE, "KEYS", "tally:9?9?9?:*", timeout=20), *COUNTING]


def prepare(lab: Lab) -> None:
    """Let the store hold four hundred thousand keys."""
    script = "for i=1,400000 do redis.call('SET', 'sheet:' .. i, 'x') end"
    lab.redis("counters", "EVAL", script, "0")


def fault(lab: Lab) -> None:
    """Let the tally search all keys again and again, without a break."""
    lab.change("tally", steps=SEARCHING, every=0.02)


def slow(logs: Logs) -> Calls:
    """Return the questions of bids that waited for more than 40 milliseconds."""
    return logs.of("bids", "redis").longer_than(0.04)


INCIDENT = Incident(
    name="saone",
    title="Bids take long, though their own work did not change",
    workloads=(
        *town("stamps", "hall", ("bids", "lots"), "sheets", "deals", "seals", "books", "drawer", "abbabaab"),
        load(
            "edge",
            "gateway",
            "b",
            "hall.stamps",
            [*custom("sheets", "deals", "be7710"), call(3, "GET", "/bids/{1-90}"), call(2, "GET", "/lots/{1-30}")],
            rate=10.0,
            workers=20,
        ),
        http_service(
            "stamps",
            "bids",
            "a",
            {
                "GET /bids": [
                    redis(STORE, "GET", "sheet:{n}"),
                    redis(STORE, "INCR", "seen:{n}"),
                    redis(STORE, "GET", "seen:{n}"),
                    answer(size=200),
                ]
            },
        ),
        http_service(
            "stamps",
            "lots",
            "b",
            {"GET /lots": [work(0.003), redis("drawer.data", "GET", "lot:{n}"), answer(size=300)]},
        ),
        redis_server("data", "counters", "b"),
        job("stamps", "tally", "a", COUNTING, every=1.0, kind="Job"),
    ),
    hosts=(CODES,),
    seconds=22,
    fault_at=9,
    prepare=prepare,
    fault=fault,
    drain=3,
    cause=Cause(component="stamps/tally", mechanism="noisy_neighbour"),
    accept=(
        Cause(component="data/counters", mechanism="noisy_neighbour"),
        Cause(component="data/counters", mechanism="latency_shift"),
    ),
    chain=("stamps/tally", "data/counters", "stamps/bids", "stamps/hall", "edge/gateway"),
    facts=(
        Fact(says="tally ($tally) asks counters for KEYS without a break.", match=(r"tally|$tally", r"KEYS")),
        Fact(
            says="bids waits at counters meanwhile, for commands that are quick by themselves.",
            match=(r"bids", r"counters"),
        ),
    ),
    claims=(
        Claim(
            'redis && redis_command == "KEYS" && src.pod.name.startsWith("tally-")',
            "searches through all keys",
            lambda logs: len(logs.of("tally", "redis").where(method="KEYS")),
            slack=1,
        ),
        Claim(
            'redis && redis_command == "KEYS" && elapsed_time > 20000',
            "each of which takes long",
            (20, None),
        ),
        Claim(
            'redis && src.pod.name.startsWith("bids-") && elapsed_time > 40000',
            "commands of bids that waited for them",
            lambda logs: len(slow(logs)),
            slack=10,
        ),
        Claim(
            'redis && dst.pod.name.startsWith("drawer-") && elapsed_time > 40000',
            "another store is as fast as before",
            (0, 3),
        ),
        Claim("redis && failed", "no store refuses anything", 0),
        Claim("http && status_code == 404", "unknown sheets, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="stamps/bids", mechanism="latency_shift", why="It waits at the store."),
        Wrong(component="data/books", why="It has no part in it."),
        Wrong(component="data/drawer", why="It is as fast as before."),
    ),
)
