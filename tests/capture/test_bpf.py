from __future__ import annotations

import random

import cypcap
import numpy as np
import pytest

from kubeshark_mcp.capture import check_bpf
from kubeshark_mcp.capture.bpf import BpfFilter, run_program
from kubeshark_mcp.capture.merge import as_records
from kubeshark_mcp.errors import FilterError
from tests.capture.building import ethernet, ipv4, ipv6, tcp, udp

PACKETS = [
    ethernet(ipv4(tcp(b"GET / HTTP/1.1", flags=2))),
    ethernet(ipv4(tcp(ports=(443, 50000), flags=0x10), options=b"\1\1\1\1", source="192.168.1.9")),
    ethernet(ipv4(udp(b"q" * 40), 17), tags=(0x8100,)),
    ethernet(ipv6(udp(b"six", ports=(5353, 5353)), 17), 0x86DD),
    ethernet(ipv6(b"\x06\0" + bytes(6) + tcp(b"x"), 0), 0x86DD),
    ethernet(ipv4(b"\x08\0ping", 1)),
    ethernet(ipv4(tcp(b"frag")[:24], flags=0x2001)),
    ethernet(bytes(28), 0x0806),
    ethernet(ipv4(tcp(b"cut"))[:30]),
    b"tiny",
    b"",
]
FILTERS = [
    "tcp",
    "udp port 53",
    "host 10.0.0.1 and not port 80",
    "net 192.168.0.0/16",
    "ip6",
    "vlan and udp",
    "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
    "tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
    "greater 60",
    "len < 50 or len = 54",
    "ip[8] % 7 = 1",
    "ip[8] / 2 = 32",
    "ip[2:2] * 3 > 150",
    "(ip[0] ^ 0x45) = 0",
    "-ip[0] < 0",
    "ip[0] << 4 = 0x450 or ip[4:2] >> 1 = 3",
    "portrange 5000-6000",
    "icmp or arp",
    "ip multicast or ether broadcast",
    "ip[6:2] & 0x1fff != 0",
    "ether[12:2] > 0x600",
    "tcp[tcp[12] >> 2 : 4] = 0x47455420",
    "ip6 protochain 6",
    "mpls",
    "pppoes",
]


@pytest.mark.parametrize("text", FILTERS)
def test_numpy_accepts_what_libpcap_accepts(text):
    generator = random.Random(1)
    packets = list(PACKETS)
    for _ in range(300):
        packet = bytearray(generator.choice(PACKETS[:9]))
        packet[generator.randrange(12, len(packet))] = generator.randrange(256)
        packets.append(bytes(packet[: generator.choice([len(packet), len(packet), generator.randrange(len(packet))])]))
    program = cypcap.compile(cypcap.DatalinkType(1), 262144, text, True, 0xFFFFFFFF)
    expected = [
        bool(program.offline_filter(cypcap.Pkthdr(ts=0.0, caplen=len(packet), len=len(packet) + 5), packet))
        for packet in packets
    ]
    records = as_records([(0, len(packet) + 5, packet, 1) for packet in packets])
    assert BpfFilter(text).mask(records).tolist() == expected


def test_every_instruction_of_the_machine_works():
    program = [
        (0x00, 0, 0, 7),  # A = 7
        (0x02, 0, 0, 3),  # M[3] = A
        (0x61, 0, 0, 3),  # X = M[3]
        (0x03, 0, 0, 4),  # M[4] = X
        (0x01, 0, 0, 2),  # X = 2
        (0x60, 0, 0, 4),  # A = M[4]
        (0x1C, 0, 0, 0),  # A -= X
        (0x07, 0, 0, 0),  # X = A
        (0x80, 0, 0, 0),  # A = packet length
        (0x2C, 0, 0, 0),  # A *= X
        (0x87, 0, 0, 0),  # A = X
        (0x05, 0, 0, 1),  # jump over the next
        (0x06, 0, 0, 0),
        (0x81, 0, 0, 0),  # X = packet length
        (0x1D, 0, 1, 0),  # if A == X return A
        (0x16, 0, 0, 0),
        (0x3C, 0, 0, 0),  # A /= X
        (0x16, 0, 0, 0),
    ]
    records = as_records([(0, length, b"x", 1) for length in (5, 1, 9, 0)])
    assert run_program(program, records, np.arange(4)).tolist() == [True, True, False, False]


def test_a_filter_is_compiled_for_each_link_type():
    raw, framed = ipv4(tcp(b"x")), ethernet(ipv4(tcp(b"x")))
    records = as_records(
        [(0, 60, raw, 101), (0, 60, framed, 1), (0, 60, bytes(14) + b"\x08\0" + raw, 113), (0, 1, b"x", 999)]
    )
    assert BpfFilter("tcp port 80").mask(records).tolist() == [True, True, True, False]
    assert BpfFilter("ether host 00:00:00:00:00:00").mask(records).tolist() == [False, True, False, False]


def test_errors_speak_libpcaps_words():
    cases = {
        "tcp prot 80": "syntax error",
        "port 99999": "illegal port number 99999 > 65535",
        "ether host 1.2.3": "illegal link layer address",
        "port \udcff": "surrogates not allowed",
    }
    for text, words in cases.items():
        with pytest.raises(FilterError) as caught:
            check_bpf(text)
        assert words in str(caught.value)
        assert repr(text) in str(caught.value)
    check_bpf("tcp port 80")
