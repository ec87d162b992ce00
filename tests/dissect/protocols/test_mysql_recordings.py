"""MySQL: what real clients logged, and secrets that no entry may show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import dissect_file
from tests.dissect.driver import MysqlDriver, outline
from tests.dissect.samples.mysql import (
    CLIENT,
    MORE_RESULTS,
    SERVER,
    answer,
    column,
    eof,
    ok,
    query,
    row,
)

read = MysqlDriver.read
RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "mysql"


def test_results_of_several_statements_are_added_up():
    (entry,) = read(
        (CLIENT, query("a; b; c")),
        (SERVER, answer(ok(2, status=MORE_RESULTS), b"\x01", column("1"), eof(), row("1"), eof(MORE_RESULTS), ok(3))),
    )
    fields = entry.fields
    assert (fields["mysql_affected_rows"], fields["mysql_rows"], fields["mysql_results"]) == (5, 1, 3)


def recorded(name: str) -> tuple[list[dict[str, Any]], list[Entry]]:
    calls = json.loads((RECORDED / f"{name}.json").read_text())["calls"]
    dissection = dissect_file(RECORDED / f"{name}.pcap")
    assert dissection.warnings == []
    entries = dissection.of("mysql")
    assert [entry.malformed for entry in entries if entry.malformed] == []
    return calls, sorted(entries, key=lambda entry: (entry.start_ns, (entry.request or entry.response)[0]))


def said(call: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Say of an entry what the client says of its call."""
    fields = entry.fields
    names = {
        "command": "command",
        "query": "query",
        "connection": "connection_id",
        "user": "user",
        "database": "database",
        "statement": "statement_id",
        "parameters": "parameters",
        "columns": "columns",
        "rows": "rows",
        "affected": "affected_rows",
        "insert_id": "insert_id",
        "file": "local_file",
        "bytes": "local_bytes",
        "version": "server_version",
        "unknown": "statement_unknown",
    }
    told: dict[str, Any] = {
        key: fields.get(f"mysql_{name}", type(call[key])()) for key, name in names.items() if key in call
    }
    if "results" in call:
        told["results"] = fields.get("mysql_results", 1)
    if "error" in call:
        parts = (
            ("error_code", "sqlstate", "error_message") if len(call["error"]) == 3 else ("error_code", "error_message")
        )
        told["error"] = [fields.get(f"mysql_{part}") for part in parts]
    else:
        assert not entry.failed
    return told


@pytest.mark.parametrize(
    "name",
    ["queries", "several_results", "prepared", "small_commands", "local_file", "logins", "compressed", "real_client"],
)
def test_commands_are_those_that_the_clients_logged(name: str):
    calls, entries = recorded(name)
    if name in {"compressed", "real_client"}:
        entries = [entry for entry in entries if entry.fields["mysql_command"] == "COM_QUERY"]
    for call in calls:
        if call.get("command") == "COM_STMT_EXECUTE" and call.get("unknown"):
            del call["query"]
        if "version" in call:
            call["version"] = call["version"].removeprefix("5.5.5-")
    assert [said(call, entry) for call, entry in zip(calls, entries, strict=True)] == calls


def test_an_encrypted_session_is_told_by_its_request_alone():
    assert outline(recorded("encrypted")[1]) == [("SSLRequest", "", "")]


def test_what_proves_a_user_is_in_no_entry():
    for entry in recorded("logins")[1]:
        if entry.fields["mysql_command"] in {"HandshakeResponse", "Handshake"}:
            assert entry.request_body == b""
            assert entry.response_body == b"" or entry.response_body[4] in {0, 0xFF}
            assert "open sesame" not in repr(entry)
