"""A blood bank whose matching service takes longer than its callers give it."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, grpc_service, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, grpc, work
from evals.lab.truth import Cause, Fact, Wrong

METHOD = "/blood.Match/Find"


def fault(lab: Lab) -> None:
    """Let the matching take about 0.8 seconds, with a deadline of 0.4."""
    lab.change("matching", latency={"seconds": 0.8})


def late(logs: Logs) -> Calls:
    """Return the calls that were cancelled at their deadline."""
    return logs.of("donors", "grpc").where(method=METHOD, status=4)


INCIDENT = Incident(
    name="meuse",
    title="Donors cannot be matched",
    workloads=(
        *town("blood", "ward", ("donors", "wards"), "types", "requests", "labels", "bank", "fridge", "abababba"),
        load(
            "edge",
            "gateway",
            "b",
            "ward.blood",
            [*custom("types", "requests", "e71b20"), call(4, "GET", "/donors/{1-60}"), call(2, "GET", "/wards/{1-20}")],
            workers=16,
        ),
        http_service(
            "blood",
            "donors",
            "b",
            {
                "GET /donors": [
                    work(0.003),
                    grpc("matching.blood", METHOD, deadline=0.4, otherwise=504),
                    answer(size=400),
                ]
            },
        ),
        http_service(
            "blood",
            "wards",
            "a",
            {"GET /wards": [grpc("labels.blood", "/day.Stamps/Put", deadline=0.4, otherwise=504), answer(size=200)]},
        ),
        grpc_service("blood", "matching", "a", {f"POST {METHOD}": [work(0.01)]}),
    ),
    hosts=(CODES,),
    seconds=22,
    fault_at=9,
    fault=fault,
    onset=late,
    cause=Cause(component="blood/matching", mechanism="grpc_deadline"),
    accept=(Cause(component="blood/matching", mechanism="latency_shift"),),
    chain=("blood/matching", "blood/donors", "blood/ward", "edge/gateway"),
    facts=(
        Fact(
            says="Calls of donors to matching end at their deadline of 0.4 seconds.",
            match=(r"matching", r"deadline|DEADLINE|timeout|time-out", r"0?\.4\s*s|400(\.\d+)?\s*ms"),
        ),
        Fact(says="donors answers 504 for them.", match=(r"donors", r"504")),
    ),
    claims=(
        Claim(
            f'http2 && path == "{METHOD}" && grpc_deadline_exceeded',
            "calls that ended at their deadline",
            lambda logs: len(late(logs)),
            slack=4,  # connections that began before the capture cannot be read
            tshark=Witnessed("node-b", "tcp.payload contains 00:00:04:03:00:00:00:00 && ip.src == $donors", (20, None)),
        ),
        Claim(
            'http && status_code == 504 && dst.pod.name.startsWith("donors-")',
            "donors that were not matched",
            lambda logs: len(logs.of("ward").where(status=504).matching(url="^/donors")),
            tshark=Witnessed("node-b", "http.response.code == 504 && ip.src == $donors"),
        ),
        Claim(
            'http2 && path == "/day.Stamps/Put" && grpc_deadline_exceeded', "another service keeps the same deadline", 0
        ),
        Claim("http && status_code == 404", "unknown types, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(
            component="blood/donors", mechanism="error_burst", why="Its 504 are those of calls that ran out of time."
        ),
        Wrong(component="blood/labels", why="GOAWAY by age of a connection is normal, and it is fast."),
        Wrong(component="blood/wards", why="It has the same deadline and is well."),
    ),
)
