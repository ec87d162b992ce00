from __future__ import annotations

from kubeshark_mcp.dissect import wire_diameter_names as names


def test_avps_have_a_known_format_and_a_name_of_their_own():
    forms = {
        names.OCTETS,
        names.UTF8,
        names.UNSIGNED,
        names.SIGNED,
        names.GROUPED,
        names.ADDRESS,
        names.TIME,
        names.SECRET,
    }
    for table in (names.AVPS, names.AVPS_3GPP):
        assert {form for _, form in table.values()} <= forms
        given = [name for name, _ in table.values() if name != "User-Data"]  # that of Cx, and that of Sh
        assert len(set(given)) == len(given)


def test_numbers_are_those_of_the_registries():
    assert (names.COMMANDS[272], names.COMMANDS[316]) == ("Credit-Control", "3GPP-Update-Location")
    assert (names.APPLICATIONS[16777238], names.APPLICATIONS[16777251]) == ("Gx", "S6a/S6d")
    assert (names.RESULTS[3004], names.RESULTS[5012]) == ("DIAMETER_TOO_BUSY", "DIAMETER_UNABLE_TO_COMPLY")
    assert names.EXPERIMENTAL_RESULTS[5420] == "DIAMETER_ERROR_UNKNOWN_EPS_SUBSCRIPTION"
    assert (names.AVPS[444], names.AVPS_3GPP[1407]) == (("Subscription-Id-Data", "utf8"), ("Visited-PLMN-Id", "octets"))


def test_keys_and_passwords_count_as_secret():
    secret = {name for table in (names.AVPS, names.AVPS_3GPP) for name, form in table.values() if form == names.SECRET}
    assert {"User-Password", "CHAP-Auth", "KASME", "XRES", "Confidentiality-Key", "EAP-Payload"} <= secret


def test_enumerations_belong_to_avps():
    known = {name for name, _ in names.AVPS.values()}
    assert names.ENUMERATIONS.keys() <= known
