from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.wire_tls_suites import GREASE, SUITES, forward_secret, suite_name, suite_weaknesses


@pytest.mark.parametrize(
    ("number", "name", "weaknesses", "secret"),
    [
        (0x1301, "TLS_AES_128_GCM_SHA256", [], True),
        (0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", [], True),
        (0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", [], False),
        (0x0005, "TLS_RSA_WITH_RC4_128_SHA", ["RC4 (RFC 7465)"], False),
        (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5", ["export grade", "RC4 (RFC 7465)", "MD5"], False),
        (0x0002, "TLS_RSA_WITH_NULL_SHA", ["no encryption (NULL)"], False),
        (0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", ["no authentication (anonymous)"], True),
        (0x0009, "TLS_RSA_WITH_DES_CBC_SHA", ["DES (RFC 5469)"], False),
        (0x000A, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", ["3DES (RFC 9325)"], False),
        (0xC0B4, "TLS_SHA256_SHA256", ["no encryption (RFC 9150)"], False),
        (0x010080, "SSL_CK_RC4_128_WITH_MD5", ["RC4 (RFC 7465)", "MD5"], False),
        (0x8A8A, "GREASE", [], False),
        (0x9999, "0x9999", [], False),
    ],
)
def test_a_suite_has_its_name_and_its_weaknesses(number: int, name: str, weaknesses: list[str], secret: bool):
    assert (suite_name(number), suite_weaknesses(number), forward_secret(number)) == (name, weaknesses, secret)


def test_the_table_is_that_of_iana_by_its_form():
    assert len(SUITES) > 370
    assert not GREASE & SUITES.keys()
    assert all(name.startswith(("TLS_", "SSL_")) and 0 <= number < 1 << 16 for number, name in SUITES.items())
