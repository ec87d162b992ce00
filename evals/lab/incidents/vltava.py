"""A water board on an ordinary day: on the quarter hour the meters are read, all at once."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, call, http_service, job, load
from evals.lab.steps import answer, http, sql, work
from evals.lab.truth import Wrong

READING = [
    http("meters.water", "/meters/{n}", times=60),
    sql("basin.data", "INSERT INTO entries (owner, note) VALUES ('meter', 'reading')", times=60),
]

INCIDENT = Incident(
    name="vltava",
    title="An ordinary day, with readings on the quarter hour",
    workloads=(
        *town("water", "desk", ("meters", "maps"), "streets", "bills", "seals", "basin", "tank", "abbaabba"),
        load(
            "edge",
            "gateway",
            "a",
            "desk.water",
            [*custom("streets", "bills", "60a3d9"), call(2, "GET", "/meters/{1-30}"), call(2, "GET", "/maps/{1-30}")],
            rate=9.0,
        ),
        http_service("water", "meters", "ab", {"GET /meters": [work(0.003), answer(size=220)]}),
        http_service("water", "maps", "b", {"GET /maps": [work(0.008), answer(size=9000)]}),
        job("batch", "readings", "b", READING, every=7.5, kind="Job"),
        job("batch", "levels", "a", [http("meters.water", "/meters/{n}", times=40)], every=9.0, kind="Job"),
    ),
    hosts=(CODES,),
    seconds=24,
    claims=(
        Claim(
            'http && path.startsWith("/meters") && src.pod.name.startsWith("readings-")',
            "readings, sixty at a time",
            lambda logs: len(logs.of("readings", "http")),
        ),
        Claim(
            'postgresql && postgresql_command == "INSERT" && src.pod.name.startsWith("readings-")',
            "and what is written of them",
            lambda logs: len(logs.of("readings", "postgresql")),
        ),
        Claim(
            'http && path.startsWith("/meters") && src.pod.name.startsWith("levels-")',
            "levels, forty at a time",
            lambda logs: len(logs.of("levels", "http")),
        ),
        Claim("http && status_code >= 500", "no failure of a server", 0),
        Claim("postgresql && failed || redis && failed", "no failure of a database", 0),
        Claim(
            'http && status_code == 404 && src.pod.name.startsWith("gateway-")',
            "unknown streets, all the time",
            lambda logs: len(logs.of("gateway").where(status=404)),
        ),
    ),
    must_not_claim=(
        Wrong(component="batch/readings", why="It comes in bursts by its nature and hurts nobody."),
        Wrong(component="batch/levels", why="It comes in bursts by its nature and hurts nobody."),
        Wrong(component="water/meters", why="It answers all of them as fast as ever."),
        Wrong(component="data/basin", why="It takes all of them as fast as ever."),
        Wrong(component="kube-system/dns", why="NXDOMAIN for search domains is normal."),
    ),
)
