"""ICMP: pairing, errors, and the recordings with what ping and traceroute told."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Context, Opening, Settings
from kubeshark_mcp.dissect.protocols.icmp import LIFETIME_NS, WAITING_LIMIT, Icmp
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Closing, Connection, Datagram, Direction, Endpoint, Span
from tests.corpus.harness import dissect_file
from tests.dissect.samples import icmp as sample

CLIENT, SERVER = Direction.CLIENT, Direction.SERVER
A, B = Endpoint("10.0.0.1", 0), Endpoint("10.0.0.2", 0)
CONNECTION, TURNED = Connection(0, "icmp", A, B), Connection(0, "icmp", B, A)
RECORDINGS = Path(__file__).parents[2] / "recordings" / "icmp"


def exchange(
    *messages: tuple[Direction, bytes], times: list[int] | None = None, missing: int = 0, of: Connection = CONNECTION
) -> list[Entry]:
    entries: list[Entry] = []
    dissector = Icmp().open(Context(of, Settings(), entries.append))
    for number, (direction, data) in enumerate(messages, 1):
        dissector.on_datagram(Datagram(of, direction, data, number, times[number - 1] if times else number, missing))
    dissector.on_close(Closing(of, "end", 0))
    return entries


def frames(entries: list[Entry]) -> list[tuple[int | None, int | None]]:
    halves = [(entry.request, entry.response) for entry in entries]
    return [(a.first_packet if a else None, b.first_packet if b else None) for a, b in halves]


def test_a_ping_and_its_answer_are_one_entry():
    request, reply = sample.echo(7, 1), sample.echo(7, 1, reply=True)
    assert exchange((CLIENT, request), (SERVER, reply)) == [
        Entry(
            "icmp",
            CONNECTION,
            Span(0, 16, 1, 1, 1, 1),
            Span(0, 16, 2, 2, 2, 2),
            {
                "icmp_type": "Echo Request",
                "icmp_version": 4,
                "icmp_length": 16,
                "icmp_type_number": 8,
                "icmp_code": 0,
                "icmp_id": 7,
                "icmp_sequence": 1,
                "icmp_request": True,
                "icmp_response": True,
                "icmp_response_length": 16,
            },
            "Echo Request id 7 seq 1",
            "Echo Reply",
            False,
            request,
            reply,
        )
    ]


def test_a_host_that_pings_itself_gets_its_answers():
    itself = Connection(0, "icmp", A, A)
    asked = [sample.echo(7, number) for number in (1, 2)]
    answered = [sample.echo(7, number, reply=True) for number in (1, 2, 3)]
    talk = [(CLIENT, data) for data in (asked[0], answered[0], asked[1], answered[1], answered[2])]
    found = exchange(*talk, of=itself)
    assert frames(found) == [(1, 2), (3, 4), (None, 5)]
    assert [entry.connection for entry in found] == [itself] * 3


def test_an_error_is_an_entry_whose_source_is_who_complains():
    data = sample.message(3, 4, struct.pack(">HH", 0, 1400) + sample.ipv4("10.0.0.1", "10.9.9.9", 6, sample.udp(4, 5)))
    assert exchange((SERVER, data)) == [
        Entry(
            "icmp",
            TURNED,
            Span(0, 36, 1, 1, 1, 1),
            None,
            {
                "icmp_type": "Destination Unreachable",
                "icmp_version": 4,
                "icmp_length": 36,
                "icmp_type_number": 3,
                "icmp_code": 4,
                "icmp_reason": "Fragmentation Needed",
                "icmp_mtu": 1400,
                "icmp_about_src": "10.0.0.1",
                "icmp_about_dst": "10.9.9.9",
                "icmp_about_protocol": "tcp",
                "icmp_about_src_port": 4,
                "icmp_about_dst_port": 5,
                "icmp_about_length": 28,
                "icmp_error": True,
            },
            "Destination Unreachable (Fragmentation Needed) MTU 1400: tcp 10.0.0.1:4 to 10.9.9.9:5",
            "Fragmentation Needed",
            True,
            data,
        )
    ]


def test_pings_of_both_sides_have_the_side_that_asks_as_source():
    entries = exchange(*sample.SAMPLES["both sides ping"])
    assert [(entry.connection, entry.fields["icmp_id"]) for entry in entries] == [(TURNED, 9), (CONNECTION, 7)]
    assert frames(entries) == [(2, 3), (1, 4)]


def test_the_same_ping_twice_gets_its_answers_in_turn_and_a_third_answer_stands_alone():
    ping, reply = (CLIENT, sample.echo(7, 1)), (SERVER, sample.echo(7, 1, reply=True))
    assert frames(exchange(ping, ping, reply, reply, reply)) == [(1, 3), (2, 4), (None, 5)]


def test_a_reply_much_later_is_not_one_to_this_ping():
    ping, reply = (CLIENT, sample.echo(7, 1)), (SERVER, sample.echo(7, 1, reply=True))
    assert frames(exchange(ping, reply, times=[0, LIFETIME_NS + 1])) == [(1, None), (None, 2)]


def test_a_reply_with_other_data_is_marked():
    (entry,) = exchange((CLIENT, sample.echo(7, 1, b"abcd")), (SERVER, sample.echo(7, 1, b"abXd", reply=True)))
    assert entry.fields["icmp_altered"] is True
    (cut,) = exchange((CLIENT, sample.echo(7, 1, b"abcd")), (SERVER, sample.echo(7, 1, b"ab", reply=True)))
    assert "icmp_altered" not in cut.fields


def test_a_message_cut_by_the_capture_is_malformed_only_where_something_could_not_be_read():
    (ping,) = exchange((CLIENT, sample.echo(7, 1)), missing=1000)
    assert (ping.malformed, ping.fields["icmp_length"]) == ("", 1016)
    (error,) = exchange((SERVER, sample.message(3, 3, bytes(4) + b"\x45\0")), missing=26)
    assert error.malformed == "the capture holds 10 of 36 bytes of the message"


def test_silence_costs_bounded_memory():
    pings = [(CLIENT, sample.echo(number >> 16, number & 0xFFFF, b"")) for number in range(WAITING_LIMIT + 100)]
    dissector_entries: list[Entry] = []
    dissector = Icmp().open(Context(CONNECTION, Settings(), dissector_entries.append))
    for number, (direction, data) in enumerate(pings, 1):
        dissector.on_datagram(Datagram(CONNECTION, direction, data, number, number))
    assert len(dissector_entries) == 100
    dissector.on_close(Closing(CONNECTION, "end", 0))
    assert len(dissector_entries) == len(pings)


def test_a_refusing_reply_of_icmpv6_is_a_failure():
    of = Connection(0, "icmp", Endpoint("fe80::1", 0), Endpoint("fe80::2", 0))
    nonce = b"nonce..."
    query = bytes((139, 1, 0, 0)) + bytes(4) + nonce
    refusal = bytes((140, 1, 0, 0)) + bytes(4) + nonce
    (entry,) = exchange((CLIENT, query), (SERVER, refusal), of=of)
    assert (entry.fields["icmp_type"], entry.status, entry.failed) == ("Node Information Query", "Refused", True)


def test_whatever_ip_calls_icmp_is_icmp():
    assert Icmp().probe(Opening(CONNECTION, b"\xff", b"", True, True, True)) is Confidence.SURE
    assert Icmp().probe(Opening(CONNECTION, b"", b"", True, True)) is Confidence.UNDECIDED


def log_of(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RECORDINGS / f"{name}.json").read_text())["calls"]
    return found


def entries_of(name: str) -> list[Entry]:
    result = dissect_file(RECORDINGS / f"{name}.pcap")
    assert result.warnings == []
    assert [entry.malformed for entry in result.of("icmp") if entry.malformed] == []
    return result.of("icmp")


@pytest.mark.parametrize("name", ["echoes", "unanswered", "neighbours", "too_big"])
def test_recorded_pings_are_those_that_ping_told_of(name: str):
    pings = [entry for entry in entries_of(name) if entry.fields["icmp_type"] == "Echo Request"]
    ours = Counter((e.connection.server.address, e.fields["icmp_sequence"]) for e in pings if e.response is not None)
    calls = [call for call in log_of(name) if call["tool"] == "ping"]
    assert ours == Counter((one["from"], one["sequence"]) for call in calls for one in call["answers"])
    assert len(pings) == sum(call["sent"] for call in calls)
    sizes = Counter(e.fields["icmp_response_length"] for e in pings if e.response is not None)
    assert sizes == Counter(one["bytes"] for call in calls for one in call["answers"])


WORDS = {
    "Frag needed and DF set (mtu = 1400)": ("Fragmentation Needed", 1400),
    "Packet too big: mtu=1400": ("", 1400),
    "Destination Net Unreachable": ("Network Unreachable", None),
    "Destination Host Unreachable": ("Host Unreachable", None),
    "Destination unreachable: No route": ("No Route to Destination", None),
}


@pytest.mark.parametrize("name", ["too_big", "unreachable"])
def test_recorded_errors_are_those_that_ping_told_of_and_name_its_packet(name: str):
    found = []
    for entry in entries_of(name):
        if entry.failed and entry.fields["icmp_about_protocol"].startswith("icmp"):
            fields = entry.fields
            where = entry.connection.client.address, fields["icmp_about_sequence"], fields["icmp_about_dst"]
            found.append((*where, (entry.status, fields.get("icmp_mtu"))))
    told = [
        (one["from"], one["sequence"], call["target"], WORDS[one["text"]])
        for call in log_of(name)
        if call["tool"] == "ping"
        for one in call["errors"]
    ]
    assert sorted(found, key=repr) == sorted(told, key=repr)


def test_recorded_refusals_name_the_datagram_that_the_sender_heard_about():
    found = []
    for entry in entries_of("unreachable"):
        if entry.fields.get("icmp_about_protocol") == "udp":
            found.append(
                (
                    entry.fields["icmp_about_dst"],
                    entry.fields["icmp_about_dst_port"],
                    entry.fields["icmp_about_src_port"],
                )
            )
    told = [(c["target"], c["port"], c["source_port"]) for c in log_of("unreachable") if c["tool"] == "udp"]
    assert found == told


def test_recorded_ways_have_the_hops_that_traceroute_told_of():
    entries = entries_of("traced")
    routers = {entry.connection.client.address for entry in entries if entry.fields["icmp_type"] == "Time Exceeded"}
    calls = log_of("traced")
    assert routers == {hop["from"] for call in calls for hop in call["hops"] if hop["from"] != call["target"]}
    reached = {entry.connection.client.address for entry in entries if entry.status == "Port Unreachable"}
    assert reached == {call["target"] for call in calls if "-U" in call["arguments"]}


def test_a_recorded_neighbour_is_asked_for_and_answers():
    discovery = [
        (e.fields["icmp_type"], e.fields["icmp_target"], "icmp_link_address" in e.fields)
        for e in entries_of("neighbours")
        if "icmp_target" in e.fields
    ]
    assert discovery[:2] == [
        ("Neighbor Solicitation", "2001:db8:1::1", True),
        ("Neighbor Advertisement", "2001:db8:1::1", True),
    ]
