from __future__ import annotations

import hashlib
import random

from kubeshark_mcp.dissect.wire_tls_certificate import Certificate, read_certificate
from tests.dissect.tls_building import CERTIFICATE

YEAR_2023, YEAR_2024 = 1_672_531_200 * 10**9, 1_704_067_200 * 10**9


def test_a_certificate_says_for_whom_by_whom_and_how_long():
    found = read_certificate(CERTIFICATE)
    assert found == Certificate(
        subject="O=Shop, CN=api.example.com",
        issuer="CN=Shop CA",
        names=("api.example.com", "*.shop.example", "10.0.0.2"),
        serial="1234",
        not_before=YEAR_2023,
        not_after=YEAR_2024,
        sha256=hashlib.sha256(CERTIFICATE).hexdigest(),
    )
    assert not found.self_issued


def test_validity_is_asked_for_a_moment():
    found = Certificate(not_before=YEAR_2023, not_after=YEAR_2024)
    assert [found.expired(at) for at in (YEAR_2023, YEAR_2024, YEAR_2024 + 1)] == [False, False, True]
    assert [found.not_yet_valid(at) for at in (YEAR_2023 - 1, YEAR_2023)] == [True, False]
    assert not Certificate().expired(YEAR_2024)


def test_one_that_names_itself_is_self_issued():
    assert Certificate(subject="CN=a", issuer="CN=a").self_issued
    assert not Certificate().self_issued


def test_bytes_that_are_no_certificate_are_told_from_one():
    found = read_certificate(b"\x30\x03nothing")
    assert found.malformed.startswith("the certificate cannot be read: ")
    assert found.sha256 == hashlib.sha256(b"\x30\x03nothing").hexdigest()


def test_a_serial_number_that_rfc_5280_forbids_is_no_reason_to_warn(recwarn):
    zero = CERTIFICATE.replace(b"\x02\x02\x12\x34", b"\x02\x02\xff\x34", 1)
    assert read_certificate(zero).subject == "O=Shop, CN=api.example.com"
    assert [str(warning.message) for warning in recwarn] == []


def test_no_damage_makes_reading_raise():
    choice = random.Random(1)
    for _ in range(3000):
        damaged = bytearray(CERTIFICATE)
        for _ in range(choice.randint(1, 3)):
            damaged[choice.randrange(len(damaged))] = choice.randrange(256)
        found = read_certificate(bytes(damaged[: choice.choice([None, choice.randrange(len(damaged))])]))
        assert len(found.sha256) == 64
