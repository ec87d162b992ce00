from __future__ import annotations

import hashlib

import pytest

from kubeshark_mcp.dissect.tls_decryption import FAILURES, Decryption
from kubeshark_mcp.dissect.wire_tls import read_client_hello, read_server_hello
from kubeshark_mcp.dissect.wire_tls_keys import KeyLog, master_secret, prf
from tests.dissect import tls_building as b
from tests.dissect.conversation import CLIENT, SERVER
from tests.dissect.tls_sealing import CLIENT_LINE, MASTER, Sealer12, Sealer13, secret_line

EARLY, SHAKE, TRAFFIC = b"e" * 32, b"h" * 32, b"t" * 32
LINES = [
    secret_line("CLIENT_EARLY_TRAFFIC_SECRET", EARLY),
    secret_line("CLIENT_HANDSHAKE_TRAFFIC_SECRET", SHAKE),
    secret_line("CLIENT_TRAFFIC_SECRET_0", TRAFFIC),
    secret_line("SERVER_HANDSHAKE_TRAFFIC_SECRET", SHAKE[::-1]),
]
HELLO13 = b.server_hello((43, b"\x03\x04"), b.key_share(), suite=0x1301)


def hear(decryption: Decryption, kind: int, message: bytes) -> None:
    if kind == 1:
        decryption.client_hello(read_client_hello(message))
    elif kind == 2:
        decryption.server_hello(read_server_hello(message))
    else:
        decryption.message(kind, message)


def opened(decryption: Decryption, sealed: bytes, direction=CLIENT) -> tuple[int, bytes] | None:
    return decryption.open(direction, sealed[:5], sealed[5:])


def version13(*lines: str, hello: bytes | None = None) -> Decryption:
    decryption = Decryption(KeyLog(lines))
    hear(decryption, 1, hello or b.client_hello(*b.TLS13_CLIENT))
    hear(decryption, 2, HELLO13)
    return decryption


def version12(suite: int, *extensions: tuple[int, bytes], lines: tuple[str, ...] = (CLIENT_LINE,)) -> Decryption:
    decryption = Decryption(KeyLog(lines))
    hear(decryption, 1, b.client_hello(suites=(suite,)))
    hear(decryption, 2, b.server_hello(*extensions, suite=suite))
    decryption.message(16, b.CLIENT_KEY)
    decryption.change_cipher(CLIENT, resumed=False)
    return decryption


def test_version_13_goes_from_key_to_key():
    decryption = version13(*LINES)
    assert decryption.tls13
    shake, traffic = Sealer13(SHAKE), Sealer13(TRAFFIC)
    assert opened(decryption, shake.seal(22, b"finished")) == (22, b"finished")
    for number in range(3):
        assert opened(decryption, traffic.seal(23, b"data")) == (23, b"data"), number
        traffic.update()
    assert opened(decryption, Sealer13(SHAKE[::-1]).seal(22, b"x"), SERVER) == (22, b"x")


def test_early_data_is_opened_before_the_server_has_answered():
    decryption = Decryption(KeyLog(LINES))
    hear(decryption, 1, b.client_hello(*b.TLS13_CLIENT, (42, b""), suites=(0x1303, 0x1301)))
    early, shake = Sealer13(EARLY), Sealer13(SHAKE)
    assert opened(decryption, early.seal(23, b"GET")) == (23, b"GET")
    hear(decryption, 2, HELLO13)
    assert opened(decryption, early.seal(22, b"end")) == (22, b"end")
    assert opened(decryption, shake.seal(22, b"finished")) == (22, b"finished")


def test_without_a_secret_for_the_handshake_the_traffic_is_opened_still():
    decryption = version13(LINES[2])
    assert opened(decryption, Sealer13(SHAKE).seal(22, b"finished")) is None
    assert opened(decryption, Sealer13(TRAFFIC).seal(23, b"data")) == (23, b"data")


def test_behind_missing_records_the_number_is_searched():
    decryption = version13(*LINES)
    traffic = Sealer13(TRAFFIC)
    sealed = [traffic.seal(23, b"%d" % number) for number in range(40)]
    assert opened(decryption, sealed[0]) == (23, b"0")
    decryption.lose(CLIENT, sum(map(len, sealed[1:30])))
    assert opened(decryption, sealed[30]) == (23, b"30")
    decryption.lose(CLIENT, 0, records=1)
    assert opened(decryption, sealed[32]) == (23, b"32")
    assert opened(decryption, sealed[34]) is None


def test_records_that_nothing_opens_end_the_trying():
    decryption = version13(*LINES)
    assert decryption.ready
    for direction in (CLIENT, SERVER):
        for _ in range(FAILURES):
            assert opened(decryption, b.sealed(40), direction) is None
    assert not decryption.ready
    assert opened(decryption, Sealer13(SHAKE).seal(22, b"finished")) is None


def test_a_secret_of_another_length_is_not_used():
    assert not version13(secret_line("CLIENT_TRAFFIC_SECRET_0", b"t" * 48)).ready
    assert not version13().ready


@pytest.mark.parametrize(
    ("kind", "suite"), [("gcm", 0xC02F), ("ccm", 0xC0AC), ("chacha", 0xCCA8), ("cbc", 0x2F), ("etm", 0x2F)]
)
def test_version_12_opens_records_from_the_change_of_the_cipher_on(kind: str, suite: int):
    decryption = version12(suite, *([(22, b"")] if kind == "etm" else []))
    sealer, server = Sealer12(kind, client=True), Sealer12(kind, client=False)
    assert opened(decryption, sealer.seal(22, b"finished")) == (22, b"finished")
    assert opened(decryption, server.seal(22, b"finished"), SERVER) is None
    decryption.change_cipher(SERVER, resumed=False)
    assert opened(decryption, Sealer12(kind, client=False).seal(22, b"finished"), SERVER) == (22, b"finished")
    sealer.seal(23, b"lost")
    decryption.lose(CLIENT, 500)
    assert opened(decryption, sealer.seal(23, b"data")) == (23, b"data")


@pytest.mark.parametrize("extended", [True, False])
def test_a_premaster_secret_leads_to_the_keys(extended: bool):
    premaster = b"p" * 48
    hellos = [b.client_hello(suites=(0x9C,)), b.server_hello(*([(23, b"")] if extended else []), suite=0x9C)]
    exchange = b.message(16, b.vector(2, b"\x01" * 256))
    transcript = b"".join([*hellos, exchange]) if extended else None
    master = master_secret(0x0303, "sha256", premaster, (b.CLIENT_RANDOM, b.SERVER_RANDOM), transcript)
    decryption = Decryption(KeyLog([f"RSA {'01' * 8} {premaster.hex()}"]))
    for kind, message in ((1, hellos[0]), (2, hellos[1]), (16, exchange)):
        hear(decryption, kind, message)
    decryption.change_cipher(CLIENT, resumed=False)
    assert opened(decryption, Sealer12("gcm", client=True, master=master).seal(22, b"x")) == (22, b"x")


@pytest.mark.parametrize("by", ["id", "ticket"])
def test_a_resumed_session_is_opened_with_the_secret_of_the_first(by: str):
    log = KeyLog([secret_line("CLIENT_RANDOM", bytes(range(48)))])
    first = Decryption(log)
    session = b"s" * 32 if by == "id" else b""
    for kind, message in (
        (1, b.client_hello(suites=(0x9C,))),
        (2, b.server_hello(suite=0x9C, session=session)),
        (16, b.CLIENT_KEY),
    ):
        hear(first, kind, message)
    first.change_cipher(CLIENT, resumed=False)
    first.message(4, b.message(4, bytes(4) + b.vector(2, b"ticket")))
    again = Decryption(log)
    offered = [(35, b"ticket")] if by == "ticket" else [(35, b"")]
    hear(again, 1, b.client_hello(*offered, suites=(0x9C,), session=session, random=b"r" * 32))
    hear(again, 2, b.server_hello(suite=0x9C, session=session))
    again.change_cipher(SERVER, resumed=True)
    assert again.ready
    again = Decryption(log)
    hear(again, 1, b.client_hello(suites=(0x9C,), random=b"r" * 32))
    hear(again, 2, b.server_hello(suite=0x9C))
    again.change_cipher(SERVER, resumed=True)
    assert not again.ready


@pytest.mark.parametrize("suite", [0xC051, 0x0003])
def test_suites_that_cannot_be_opened_leave_the_connection_closed(suite: int):
    decryption = version12(suite)
    assert not decryption.ready
    decryption.lose(CLIENT, 10)
    assert opened(decryption, b.sealed(40)) is None


def test_missing_bytes_end_what_each_record_needs_the_one_before_for():
    decryption = version12(0x0005)
    assert decryption.ready
    decryption.lose(CLIENT, 1)
    assert not decryption.ready


def test_ssl3_opens_records_with_its_own_keys():
    decryption = Decryption(KeyLog((CLIENT_LINE,)))
    hear(decryption, 1, b.client_hello(suites=(0x0002,), version=0x0300))
    hear(decryption, 2, b.server_hello(suite=0x0002, version=0x0300))
    decryption.message(16, b.CLIENT_KEY)
    decryption.change_cipher(CLIENT, resumed=False)
    block = prf(0x0300, "", MASTER, b"", b.SERVER_RANDOM + b.CLIENT_RANDOM, 20)
    said = block + b"\x36" * 40 + bytes(8) + b"\x17\0\x04data"
    tag = hashlib.sha1(block + b"\x5c" * 40 + hashlib.sha1(said).digest()).digest()
    assert opened(decryption, b.record(23, b"data" + tag, 0x0300)) == (23, b"data")
    decryption.lose(CLIENT, 100)
    assert opened(decryption, b.record(23, b"data" + tag, 0x0300)) is None
