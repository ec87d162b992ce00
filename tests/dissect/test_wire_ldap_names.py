"""Names of LDAP: what belongs together."""

from __future__ import annotations

from kubeshark_mcp.dissect.wire_ldap_names import FINAL, GOOD, REQUESTS, RESPONSES, RESULTS, is_secret, result_name


def test_every_request_but_unbind_and_abandon_has_a_final_response():
    assert {REQUESTS[tag] for tag in REQUESTS.keys() - FINAL.keys()} == {"unbindRequest", "abandonRequest"}
    assert set(FINAL.values()) <= RESPONSES.keys()


def test_results_have_names():
    assert [result_name(code) for code in (0, 49, 99)] == ["success", "invalidCredentials", "result 99"]
    assert RESULTS.keys() >= GOOD


def test_passwords_are_known_by_their_attribute_with_and_without_options():
    assert [is_secret(name) for name in ("userPassword", "userpassword;x-1", "mail")] == [True, True, False]
