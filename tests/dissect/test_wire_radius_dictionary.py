from __future__ import annotations

from kubeshark_mcp.dissect import wire_radius_dictionary as dictionary
from kubeshark_mcp.dissect.wire_radius import value_text


def test_every_attribute_has_a_kind_that_can_be_written():
    kinds = {kind for _, kind in (*dictionary.ATTRIBUTES.values(), *dictionary.VENDOR_ATTRIBUTES.values())}
    assert kinds <= {
        dictionary.TEXT,
        dictionary.OCTETS,
        dictionary.INTEGER,
        dictionary.ADDRESS,
        dictionary.DATE,
        dictionary.ADDRESS6,
        dictionary.PREFIX6,
        dictionary.PREFIX4,
        dictionary.INTERFACE,
        dictionary.TAGGED_TEXT,
        dictionary.TAGGED_INTEGER,
        dictionary.VENDOR,
        dictionary.SECRET,
        dictionary.LONG,
        dictionary.EXTENDED,
    }
    assert all(value_text(bytes(8), kind, 1) for kind in kinds)


def test_names_are_given_once():
    for names in (
        [name for name, _ in dictionary.ATTRIBUTES.values()],
        [name for name, _ in dictionary.VENDOR_ATTRIBUTES.values()],
        list(dictionary.CODES.values()),
    ):
        assert len(set(names)) == len(names)


def test_what_proves_who_someone_is_counts_as_secret():
    secret = {name for name, kind in dictionary.ATTRIBUTES.values() if kind == dictionary.SECRET}
    assert {"User-Password", "CHAP-Password", "Tunnel-Password", "EAP-Message", "Digest-Response"} <= secret


def test_answers_and_refusals_are_known_codes():
    assert dictionary.ANSWERS.keys() | dictionary.REFUSALS <= dictionary.CODES.keys()
    assert dictionary.ANSWERS.keys() >= dictionary.REFUSALS


def test_enumerations_have_the_numbers_of_their_rfcs():
    assert dictionary.VALUES[40][2] == "Stop"
    assert dictionary.VALUES[40][15] == "Failed"
    assert dictionary.VALUES[49][2] == "Lost-Carrier"
    assert dictionary.VALUES[61][19] == "Wireless-802.11"
    assert dictionary.VALUES[64][13] == "VLAN"
    assert dictionary.VALUES[101][503] == "Session-Context-Not-Found"
