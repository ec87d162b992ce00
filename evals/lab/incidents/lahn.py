"""A railway whose seats ask fares over gRPC, and those ask curves; the callers give up, and no server ever says no."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, call, grpc_service, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, grpc, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Let curves take three seconds."""
    lab.change("curves", latency={"seconds": 3.0})


def given_up(logs: Logs) -> Calls:
    """Return the calls to curves whose caller gave up."""
    return logs.of("fares", "grpc").where(status=4)


INCIDENT = Incident(
    name="lahn",
    title="Prices of seats are missing",
    workloads=(
        *borough("rail", "hall", {"seats": 6.0}, "stops", "orders", "book", "ledger", "locker", "abcabcab"),
        listens(
            http_service(
                "rail",
                "seats",
                "a",
                {
                    "GET /seats": [
                        grpc("fares.rail", "/price.Fares/Of", port=7000, deadline=1.5, otherwise=504),
                        answer(size=300),
                    ]
                },
            ),
            9000,
        ),
        listens(
            grpc_service(
                "rail",
                "fares",
                "b",
                {"POST /price.Fares/Of": [grpc("curves.rail", "/price.Curves/At", port=7001, deadline=0.7)]},
            ),
            7000,
        ),
        listens(grpc_service("rail", "curves", "c", {"POST /price.Curves/At": [work(0.006)]}), 7001),
        load(
            "doors",
            "gateway",
            "b",
            "hall.rail",
            [*visitors("stops", "orders", "ra90"), call(4, "GET", "/seats/{1-60}")],
            rate=12.0,
            workers=16,
            timeout=9,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    drain=5,
    onset=given_up,
    onset_tolerance=5.0,
    cause=Cause(component="rail/curves", mechanism="grpc_deadline"),
    accept=(
        Cause(component="rail/curves", mechanism="latency_shift"),
        Cause(component="rail/curves", mechanism="no_response"),
    ),
    chain=("rail/curves", "rail/fares", "rail/seats", "rail/hall", "doors/gateway"),
    facts=(
        Fact(
            says="Callers of curves cancel after their deadline of 0.7 seconds; curves takes longer than that.",
            match=(r"curves", r"deadline|cancel|0\.7|70\d(\.\d+)?\s*ms"),
        ),
        Fact(says="seats answers 504 or 502.", match=(r"seats", r"50[24]")),
    ),
    claims=(
        Claim(
            'http2 && path == "/price.Curves/At" && failed && src.pod.name.startsWith("fares-")',
            "calls to curves that were given up",
            lambda logs: len(given_up(logs)),
            slack=6,
        ),
        Claim(
            'http && status_code >= 500 && dst.pod.name.startsWith("seats-")',
            "seats without a price",
            lambda logs: len(logs.of("hall", "http").matching(url="/seats").that(lambda row: row["status"] >= 500)),
            slack=2,
        ),
        Claim('http2 && path == "/ledger.Book/Note" && failed', "book fails nothing", 0),
    ),
    must_not_claim=(
        Wrong(component="rail/book", why="GOAWAY by age of a connection is normal."),
        Wrong(component="rail/seats", mechanism="error_burst", why="Its 5xx follow from fares."),
        Wrong(component="rail/ledger", why="It is fast."),
    ),
)
