from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.detectors.broker_consumer_stalled import BrokerConsumerStalled
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import BuiltFacts, Call
from tests.analyse.mutations import assert_same_verdict
from tests.analyse.stories import steady


def amqp(until: float = 10.0, publish: float = 30.0) -> list[Call]:
    published = steady("s/shop", "s/rabbit", 150, protocol="amqp", endpoint="Basic.Publish", status="OK")
    acked = steady("s/mailer", "s/rabbit", 150, start=0.1, protocol="amqp", endpoint="Basic.Ack", status="OK")
    calls = [call for call in published if call.at < publish] + [call for call in acked if call.at < until]
    told = [Call(**{**vars(call), "kfl": {"amqp_method": call.endpoint}}) for call in calls]
    return told + steady("s/web", "s/shop", 100, 0.3)


def kafka(until: float = 10.0) -> list[Call]:
    calls = []
    for n in range(150):
        at = n * 0.2
        records = 5 if at < until else 0
        produced = {"kafka_api_key_name": "Produce", "kafka_records": 5}
        fetched = {"kafka_api_key_name": "Fetch", "kafka_records": records}
        calls.append(Call(at, "s/shop", "s/kafka", "Produce", "OK", protocol="kafka", kfl=produced))
        calls.append(Call(at + 0.05, "s/mailer", "s/kafka", "Fetch", "OK", protocol="kafka", kfl=fetched))
    return calls


@pytest.mark.parametrize(("story", "broker"), [(amqp, "rabbit"), (kafka, "kafka")])
def test_a_consumer_that_stopped_is_named(story, broker: str) -> None:  # type: ignore[no-untyped-def]
    (found,) = BrokerConsumerStalled().detect(BuiltFacts(story()))
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "s/mailer"), Confidence.HIGH)
    assert found.affected == (Edge("s/mailer", f"s/{broker}", "amqp" if broker == "rabbit" else "kafka"),)
    assert found.title == (
        f"mailer consumes nothing from {broker} for the last 20 s, after 50 consuming calls,"
        " while 100 more are published"
    )


def test_a_consumer_that_goes_on_is_none() -> None:
    assert list(BrokerConsumerStalled().detect(BuiltFacts(amqp(until=99)))) == []
    assert list(BrokerConsumerStalled().detect(BuiltFacts(kafka(until=99)))) == []


def test_a_broker_that_nobody_publishes_to_any_more_is_idle() -> None:
    assert list(BrokerConsumerStalled().detect(BuiltFacts(amqp(publish=10.0)))) == []


def test_pace_names_and_order_of_nodes_change_nothing() -> None:
    assert_same_verdict(BrokerConsumerStalled(), amqp())
    assert_same_verdict(BrokerConsumerStalled(), kafka())
