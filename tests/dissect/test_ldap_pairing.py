"""Operations and their answers: what is replaced, what comes alone."""

from __future__ import annotations

from kubeshark_mcp.dissect.base import Context, Settings
from kubeshark_mcp.dissect.ldap_pairing import LdapPairing
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.dissect.conversation import CLIENT, SERVER, connection
from tests.dissect.test_laws import samples

HAND = samples("ldap")
SPAN = Span(0, 1, 1, 1, 1, 1)


def paired(*talk: tuple[int, bytes]) -> list[Entry]:
    entries: list[Entry] = []
    pairing = LdapPairing(Context(connection(), Settings(), entries.append))
    for direction, data in talk:
        pairing.take(direction, data, 0, len(data), SPAN)
    pairing.flush()
    return entries


def test_an_id_that_is_used_again_ends_the_wait_of_the_one_before():
    again = HAND.message(2, HAND.ber(0x4A, b"cn=x"))
    found = paired((CLIENT, HAND.SEARCH), (CLIENT, again), (SERVER, HAND.message(2, HAND.result(0x6B))))
    assert [(e.fields["ldap_type"], e.status) for e in found] == [("searchRequest", ""), ("delRequest", "success")]


def test_an_answer_of_another_operation_is_not_joined():
    found = paired((CLIENT, HAND.BIND), (SERVER, HAND.message(1, HAND.result(0x6B))))
    assert [(e.fields["ldap_type"], e.request is None) for e in found] == [
        ("delResponse", True),
        ("bindRequest", False),
    ]


def test_entries_without_their_search_are_counted_in_one_entry():
    (entry,) = paired((SERVER, HAND.FOUND), (SERVER, HAND.ANOTHER), (SERVER, HAND.DONE))
    assert (entry.request, entry.status, entry.fields["ldap_entries"]) == (None, "success", 2)
