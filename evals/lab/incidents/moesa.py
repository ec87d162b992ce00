"""A museum shop whose labels, besides their work, knock at one port of every address of two nodes."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import connect, prepared
from evals.lab.truth import Cause, Fact, Wrong

OWN = [prepared("ledger.gallery", "SELECT id, note FROM entries WHERE amount > $1 LIMIT 3", "{n}")]
ADDRESSES = [f"10.244.{net}.{last}" for net in (1, 2) for last in range(2, 62)]


def fault(lab: Lab) -> None:
    """Let labels knock at the port of Redis of 120 addresses, most of which nobody has."""
    lab.change("labels", steps=[*OWN, connect(ADDRESSES, [6380], timeout=0.06, pause=0.02)], every=20)


def tried(logs: Logs) -> Calls:
    """Return the connections that labels tried."""
    return logs.of("labels", "tcp")


INCIDENT = Incident(
    name="moesa",
    title="The firewall team asks what labels are looking for; visitors notice nothing",
    workloads=(
        *borough("gallery", "desk", {}, "prints", "passes", "book", "ledger", "drawer", "abababab"),
        job("gallery", "labels", "a", OWN, every=2),
        load(
            "doors",
            "gateway",
            "b",
            "desk.gallery",
            [*visitors("prints", "passes", "ga2"), call(0.4, "GET", "/favicon.ico")],
            rate=12.0,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    onset=tried,
    cause=Cause(component="gallery/labels", mechanism="port_scan"),
    chain=("gallery/labels",),
    facts=(
        Fact(
            says="labels ($labels) tries port 6380 of about 120 addresses within seconds; hardly any answers.",
            match=(r"labels|$labels", r"6380|addresses|hosts|targets|destinations"),
        ),
    ),
    claims=(
        Claim("http && status_code >= 500", "nothing fails for visitors", 0),
        Claim("redis && failed", "Redis refuses nobody", 0),
        Claim(
            'redis && src.pod.name.startsWith("labels-")',
            "labels says nothing to the Redis that it finds",
            0,
            tshark=Witnessed(
                "node-a",
                "tcp.flags.syn == 1 && tcp.flags.ack == 0 && ip.src == $labels && tcp.dstport == 6380",
                (100, None),
            ),
        ),
        Claim(
            'http && status_code == 401 && dst.pod.name.startsWith("desk-")',
            "visitors not signed in",
            lambda logs: len(logs.of("gateway", "http").where(status=401)),
        ),
    ),
    must_not_claim=(
        Wrong(component="gallery/drawer", why="It answers who is allowed to ask."),
        Wrong(component="gallery/exporter", why="Its one long connection is its work."),
    ),
)
