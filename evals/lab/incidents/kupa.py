"""A print shop on three machines, one of which takes small packets only."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Drop what is longer than 1300 bytes on the uplink of node-c, both ways, without a word to the sender."""
    for direction in ("-i", "-o"):
        lab.cluster.iptables(
            "node-c", "-I", "FORWARD", direction, "eth0", "-m", "length", "--length", "1301:65535", "-j", "DROP"
        )


def stuck(logs: Logs) -> Calls:
    """Return the calls with a large body that got no answer in time."""
    return logs.of("press", "http").matching(url="plates", error="[Tt]ime")


INCIDENT = Incident(
    name="kupa",
    title="Posters are not printed any more; cards are",
    workloads=(
        *town("printing", "shop", ("press",), "papers", "jobs", "stamps", "orders", "tray", "abbabaab", patience=5),
        load(
            "edge",
            "gateway",
            "a",
            "shop.printing",
            [
                *custom("papers", "jobs", "aa1203"),
                call(3, "GET", "/press/poster/{1-30}"),
                call(3, "GET", "/press/card/{1-30}"),
            ],
            workers=24,
        ),
        http_service(
            "printing",
            "press",
            "b",
            {
                "GET /press/poster": [
                    http("plates.printing", "/plates/{n}", "POST", send=3600, timeout=2.5, otherwise=504),
                    answer(size=200),
                ],
                "GET /press/card": [
                    http("plates.printing", "/plates/{n}", "POST", send=200, timeout=2.5, otherwise=504),
                    answer(size=150),
                ],
            },
        ),
        http_service("printing", "plates", "c", {"POST /plates": [work(0.006), answer(201)]}),
        http_service("printing", "inks", "a", {"GET /inks": [work(0.003), answer(size=2600)]}),
        load("printing", "mixer", "b", "inks.printing", [call(1, "GET", "/inks/{1-20}")], rate=3.0),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=9,
    fault=fault,
    drain=5,
    onset=stuck,
    cause=Cause(component="node-c", mechanism="mtu_black_hole"),
    accept=(
        Cause(component="printing/plates", mechanism="mtu_black_hole"),
        Cause(component="printing/press", mechanism="mtu_black_hole"),
    ),
    chain=("node-c", "printing/plates", "printing/press", "printing/shop", "edge/gateway"),
    facts=(
        Fact(
            says="Large packets to plates on node-c vanish and are sent again.",
            match=(r"plates|node-c", r"large|big|long|size|MTU|14\d\d|full"),
        ),
        Fact(says="Small packets on the same path arrive.", match=(r"small|short|handshake|cards?",)),
    ),
    claims=(
        Claim(
            'http && status_code == 504 && path.startsWith("/press/poster") && dst.pod.name.startsWith("press-")',
            "posters that failed",
            lambda logs: len(stuck(logs)),
            tshark=Witnessed("node-b", "http.response.code == 504 && ip.src == $press"),
        ),
        Claim('http && status_code == 504 && path.startsWith("/press/card")', "no card failed", 0),
        Claim(
            'http && path.startsWith("/inks") && failed',
            "answers as large on another path arrive",
            0,
        ),
        Claim(
            'tcp_conn && tcp_retransmissions > 0 && src.ip == "$press" && remote_node_name == "node-c"',
            "connections to node-c on which segments were sent again",
            (5, None),
            tshark=Witnessed("node-b", "tcp.analysis.retransmission && ip.src == $press && tcp.len > 1000", (10, None)),
        ),
        Claim("http && status_code == 404", "unknown papers, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="printing/plates", mechanism="latency_shift", why="It answers at once what reaches it."),
        Wrong(component="printing/plates", mechanism="no_response", why="The large requests never reach it."),
        Wrong(component="printing/press", mechanism="error_burst", why="Its 504 are those of requests that vanished."),
    ),
    notes=("The path drops by length with iptables; it sends no ICMP, as badly kept tunnels do.",),
)
