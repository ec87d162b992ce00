from __future__ import annotations

from dataclasses import replace

import numpy as np

from kubeshark_mcp.stream.keys import NO_TRANSPORT, conversation_keys, is_service, transport_codes
from tests.stream.building import CLIENT, SERVER, Sent, block, numbered


def keyed(packets):
    made = block(numbered(packets))
    codes = transport_codes(made)
    chosen = np.arange(len(made))
    keys = conversation_keys(made, chosen, codes, np.zeros(len(made), dtype=np.uint64))
    return [tuple(int(word[place]) for word in keys.words) for place in chosen], keys.side.tolist()


def test_both_directions_have_one_key_and_different_sides():
    words, sides = keyed([Sent(), Sent(SERVER, CLIENT)])
    assert words[0] == words[1]
    assert sides == [0, 1]


def test_ports_transport_and_address_family_make_different_keys():
    packets = [
        Sent(),
        Sent((CLIENT[0], 40001)),
        Sent(protocol=17),
        Sent(high=1),
        Sent(destination=(SERVER[0] + 1, SERVER[1])),
    ]
    words, _ = keyed(packets)
    assert len(set(words)) == len(packets)


def test_a_key_does_not_depend_on_what_else_is_in_the_block():
    alone, _ = keyed([Sent(), Sent(SERVER, CLIENT), Sent((5, 9), (5, 7)), Sent((5, 7), (5, 9))])
    mixed, _ = keyed([Sent(), Sent(SERVER, CLIENT), Sent((5, 9), (5, 7)), Sent((5, 7), (5, 9)), Sent(high=2**63)])
    assert mixed[:4] == alone
    assert alone[2] == alone[3]


def test_what_is_not_followed_has_no_transport():
    made = block(
        numbered([Sent(), Sent(protocol=17), Sent(protocol=132), Sent(protocol=58), Sent(protocol=47), Sent()])
    )
    made = replace(made, fragment=np.array([False] * 5 + [True]))
    assert transport_codes(made).tolist() == [0, 1, 2, 3, NO_TRANSPORT, NO_TRANSPORT]


def test_service_ports_are_the_system_ports_and_the_well_known_services():
    ports = np.array([0, 53, 80, 1023, 1024, 5432, 6379, 9092, 27017, 40000], dtype=np.uint16)
    assert is_service(ports).tolist() == [False, True, True, True, False, True, True, True, True, False]
