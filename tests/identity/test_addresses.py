from __future__ import annotations

from kubeshark_mcp.identity.addresses import canonical


def test_an_address_has_one_spelling():
    assert canonical("10.0.0.7") == "10.0.0.7"
    assert canonical("2001:DB8:0:0::7") == "2001:db8::7"
    assert canonical("::ffff:10.0.0.7") == "10.0.0.7"


def test_what_is_no_address_is_empty():
    assert [canonical(text) for text in ("", "None", "10.0.0", "api.example.com")] == ["", "", "", ""]
