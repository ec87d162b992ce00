"""A travel agency whose map drawer looks at every door of the cluster."""

from __future__ import annotations

from evals.lab.casts import CODES, POST, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, connect, http, work
from evals.lab.truth import Cause, Fact, Wrong

PORTS = [22, 80, 443, 2375, 2379, 3306, 5432, 5672, 6379, 6443, 8080, 8443, 9090, 9200, 10250, 11211, 27017]
DRAWING = [http("places.travel", "/places/{n}"), work(0.02)]


def fault(lab: Lab) -> None:
    """Let maps try seventeen ports of every pod."""
    addresses = [pod.address for pod in lab.plan.all_pods if pod.app != "maps"]
    lab.change("maps", steps=[connect(addresses, PORTS, timeout=0.15, pause=0.015)], every=30)


def tried(logs: Logs) -> Calls:
    """Return the connections that maps tried."""
    return logs.of("maps", "tcp")


INCIDENT = Incident(
    name="arno",
    title="Odd entries in the logs of several databases; customers notice nothing",
    workloads=(
        *town("travel", "desk", ("places",), "tours", "bookings", "seals", "ledger", "shelf", "babaabba"),
        load(
            "edge",
            "gateway",
            "a",
            "desk.travel",
            [*custom("tours", "bookings", "b77a01"), call(3, "GET", "/places/{1-30}")],
        ),
        http_service("travel", "places", "ab", {"GET /places": [work(0.004), answer(size=700)]}),
        job("travel", "maps", "b", DRAWING, every=1.0),
        job("travel", "letters", "a", [http("post.example.org", "/mails", "POST", tls=True, send=60)], every=4),
    ),
    hosts=(CODES, POST),
    seconds=22,
    fault_at=7,
    fault=fault,
    onset=tried,
    cause=Cause(component="travel/maps", mechanism="port_scan"),
    chain=("travel/maps",),
    facts=(
        Fact(says="maps ($maps) tries many ports.", match=(r"maps|$maps", r"port")),
        Fact(says="Most of its connections are refused.", match=(r"refus|RST|reset|closed|unanswered|fail",)),
    ),
    claims=(
        Claim(
            'tcp_conn && src.ip == "$maps" && conn_state == "refused"',
            "connections of maps that were refused",
            lambda logs: len(tried(logs).where(error="ConnectionRefusedError")),
            slack=3,
            tshark=Witnessed(
                "node-b",
                "tcp.flags.reset == 1 && tcp.seq == 1 && tcp.ack == 1 && ip.dst == $maps && tcp.len == 0",
                (100, None),
            ),
        ),
        Claim("http && status_code >= 500", "no service fails", 0),
        Claim("http && status_code == 404", "unknown tours, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="data/ledger", why="It refuses what is no database port, and answers all others."),
        Wrong(component="data/shelf", why="It works; others only knock."),
        Wrong(component="travel/maps", mechanism="connection_refused", why="That nobody listens is not what is wrong."),
    ),
)
