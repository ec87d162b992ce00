"""MongoDB: commands, outcomes, and what a real driver logged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kubeshark_mcp.dissect.base import Confidence, Opening
from kubeshark_mcp.dissect.protocols.mongodb import Mongodb
from kubeshark_mcp.hub.offline import Offline
from kubeshark_mcp.model.entry import Entry
from tests.dissect.conversation import connection, run
from tests.dissect.samples.mongodb import CLIENT, FIND, SAMPLES, SERVER, message, packet, query

RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "mongodb"


def entries(name: str) -> list[Entry]:
    return run([Mongodb()], SAMPLES[name])[0]


def one(name: str) -> Entry:
    (entry,) = entries(name)
    return entry


def test_a_command_is_named_with_its_target_and_its_outcome():
    entry = one("documents are found")
    assert (entry.summary, entry.status, entry.failed) == ("find shop.orders", "ok", False)
    assert entry.fields == {
        "mongodb": True,
        "mongodb_command": "find",
        "mongodb_database": "shop",
        "mongodb_collection": "orders",
        "mongodb_opcode": "OP_MSG",
        "mongodb_request_id": 1,
        "mongodb_request_size": len(FIND),
        "mongodb_response_size": entry.response.length,
        "mongodb_total_size": len(FIND) + entry.response.length,
        "mongodb_documents": 2,
        "mongodb_success": True,
    }


def test_a_write_error_is_a_failure_although_the_reply_is_ok():
    entry = one("a duplicate is refused")
    assert (entry.failed, entry.status) == (True, "DuplicateKey")
    assert entry.fields["mongodb_success"] is False
    assert (entry.fields["mongodb_error_code"], entry.fields["mongodb_documents"]) == (11000, 2)
    assert entry.fields["mongodb_error_message"] == "E11000 duplicate key"


def test_an_error_has_its_code_name_and_text():
    entry = one("a command is unknown")
    assert entry.summary == "frob admin"
    assert entry.fields["mongodb_error_code_name"] == entry.status == "CommandNotFound"


def test_what_is_compressed_is_read_all_the_same():
    entry = one("messages are compressed")
    assert (entry.summary, entry.fields["mongodb_compressor"]) == ("find shop.orders", "zlib")
    assert entry.fields["mongodb_opcode"] == "OP_MSG"


def test_commands_of_old_drivers_are_read():
    entry = one("an old driver says hello")
    assert (entry.summary, entry.status) == ("isMaster admin", "ok")
    assert entry.fields["mongodb_opcode"] == "OP_QUERY"


def test_replies_find_their_requests_in_any_order():
    found = {entry.summary: entry.status for entry in entries("requests are answered out of order")}
    assert found == {"find shop.orders": "ok", "insert shop.orders": "DuplicateKey"}


def test_a_write_without_acknowledgment_waits_for_nothing():
    first, second = entries("a write asks for no answer")
    assert (first.summary, first.response, second.response) == ("insert shop.log", None, None)


def test_an_unknown_compressor_is_said_and_the_stream_goes_on():
    odd = packet(2012, 5, 0, (2013).to_bytes(4, "little") + (10).to_bytes(4, "little") + b"\x09" + b"x" * 10)
    first, second = run([Mongodb()], [(CLIENT, FIND), (CLIENT, odd), (SERVER, SAMPLES["documents are found"][1][1])])[0]
    assert first.summary == "find shop.orders"
    assert "compressed with compressor 9" in second.malformed


def test_a_damaged_document_keeps_its_message_and_what_follows():
    broken = bytearray(message(4, {"find": "x", "$db": "y"}))
    broken[21] = 0x7E
    found = run([Mongodb()], [(CLIENT, FIND), (CLIENT, bytes(broken)), (CLIENT, query(6, "a.$cmd", {"ping": 1}))])[0]
    assert [entry.summary for entry in found] == ["find shop.orders", "find y.x", "ping a"]
    assert "of the message" in found[1].malformed


def test_a_connection_that_begins_with_a_large_message_is_recognised_and_named():
    insert = message(1, {"insert": "orders", "$db": "shop", "documents": {"0": {"text": "x" * 100_000}}})
    packets = [(CLIENT, insert[start : start + 1400]) for start in range(0, len(insert), 1400)]
    reply = message(2, {"n": 1, "ok": 1.0}, 1)
    (entry,) = run([Mongodb()], [*packets, (SERVER, reply)])[0]
    assert (entry.summary, entry.status, entry.malformed) == ("insert shop.orders", "ok", "")
    (cut,) = run([Mongodb()], packets[:4])[0]
    assert cut.summary == "insert shop.orders"
    assert "of the message" in cut.malformed


def test_a_damaged_document_at_first_is_believed_at_the_usual_port_only():
    broken = bytearray(message(4, {"ping": 1, "$db": "y"}))
    broken[21] = 0x7E
    opening = Opening(connection(), bytes(broken), b"", True, True)
    assert Mongodb().probe(opening) is Confidence.POSSIBLE


def test_a_command_in_a_wrapper_is_named_with_its_target():
    (entry,) = run([Mongodb()], [(CLIENT, query(1, "shop.$cmd", {"$query": {"count": "orders"}}))])[0]
    assert entry.summary == "count shop.orders"


def test_secrets_of_a_login_are_not_kept():
    login = message(1, {"saslStart": 1, "mechanism": "PLAIN", "payload": "hunter2", "$db": "admin"})
    (entry,) = run([Mongodb()], [(CLIENT, login)])[0]
    assert entry.summary == "saslStart admin"
    assert b"hunter2" not in entry.request_body


@pytest.mark.parametrize("case", ["commands", "compressed"])
def test_a_recording_agrees_with_the_drivers_own_log(case: str, tmp_path: Path):
    log = json.loads((RECORDED / f"{case}.json").read_text())["calls"]
    offline = Offline([str(RECORDED / f"{case}.pcap")], [], [], tmp_path)
    offline.dissect(lambda fraction: None)
    rows = list(offline.entries("mongodb", None, False))
    logged = {call["request_id"]: call for call in log}
    found = {row["mongodb_request_id"]: row for row in rows if row["mongodb_request_id"] in logged}
    assert found.keys() == logged.keys()
    for number, call in logged.items():
        row = found[number]
        assert (row["mongodb_command"], row["mongodb_database"]) == (call["command"], call["database"]), row
        assert row.get("failed", False) is call["failed"]
