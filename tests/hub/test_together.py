"""Which conversations one process has to read."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from kubeshark_mcp.capture.reader import open_capture
from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.hub.together import kafka_ports, ports_of
from tests.stream.building import CLIENT, Sent, block, numbered

RECORDED = Path(__file__).resolve().parents[1] / "recordings"


def test_names_are_looked_for_on_the_ports_of_dns_and_on_those_that_the_user_named():
    protocols = load_protocols()
    assert ports_of({"dns"}, protocols, Settings()) == {53, 5353, 5355}
    told = Settings(ports={5300: "dns", 80: "http"}, decode_as={("udp", 5301): "dns", ("tcp", 81): "http"})
    assert ports_of({"dns"}, protocols, told) == {53, 5353, 5355, 5300, 5301}


def request(
    key: int = 18, version: int = 4, client: bytes | None = b"billing", rest: bytes = b"\0", size: int = 0
) -> bytes:
    length = -1 if client is None else len(client)
    data = struct.pack("!hhih", key, version, 7, length) + (client or b"") + rest
    return struct.pack("!i", size or len(data)) + data


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (request(), True),
        (request(client=None), True),
        (request(key=300), False),
        (request(version=60), False),
        (request(size=1000), False),
        (request(client=b"")[:13], False),
        (struct.pack("!ihhih", 11, 18, 4, 7, 200) + b"a", False),
        (b"", False),
    ],
)
def test_what_looks_like_a_whole_kafka_request_shows_where_kafka_is_spoken(data, found):
    made = block(
        numbered([Sent(CLIENT, (7, 31090), data=data, flags="PA"), Sent(CLIENT, (7, 80), data=b"GET / HTTP/1.1")])
    )
    assert kafka_ports(made) == ({31090} if found else set())


@pytest.mark.parametrize("recording", ["http/large_body", "redis/pipelined", "postgresql/session", "dns/tcp"])
def test_other_protocols_do_not_look_like_it(recording):
    path = RECORDED / f"{recording}.pcap"
    if not path.exists():
        path = next((RECORDED / recording.split("/")[0]).glob("*.pcap"))
    with open_capture(path) as capture:
        assert set().union(*(kafka_ports(made) for made in capture.blocks())) == set()
