"""LDAP messages: where they begin, what they say, and where reading stops."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.wire_ber import BerError
from kubeshark_mcp.dissect.wire_ldap import is_plausible, message_length, read_head, read_message
from kubeshark_mcp.dissect.wire_ldap_names import OPERATIONS, REQUESTS
from tests.dissect.test_laws import samples

HAND = samples("ldap")
MESSAGES = [data for name, data in vars(HAND).items() if name.isupper() and isinstance(data, bytes) and data[0] == 0x30]


def said(data: bytes) -> dict[str, object]:
    message = read_message(data, read_head(data, 0, len(data)), len(data))
    assert message.malformed == ""
    return message.fields


@pytest.mark.parametrize("data", MESSAGES)
def test_any_beginning_of_a_message_fits_until_it_is_certain(data: bytes):
    opinions = [is_plausible(data[:length], 0, length, OPERATIONS) for length in range(1, len(data) + 1)]
    assert False not in opinions
    assert opinions[-1] is True
    assert message_length(data + b"more", 0, len(data) + 4) == len(data)


@pytest.mark.parametrize("data", [b"\x30\x02\x01\x00", b"\x31\x05\x02\x01\x01\x42\0", b"\x30\x05\x04\x01\x01\x42\0"])
def test_what_is_no_message_is_refused(data: bytes):
    with pytest.raises(BerError):
        message_length(data, 0, len(data))
    assert is_plausible(data, 0, len(data), REQUESTS) is False


def test_an_snmp_message_is_none():
    snmp = bytes.fromhex("302902010004067075626c6963a01c0204")
    assert is_plausible(snmp, 0, len(snmp), OPERATIONS) is False


def test_binds_tell_how():
    assert said(HAND.message(1, HAND.bind("", "")))["ldap_auth"] == "anonymous"
    assert said(HAND.message(1, HAND.bind("cn=x", "")))["ldap_auth"] == "unauthenticated"
    assert said(HAND.message(1, HAND.sasl("PLAIN", b"\0x\0y"))) == {
        "ldap_version": 3,
        "ldap_dn": "",
        "ldap_auth": "sasl",
        "ldap_sasl_mechanism": "PLAIN",
    }


def test_a_result_tells_referrals_and_words():
    referral = HAND.ber(0xA3, HAND.text("ldap://other/"))
    assert said(HAND.message(4, HAND.result(0x65, 10, "dc=x", "elsewhere", referral))) == {
        "ldap_result_code": 10,
        "ldap_result": "referral",
        "ldap_matched_dn": "dc=x",
        "ldap_error": "elsewhere",
        "ldap_referrals": ["ldap://other/"],
    }


def test_reading_stops_with_its_place():
    data = HAND.message(1, HAND.ber(0x63, HAND.text("dc=x"), HAND.number(1, 0x0A)))
    message = read_message(data, read_head(data, 0, len(data)), len(data))
    assert (message.fields, message.malformed) == (
        {"ldap_dn": "dc=x", "ldap_scope": "singleLevel"},
        "an element is missing at byte 16 of the message",
    )
