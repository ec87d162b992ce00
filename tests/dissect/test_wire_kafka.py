"""Headers of requests, and schemas of all versions made into readers."""

from __future__ import annotations

import struct

import pytest

from kubeshark_mcp.dissect.wire_kafka import RequestHeader, Schemas, joined, read_request_header
from kubeshark_mcp.dissect.wire_kafka_fields import Found, KafkaError, pass_tags
from tests.dissect.samples.kafka import (
    API_VERSIONS_3,
    TOPIC_ID,
    array,
    batch,
    compact,
    compact_array,
    described,
    fetch_by_id,
    fetched_by_id,
    metadata,
    named,
    produce,
    produced,
    request,
    response,
    text,
)


def asked(data: bytes) -> Found:
    body = data[4:]
    return Schemas().request(read_request_header(body), body)


def answered(key: int, version: int, data: bytes) -> Found:
    return Schemas().response(key, version, data[4:])


def test_a_header_has_key_version_correlation_id_and_client_id():
    assert read_request_header(request(1, 12, -5, b"body", "shöp")[4:]) == RequestHeader(1, 12, -5, "shöp", 15)
    assert read_request_header(request(18, 0, 7, b"", None)[4:]) == RequestHeader(18, 0, 7, "", 10)


def test_the_header_of_controlled_shutdown_0_has_no_client_id():
    assert read_request_header(struct.pack(">hhii", 7, 0, 3, 1)) == RequestHeader(7, 0, 3, "", 8)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\0\1\0\0\0\0\0\1\0", "the header of the request is not whole"),
        (b"\0\1\0\0\0\0\0\1\0\5abcd", "the client id is longer than the request"),
        (b"\xff\1\0\0\0\0\0\1\0\0", "no request begins"),
        (b"\0\1\0\0\0\0\0\1\x80\0", "no request begins"),
    ],
)
def test_what_is_no_header_is_refused(data: bytes, why: str):
    with pytest.raises(KafkaError, match=why):
        read_request_header(data)


def test_produce_names_topics_acks_and_records():
    assert asked(produce(1, "orders", batch(3), acks=1)) == Found(
        topics=["orders"], partitions=1, batches=1, records=3, acks=1, whole=True
    )
    assert answered(0, 7, produced(1, "orders", error=6, throttle=250)) == Found(
        topics=["orders"], partitions=1, errors=[6], throttle=250, whole=True
    )


def test_a_newer_fetch_names_topics_by_id_and_has_tagged_fields():
    assert asked(fetch_by_id(1)) == Found(topic_ids=[TOPIC_ID], partitions=1, whole=True)
    assert answered(1, 13, fetched_by_id(1, batch(4) + batch(1))) == Found(
        topic_ids=[TOPIC_ID], partitions=1, batches=2, records=5, throttle=0, whole=True
    )


def test_metadata_names_topics_with_their_ids_and_errors():
    assert asked(metadata(1, "a", "b")) == Found(topics=["a", "b"], whole=True)
    assert answered(3, 1, described(1, "orders", error=5)) == Found(topics=["orders"], errors=[5], whole=True)
    assert answered(3, 10, named(1, "orders")) == Found(topics=["orders"], topic_ids=[TOPIC_ID], throttle=0, whole=True)


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (0, text("billing")),
        (2, text("billing") + b"\1"),
        (3, compact("billing") + b"\1\0"),
        (4, b"\1" + compact_array(compact("billing"), compact("audit")) + b"\0"),
    ],
)
def test_each_version_of_a_schema_has_its_own_fields(version: int, body: bytes):
    found = asked(request(10, version, 1, body, tags=b"\0" if version >= 3 else b""))
    assert (found.keys[0], found.malformed) == ("billing", "")


def test_the_answer_to_an_unknown_version_of_api_versions_is_in_version_0():
    old = response(1, b"\0\x23" + array(struct.pack(">hhh", 18, 0, 2)))
    assert answered(18, 3, old) == Found(errors=[35], whole=True)
    new = response(1, b"\0\0" + compact_array(struct.pack(">hhh", 18, 0, 3) + b"\0") + bytes(4) + b"\0")
    assert answered(18, 3, new) == Found(throttle=0, whole=True)


def test_the_software_of_a_client_is_read():
    assert asked(request(18, 3, 1, API_VERSIONS_3, tags=b"\0")).software == ["librdkafka", "2.3.0"]


def test_a_newer_version_and_an_unknown_request_are_not_read():
    assert asked(request(0, 99, 1, b"anything")) == Found(unread=True)
    assert asked(request(500, 0, 1, b"anything")) == Found(unread=True)


def test_a_body_that_ends_too_early_says_where():
    data = produce(1, "orders", batch(3))[4:-80]
    found = Schemas().request(read_request_header(data), data)
    assert found.malformed == f"the message ends inside its fields at byte {len(data)}"
    assert (found.topics, found.whole) == (["orders"], False)


def test_bytes_behind_the_last_field_are_told():
    found = answered(12, 0, response(1, b"\0\0???"))
    assert (found.malformed, found.whole) == ("3 bytes are left behind the last field at byte 6", True)


def test_neighbours_that_do_not_matter_are_passed_over_in_one_step():
    steps = joined([4, 8, pass_tags, 2])
    assert [step(b"\0" * 20, 0, Found()) for step in steps] == [12, 1, 2]
