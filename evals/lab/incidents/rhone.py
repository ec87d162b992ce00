"""A seed merchant whose packing hall takes no more orders from its queue."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Incident, Witnessed, call, consumer, http_service, load, rabbitmq_server
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, publish, redis, work
from evals.lab.truth import Cause, Fact, Wrong

PACKING = [http("weights.seeds", "/weights/{n}"), redis("tray.data", "SET", "packed:{tail}", "yes", "EX", 60)]


def fault(lab: Lab) -> None:
    """Let packing hang on each message."""
    lab.change("packing", hang=90)


def published(logs: Logs) -> Calls:
    """Return the messages for packing that were published."""
    return logs.of("baskets", "amqp").where(method="publish")


INCIDENT = Incident(
    name="rhone",
    title="Baskets are taken, but nothing is packed any more",
    workloads=(
        *town("seeds", "gate", ("baskets", "weights"), "sorts", "invoices", "stamps", "barn", "tray", "abbabaab"),
        load(
            "edge",
            "gateway",
            "b",
            "gate.seeds",
            [
                *custom("sorts", "invoices", "55d0a7"),
                call(4, "POST", "/baskets/{1-90}", token="55d0a7", send=60),
                call(2, "GET", "/weights/{1-30}"),
            ],
        ),
        http_service(
            "seeds",
            "baskets",
            "a",
            {
                "POST /baskets": [
                    publish("broker.data", "packing", "{n}"),
                    publish("broker.data", "notices", "{n}"),
                    answer(202),
                ]
            },
        ),
        http_service("seeds", "weights", "b", {"GET /weights": [work(0.003), answer(size=200)]}),
        rabbitmq_server("data", "broker", "b"),
        consumer("seeds", "packing", "a", "broker.data", "packing", PACKING),
        consumer("seeds", "notices", "b", "broker.data", "notices", [work(0.01)]),
    ),
    hosts=(CODES,),
    seconds=22,
    fault_at=8,
    fault=fault,
    cause=Cause(component="seeds/packing", mechanism="broker_consumer_stalled"),
    chain=("seeds/packing", "data/broker", "seeds/baskets"),
    facts=(
        Fact(
            says="packing ($packing) acknowledges nothing any more.", match=(r"packing|$packing", r"ack|consum|deliver")
        ),
        Fact(says="baskets goes on publishing to the queue packing.", match=(r"publish",)),
    ),
    claims=(
        Claim(
            'amqp && amqp_method == "Basic.Publish" && amqp_routing_key == "packing"',
            "messages published for packing",
            lambda logs: len(published(logs)) // 2,
            tshark=Witnessed(
                "node-a", "amqp.method.method == 40 && amqp.method.class == 60 && ip.src == $baskets", (20, None)
            ),
        ),
        Claim(
            'amqp && amqp_method == "Basic.Ack" && src.ip == "$packing"',
            "messages that packing finished, before",
            lambda logs: len(logs.of("packing", "amqp").where(method="ack")),
        ),
        Claim(
            'amqp && amqp_method == "Basic.Ack" && src.ip == "$notices"',
            "another consumer goes on",
            lambda logs: len(logs.of("notices", "amqp").where(method="ack")),
        ),
        Claim("http && status_code >= 500", "no service fails", 0),
        Claim("http && status_code == 404", "unknown sorts, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(component="data/broker", mechanism="no_response", why="It takes messages and hands them out."),
        Wrong(component="seeds/notices", why="It takes its messages."),
        Wrong(component="seeds/weights", why="It is asked less, because packing asks it no more."),
    ),
)
