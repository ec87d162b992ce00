"""LDAP: operations with their results, passwords kept out of sight, and recordings of slapd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening, Settings
from kubeshark_mcp.dissect.protocols.ldap import Ldap
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import dissect_file
from tests.dissect.conversation import CLIENT, SERVER, Talk, connection, play
from tests.dissect.test_laws import samples

RECORDINGS = Path(__file__).parents[2] / "recordings" / "ldap"
HAND = samples("ldap")


def of(title: str) -> list[Entry]:
    """Give the entries of a sample."""
    return read(HAND.SAMPLES[title], HAND.TRANSPORTS.get(title, "tcp"))


def read(talk: Talk, transport: str = "tcp", **how: Any) -> list[Entry]:
    return play([Ldap()], talk, transport=transport, settings=Settings(decode_as={(transport, 40080): "ldap"}), **how)


def outline(entry: Entry) -> tuple[str, str, bool]:
    return entry.summary, entry.status, entry.failed


def test_a_search_is_one_entry_with_all_that_it_found():
    bind, search, unbind = of("a search finds entries and a reference")
    assert outline(bind) == ("bind cn=admin,dc=example,dc=org simple", "success", False)
    assert search.summary == (r"search dc=example,dc=org sub (&(objectClass=*)(!(uid=ada))(|(cn=A*a\28b*e)(age>=30)))")
    assert search.fields == {
        "ldap": True,
        "ldap_type": "searchRequest",
        "ldap_summary": search.summary,
        "ldap_request": True,
        "ldap_response": True,
        "ldap_request_length": len(HAND.SEARCH),
        "ldap_response_length": len(HAND.FOUND + HAND.ANOTHER + HAND.ELSEWHERE + HAND.DONE),
        "ldap_total_size": len(HAND.SEARCH + HAND.FOUND + HAND.ANOTHER + HAND.ELSEWHERE + HAND.DONE),
        "ldap_message_id": 2,
        "ldap_dn": "dc=example,dc=org",
        "ldap_scope": "wholeSubtree",
        "ldap_dereference": "neverDerefAliases",
        "ldap_size_limit": 500,
        "ldap_time_limit": 30,
        "ldap_types_only": False,
        "ldap_filter": r"(&(objectClass=*)(!(uid=ada))(|(cn=A*a\28b*e)(age>=30)))",
        "ldap_attributes": ["cn", "mail"],
        "ldap_request_controls": ["pagedResults"],
        "ldap_response_controls": ["pagedResults"],
        "ldap_result_code": 0,
        "ldap_result": "success",
        "ldap_entries": 2,
        "ldap_references": 1,
        "ldap_referrals": ["ldap://other.example.org/dc=example,dc=org"],
    }
    assert outline(unbind) == ("unbind", "", False)


def test_a_refused_bind_failed():
    (entry,) = of("a bind is refused")
    assert outline(entry) == ("bind cn=admin,dc=example,dc=org simple", "invalidCredentials", True)
    assert entry.fields["ldap_error"] == "wrong"


def test_answers_are_paired_by_message_id_and_results_are_named():
    assert [outline(entry) for entry in of("entries change")] == [
        ("add cn=x,dc=example,dc=org", "entryAlreadyExists", True),
        ("modify uid=ada,ou=people,dc=example,dc=org replace mail add userPassword", "success", False),
        ("delete cn=x,dc=example,dc=org", "noSuchObject", True),
        (
            "modifyDN uid=ada,ou=people,dc=example,dc=org to uid=countess,ou=old,dc=example,dc=org",
            "success",
            False,
        ),
        ("compare uid=ada,ou=people,dc=example,dc=org (mail=ada@example.org)", "compareTrue", False),
    ]


@pytest.mark.parametrize("title", HAND.SAMPLES)
def test_no_password_is_shown(title: str):
    for entry in of(title):
        shown = repr(entry).encode() + entry.request_body + entry.response_body
        for secret in (b"geheim", b"neu", b"alt'", b"generated", b"SSHA", b"token one", b"challenge"):
            assert secret not in shown


def test_who_am_i_says_who():
    (entry,) = of("who am I")
    assert entry.fields["ldap_authorization_id"] == "dn:uid=ada,ou=people,dc=example,dc=org"


def test_behind_start_tls_comes_tls():
    hello = bytes.fromhex("160301")
    (entry,) = read([*HAND.SAMPLES["TLS begins"], (CLIENT, hello)])
    assert outline(entry) == ("extended StartTLS", "success", False)


def test_a_signed_sasl_layer_is_read_also_where_a_message_spans_two_buffers():
    first, second, search = of("SASL in two steps and a signing layer")
    assert outline(first) == ('bind "" sasl GSS-SPNEGO', "saslBindInProgress", False)
    assert outline(second) == ('bind "" sasl GSS-SPNEGO', "success", False)
    assert outline(search) == ('search "" base (objectClass=*)', "success", False)
    assert search.fields["ldap_sasl_layer"] is True


def test_encrypted_buffers_are_counted():
    assert [outline(entry) for entry in of("SASL encrypts")] == [
        ('bind "" sasl GSSAPI', "success", False),
        ("3 encrypted SASL buffers", "", False),
    ]


def test_an_abandoned_operation_says_so():
    assert [outline(entry) for entry in of("an operation is abandoned")] == [
        ("abandon 20", "", False),
        ("search dc=example,dc=org sub (objectClass=*)", "abandoned", False),
    ]


def test_a_notice_of_disconnection_is_an_entry_of_its_own():
    notice, search = of("the server ends it")
    assert outline(notice) == ("Notice of Disconnection", "unavailable", True)
    assert notice.request is None
    assert (search.status, search.response) == ("", None)


def test_a_damaged_message_keeps_what_was_read_and_the_stream_goes_on():
    damaged = HAND.message(3, HAND.ber(0x66, HAND.text("cn=x"), HAND.text("no changes")))
    unbind, broken = read([(CLIENT, damaged + HAND.UNBIND)])
    assert broken.fields["ldap_dn"] == "cn=x"
    assert broken.malformed == "tag 0x04 where 0x30 belongs at byte 13 of the message"
    assert unbind.summary == "unbind"


def test_datagrams_hold_several_messages():
    (entry,) = of("Active Directory is pinged over UDP")
    assert (entry.status, entry.fields["ldap_entries"], entry.fields["ldap_attributes"]) == ("success", 1, ["Netlogon"])


def test_a_server_does_not_begin_with_a_request():
    opening = Opening(connection(), b"", HAND.BIND, True, True)
    assert Ldap().probe(opening) is Confidence.NO
    assert Ldap().probe(Opening(connection(), HAND.BIND, b"", True, True)) is Confidence.SURE


def logs() -> list[Any]:
    return sorted(RECORDINGS.glob("*.json"))


@pytest.mark.parametrize("path", logs(), ids=lambda path: path.stem)
def test_recordings_say_what_the_client_logged(path: Path):
    calls = json.loads(path.read_text())["calls"]
    entries = dissect_file(path.with_suffix(".pcap")).of("ldap")
    done = [e for e in entries if e.fields["ldap_type"] not in {"bindRequest", "unbindRequest"} or e.failed]
    assert [(e.fields["ldap_type"], e.fields["ldap_result_code"]) for e in done] == [
        (call["operation"], call["result"]) for call in calls
    ]
    found = [(e.fields["ldap_entries"], e.fields["ldap_references"]) for e in done if "ldap_entries" in e.fields]
    assert found == [(call["entries"], call["references"]) for call in calls if "entries" in call]
    binds = [e for e in entries if e.fields["ldap_type"] == "bindRequest"]
    assert len(binds) == len(calls)
    assert {e.fields["ldap_auth"] for e in binds} == {"simple"}
    assert [e.malformed for e in entries if e.malformed] == []


def test_bytes_missing_between_entries_mark_the_search():
    talk = [(CLIENT, HAND.SEARCH), (SERVER, HAND.FOUND), (SERVER, HAND.ANOTHER), (SERVER, HAND.DONE)]
    (entry,) = read(talk, lost=[2])
    assert entry.malformed == "bytes are missing while the search was answered: entries may be missing"
    assert entry.fields["ldap_entries"] == 1
