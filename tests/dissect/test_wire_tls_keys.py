from __future__ import annotations

import hashlib

import pytest

from kubeshark_mcp.dissect.wire_tls_keys import SESSIONS, KeyLog, expand_label, master_secret, prf, updated

RANDOM, MASTER = bytes(range(32)), bytes(48)


def test_lines_are_kept_by_the_random_of_their_hello():
    log = KeyLog(
        [
            "# comment",
            f"CLIENT_RANDOM {RANDOM.hex()} {MASTER.hex()}",
            f"  CLIENT_TRAFFIC_SECRET_0 {RANDOM.hex().upper()} {'ab' * 32}  ",
            "CLIENT_RANDOM zz zz",
            "",
        ]
    )
    assert log.secrets(RANDOM) == {"CLIENT_RANDOM": MASTER, "CLIENT_TRAFFIC_SECRET_0": b"\xab" * 32}
    assert log.secrets(bytes(32)) == {}
    assert not log.has_premasters


def test_lines_that_come_later_are_read_when_they_are_asked_for():
    lines: list[str] = []
    log = KeyLog(lines)
    assert log.secrets(RANDOM) == {}
    lines.append(f"CLIENT_RANDOM {RANDOM.hex()} {MASTER.hex()}")
    assert log.secrets(RANDOM) == {"CLIENT_RANDOM": MASTER}


def test_premasters_and_sessions_have_keys_of_their_own():
    log = KeyLog([f"RSA {'01' * 8} {'cd' * 48}", f"RSA Session-ID:{'02' * 32} Master-Key:{'ef' * 48}"])
    assert log.has_premasters
    assert log.premaster(b"\x01" * 256) == b"\xcd" * 48
    assert log.premaster(b"\x02" * 256) == b""
    assert log.resumed(b"\x02" * 32) == b"\xef" * 48


def test_sessions_are_remembered_up_to_a_limit():
    log = KeyLog()
    log.remember(b"", MASTER)
    for number in range(SESSIONS + 1):
        log.remember(number.to_bytes(4, "big"), MASTER)
    assert [log.resumed(number.to_bytes(4, "big")) for number in (0, 1, SESSIONS)] == [b"", MASTER, MASTER]
    assert log.resumed(b"") == b""


def test_the_prf_of_version_12_gives_the_published_vector():
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    assert prf(0x0303, "sha256", secret, b"test label", seed, 32).hex() == (
        "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
    )


@pytest.mark.parametrize("length", [1, 16, 33, 104])
def test_the_prf_of_older_versions_joins_two_hashes(length: int):
    made = prf(0x0301, "sha256", b"secret", b"label", b"seed", length)
    assert len(made) == length
    assert made != prf(0x0303, "sha256", b"secret", b"label", b"seed", length)


def test_hkdf_labels_give_the_keys_of_rfc_8448():
    secret = bytes.fromhex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    assert expand_label("sha256", secret, "key", 16).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand_label("sha256", secret, "iv", 12).hex() == "5d313eb2671276ee13000b30"


def test_an_updated_secret_differs_and_keeps_its_length():
    secret = bytes(48)
    assert len(updated("sha384", secret)) == 48
    assert updated("sha384", secret) != secret


@pytest.mark.parametrize("version", [0x0301, 0x0303])
def test_a_master_secret_is_bound_to_the_messages_where_it_is_extended(version: int):
    randoms = (RANDOM, RANDOM[::-1])
    made = {master_secret(version, "sha256", b"p" * 48, randoms, transcript) for transcript in (None, b"a", b"b")}
    assert [len(one) for one in made] == [48, 48, 48]


def test_ssl3_derives_without_labels():
    blocks = b"".join(
        hashlib.md5(b"secret" + hashlib.sha1(salt + b"secret" + b"seed").digest()).digest()
        for salt in (b"A", b"BB", b"CCC")
    )
    for length in (1, 16, 40):
        assert prf(0x0300, "sha256", b"secret", b"any label", b"seed", length) == blocks[:length]
    assert master_secret(0x0300, "sha256", b"secret", (b"se", b"ed"), None) == blocks
