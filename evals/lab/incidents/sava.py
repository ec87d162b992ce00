"""A radio station on three nodes, one of which has a bad link."""

from __future__ import annotations

from evals.lab.casts import CODES, digest, exporter, table
from evals.lab.incident import (
    Claim,
    Incident,
    Witnessed,
    call,
    dns_server,
    http_service,
    load,
    nginx,
    postgres_server,
    redis_server,
)
from evals.lab.running import Lab
from evals.lab.steps import answer, cached, guard, http, known, redis, sql, work
from evals.lab.truth import Cause, Fact, Wrong


def fault(lab: Lab) -> None:
    """Lose four of a hundred packets between node-b and the others, each way."""
    lab.lose("node-b", 0.04)


INCIDENT = Incident(
    name="sava",
    title="Some requests take long, wherever they go",
    workloads=(
        dns_server("a"),
        load(
            "edge",
            "gateway",
            "a",
            "studio.radio",
            [
                call(4, "GET", "/programme/{1-40}"),
                call(3, "GET", "/songs/{1-60}"),
                call(0.6, "GET", "/songs/{90-99}"),
                call(2, "POST", "/wishes", token="5ee0b1", send=200),
                call(0.5, "POST", "/wishes", send=50),
            ],
            rate=14.0,
            reuse=6,
            workers=16,
            timeout=9,
        ),
        nginx(
            "radio",
            "studio",
            "c",
            {"/programme": "programme.radio", "/songs": "songs.radio", "/wishes": "wishes.radio"},
            patience=8,
        ),
        http_service(
            "radio",
            "programme",
            "b",
            {"GET /programme": [http("hosts.radio", "/hosts/{n}", otherwise=0), answer(size=1800)]},
        ),
        http_service(
            "radio",
            "songs",
            "bc",
            {
                "GET /songs": [
                    known(70),
                    cached("jukebox.data", "song:{n}", sql("charts.data", "SELECT * FROM entries WHERE id = {n}"), 5),
                    answer(size=900),
                ]
            },
        ),
        http_service(
            "radio",
            "wishes",
            "a",
            {
                "POST /wishes": [
                    guard(),
                    sql("charts.data", "INSERT INTO entries (owner, note) VALUES ('{id}', 'wish')"),
                    redis("jukebox.data", "INCR", "wishes"),
                    answer(201),
                ]
            },
        ),
        http_service(
            "radio",
            "hosts",
            "c",
            {
                "GET /hosts": [
                    work(0.004),
                    http("codes.example.net", "/v1/names", share=0.1, reuse=1, otherwise=0),
                    answer(size=500),
                ]
            },
        ),
        redis_server("data", "jukebox", "b"),
        postgres_server("data", "charts", "c", table("entries")),
        exporter("jukebox.data", "c"),
        digest("charts.data", "entries"),
    ),
    hosts=(CODES,),
    seconds=24,
    fault_at=8,
    fault=fault,
    drain=6,
    onset_tolerance=4,
    cause=Cause(component="node-b", mechanism="packet_loss"),
    chain=("node-b", "radio/programme", "radio/songs", "radio/studio", "edge/gateway"),
    facts=(
        Fact(
            says="Segments are sent again on connections that cross node-b.",
            match=(r"node-b", r"retransmi|sent again|loss|lost"),
        ),
        Fact(
            says="Connections between the other nodes are clean.", match=(r"node-a|node-c|other nodes|elsewhere|only",)
        ),
    ),
    claims=(
        Claim(
            'tcp_conn && tcp_retransmissions > 0 && (local_node_name == "node-b" || remote_node_name == "node-b")',
            "connections with an end on node-b that sent segments again",
            (5, None),
        ),
        Claim(
            'tcp_conn && tcp_retransmissions > 0 && local_node_name in ["node-a", "node-c"]'
            ' && remote_node_name in ["node-a", "node-c"]',
            "and elsewhere (almost) none",
            (0, 2),
        ),
        Claim(
            'http && elapsed_time > 190000 && dst.pod.name.startsWith("programme-")',
            "calls that waited for a segment to be sent again",
            (3, None),
            tshark=Witnessed("node-b", "tcp.analysis.retransmission", (12, None)),
        ),
        Claim("http && status_code == 404", "unknown songs, all the time", (4, None)),
    ),
    must_not_claim=(
        Wrong(component="radio/programme", mechanism="latency_shift", why="It answers at once; the way to it is bad."),
        Wrong(component="data/jukebox", why="It is fast; only the way to it is bad."),
        Wrong(component="radio/studio", why="It waits for others."),
        Wrong(component="kube-system/dns", why="Answers that are late were lost on the way."),
    ),
    notes=("The loss is made by iptables' statistic match on node-b's uplink, 4 % each way: the kernel has no netem.",),
)
