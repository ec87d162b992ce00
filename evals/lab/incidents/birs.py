"""A bakery with three ovens, one of which has put its door elsewhere: its kernel refuses, its neighbours bake."""

from __future__ import annotations

from evals.lab.casts import CODES, borough, listens, visitors
from evals.lab.incident import Claim, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Let the third oven refuse whoever comes to its port, as when its program is gone and nobody noticed."""
    pod = lab.pods("ovens")[2]
    lab.cluster.iptables(
        pod.name, "-I", "INPUT", "-p", "tcp", "--dport", "9000", "-j", "REJECT", "--reject-with", "tcp-reset"
    )


def refused(logs: Logs) -> Calls:
    """Return the calls that were refused."""
    return logs.of("counter", "http").matching(error="ConnectionRefused")


INCIDENT = Incident(
    name="birs",
    title="Some bread never comes, and a second order of the same often does",
    workloads=(
        *borough("bakery", "shop", {"counter": 5.0}, "cakes", "carts", "book", "ledger", "tin", "abbcabca"),
        listens(
            http_service(
                "bakery",
                "counter",
                "a",
                {
                    "GET /counter": [
                        http("ovens.bakery", "/bake/{n}", port=9000, reuse=1, otherwise=502),
                        answer(size=310),
                    ]
                },
            ),
            9000,
        ),
        listens(http_service("bakery", "ovens", "bcc", {"GET /bake": [work(0.008), answer(size=260)]}), 9000),
        load(
            "town",
            "gateway",
            "c",
            "shop.bakery",
            [*visitors("cakes", "carts", "ba6"), call(6, "GET", "/counter/{1-60}")],
            rate=13.0,
            port=9080,
        ),
    ),
    hosts=(CODES,),
    fault=fault,
    onset=refused,
    kubelets=False,
    cause=Cause(component="bakery/ovens", mechanism="bad_replica"),
    accept=(Cause(component="bakery/ovens", mechanism="connection_refused"),),
    chain=("bakery/ovens", "bakery/counter", "bakery/shop", "town/gateway"),
    facts=(
        Fact(
            says="One of three pods of ovens ($ovens_2) refuses connections; the two others answer.",
            match=(r"ovens", r"$ovens_2|$ovens_2_pod", r"refus|reset|RST"),
        ),
        Fact(says="counter answers 502.", match=(r"counter", r"502")),
    ),
    claims=(
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("counter-")',
            "orders that were lost",
            lambda logs: len(logs.of("shop", "http").where(status=502)),
            tshark=Witnessed("node-c", "tcp.flags.reset == 1 && ip.src == $ovens_2 && tcp.srcport == 9000", (5, None)),
        ),
        Claim(
            'http && status_code == 200 && dst.pod.name.startsWith("ovens-")',
            "orders that the two others baked",
            (40, None),
        ),
        Claim('http && dst.pod.name == "$ovens_2_pod" && status_code >= 500', "the bad one answers nothing wrong", 0),
    ),
    must_not_claim=(
        Wrong(component="bakery/counter", mechanism="error_burst", why="Its 502 follow from the refusals."),
        Wrong(component="node-c", why="Another oven of the node bakes."),
        Wrong(component="bakery/ledger", why="It is well."),
    ),
)
