"""A notary's office whose quiet connections are forgotten by the machine between."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, job, load
from evals.lab.logs import Calls, Logs
from evals.lab.processes import run
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

DEEDS = "deeds.notary"
PATIENT = {"reuse": 1000, "pool": 4, "otherwise": 502}


def prepare(lab: Lab) -> None:
    """Let node-a answer what belongs to no connection with RST, and know where service addresses lie."""
    run("ip", "-n", lab.cluster.namespace("node-a"), "route", "add", "10.96.0.0/16", "dev", "eth0")
    lab.cluster.sysctl("node-a", "net.netfilter.nf_conntrack_tcp_loose=0")
    unknown = ("-m", "conntrack", "--ctstate", "INVALID", "-p", "tcp")
    lab.cluster.iptables("node-a", "-I", "FORWARD", *unknown, "-j", "REJECT", "--reject-with", "tcp-reset")


def fault(lab: Lab) -> None:
    """Let node-a forget connections after four seconds of silence."""
    lab.cluster.sysctl("node-a", "net.netfilter.nf_conntrack_tcp_timeout_established=4")


def cut(logs: Logs) -> Calls:
    """Return the calls to deeds whose connection was cut."""
    return logs.all("http").matching(url="//deeds", error="Connection|Disconnected")


INCIDENT = Incident(
    name="loire",
    title="Now and then a deed cannot be opened; trying again helps",
    workloads=(
        *town(
            "notary",
            "hall",
            ("wills", "estates", "leases"),
            "clients",
            "files",
            "seals",
            "registry",
            "tray",
            "bbbabbbb",
        ),
        load(
            "edge",
            "gateway",
            "b",
            "hall.notary",
            [
                *custom("clients", "files", "60b1c2"),
                call(0.2, "GET", "/wills/{1-50}"),
                call(0.2, "GET", "/estates/{1-50}"),
                call(0.2, "GET", "/leases/{1-50}"),
            ],
            rate=9.0,
        ),
        http_service("notary", "wills", "aa", {"GET /wills": [http(DEEDS, "/deeds/{n}", **PATIENT), answer(size=400)]}),
        http_service(
            "notary", "estates", "aa", {"GET /estates": [http(DEEDS, "/deeds/{n}", **PATIENT), answer(size=500)]}
        ),
        http_service(
            "notary", "leases", "aa", {"GET /leases": [http(DEEDS, "/deeds/{n}", **PATIENT), answer(size=450)]}
        ),
        http_service("notary", "deeds", "b", {"GET /deeds": [work(0.004), answer(size=800)]}),
        job("notary", "archive", "aaa", [http(DEEDS, "/deeds/1", **PATIENT)], every=5.3),
        job("notary", "copies", "b", [http(DEEDS, "/deeds/2", **PATIENT)], every=5.1),
    ),
    hosts=(CODES,),
    seconds=40,
    fault_at=6,
    prepare=prepare,
    fault=fault,
    onset=cut,
    onset_tolerance=6.0,
    cause=Cause(component="node-a", mechanism="connection_reset"),
    accept=(
        Cause(component="notary/archive", mechanism="connection_reset"),
        Cause(component="notary/wills", mechanism="connection_reset"),
        Cause(component="notary/estates", mechanism="connection_reset"),
        Cause(component="notary/leases", mechanism="connection_reset"),
    ),
    chain=("node-a", "notary/wills", "notary/estates", "notary/hall", "edge/gateway"),
    facts=(
        Fact(says="Connections of callers on node-a to deeds are cut by RST.", match=(r"deeds|node-a", r"RST|reset")),
        Fact(
            says="It hits connections that were silent for more than four seconds.",
            match=(r"idle|silen|quiet|unused|pause|inactiv",),
        ),
    ),
    claims=(
        Claim(
            'http && status_code == 502 && src.pod.name.startsWith("hall-")',
            "calls that failed because their connection was cut",
            lambda logs: len(cut(logs).that(lambda row: not str(row["pod"]).startswith("archive"))),
            tshark=Witnessed("node-a", "http.response.code == 502"),
        ),
        Claim(
            'tcp_conn && tcp_rst_count > 0 && dst.service.name == "deeds"',
            "connections from node-a that were cut",
            (3, None),
            tshark=Witnessed("node-a", "tcp.flags.reset == 1 && ip.src == $deeds_service", (5, None)),
        ),
        Claim('http && src.pod.name.startsWith("copies-") && failed', "a caller on node-b, as quiet, is never cut", 0),
        Claim("http && status_code == 404", "unknown clients, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="notary/deeds", mechanism="error_burst", why="It answers well whatever reaches it."),
        Wrong(component="notary/deeds", mechanism="latency_shift", why="It is as fast as before."),
        Wrong(component="notary/copies", why="It is quiet as long and is never cut."),
    ),
    notes=("The connection tracking of node-a times out after 4 s and answers with RST what it does not know.",),
)
