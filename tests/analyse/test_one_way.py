from __future__ import annotations

from kubeshark_mcp.analyse.one_way import one_way
from tests.analyse.building import BuiltFacts, Call


def test_what_no_answer_belongs_to_is_known_by_protocol():
    story = [
        Call(0, "s/doors", "s/people", "unbind", "", None, protocol="ldap"),
        Call(1, "s/doors", "s/people", "search dc=example", "", None, protocol="ldap"),
        Call(2, "s/doors", "s/db", "Terminate", "", None, protocol="postgresql"),
        Call(3, "s/doors", "s/db", "SELECT 1", "", None, protocol="postgresql"),
        Call(4, "s/doors", "s/db", "COM_STMT_CLOSE 3", "", None, protocol="mysql"),
        Call(5, "s/doors", "s/web", "unbind", "", None),
        Call(6, "s/doors", "s/cache", "QUIT", "OK", 1.0, protocol="redis"),
    ]
    assert one_way(BuiltFacts(story)).tolist() == [True, False, True, False, True, False, False]
    assert one_way(BuiltFacts()).tolist() == []
