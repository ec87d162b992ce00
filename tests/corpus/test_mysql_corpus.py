"""MySQL against captures of other projects: what tshark says of them and what those projects expect."""

from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.dissect.wire_mysql import COMMANDS
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, differences, expected, of_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {
    "mysql/deepflow__mysql__large-response.pcap": "tshark was told the client's port and takes it for the server's",
    "mysql/deepflow__mysql__mysql-exec.pcap": "tshark was told the client's port and takes it for the server's",
    "mysql/pcpp__mysql.pcapng": "a login without its greeting, which tshark does not know as one",
}
"""Captures where we say something else, each with the reason."""

COMPARED = 250
"""Characters of a text that the manifest keeps whole."""

NUMBERS = {name: number for number, name in COMMANDS.items()}


def entries(case: Case) -> list[Entry]:
    result = of_file(case.file, case.decode_as)
    assert result.warnings == []
    return sorted(result.of("mysql"), key=lambda entry: entry.start_ns)


def commands(found: list[Entry]) -> list[Entry]:
    return [entry for entry in found if entry.fields["mysql_command"] in NUMBERS]


def comparable(text: str) -> str:
    """Leave out how white space is written, and what tshark and the manifest cut off."""
    return " ".join(text.partition("\0")[0].split())[:COMPARED]


def commands_there(case: Case) -> list[tuple[int, int, str]]:
    """Give (packet, number, text); tshark reads a step of a login as a command that does not exist."""
    rows = [row for row in case.rows("mysql.command") if row["command"] != "Unknown"]
    return [(row["f"], row["n"], comparable(row.get("query", ""))) for row in rows]


def disagreement(case: Case) -> list[str]:
    found = entries(case)
    asked = [
        (
            entry.request.first_packet,
            NUMBERS[entry.fields["mysql_command"]],
            comparable(entry.fields.get("mysql_query", "")),
        )
        for entry in commands(found)
        if entry.request is not None
    ]
    failures = [
        tuple(entry.fields.get(f"mysql_{name}", "") for name in ("error_code", "sqlstate", "error_message"))
        for entry in found
        if entry.failed
    ]
    logins = [entry for entry in found if entry.fields["mysql_command"] in {"HandshakeResponse", "SSLRequest"}]
    greeted = [entry for entry in found if "mysql_server_version" in entry.fields]
    lines = [
        *differences("commands", asked, commands_there(case)),
        *differences(
            "errors",
            failures,
            [(row["code"], row.get("sqlstate", ""), row["message"]) for row in case.rows("mysql.error")],
        ),
        *differences(
            "users",
            [entry.fields.get("mysql_user", "") for entry in logins],
            [row.get("user", "") for row in case.rows("mysql.login")],
        ),
        *differences(
            "versions",
            [entry.fields["mysql_server_version"] for entry in greeted],
            [row["version"].removeprefix("5.5.5-") for row in case.rows("mysql.greeting") if "version" in row],
        ),
    ]
    return lines


@pytest.mark.parametrize("case", parameters("mysql"))
def test_commands_logins_and_errors_agree_with_tshark(case: Case):
    found = disagreement(case)
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", parameters("mysql"))
def test_every_command_that_is_answered_has_its_answer(case: Case):
    unanswered = [entry.summary for entry in commands(entries(case)) if not entry.status]
    assert [summary for summary in unanswered if summary != "COM_QUIT"] == []


def deepflow(case: Case) -> list[dict[str, Any]]:
    """Give the messages that deepflow expects; some of its lines are cut in the middle."""
    found = [message.get("fields", {}) for message in expected().get(case.file, {}).get("messages", ())]
    return [fields for fields in found if fields]


@pytest.mark.parametrize("case", parameters("mysql"))
def test_texts_sizes_statements_and_outcomes_agree_with_deepflow(case: Case):
    messages = deepflow(case)
    if not messages:
        pytest.skip("deepflow expects nothing of this capture")
    found = entries(case)
    texts = {entry.fields.get("mysql_query", "") for entry in found} | {
        entry.fields.get("mysql_database", "") for entry in found
    }
    sizes = {entry.fields.get("mysql_request_size") for entry in commands(found)}
    for message in messages:
        text = message.get("request_resource", "")
        if message["msg_type"] == "Request" and message["request_type"]:
            assert not text or text in texts
            assert message["captured_request_byte"] in sizes
        elif text.startswith("Login username: "):
            name, _, database = text.removeprefix("Login username: ").partition(" db: ")
            assert any(
                entry.summary == f"HandshakeResponse {name}" + f"@{database}" * bool(database) for entry in found
            )
    failures = sorted(message["response_execption"] for message in messages if "response_execption" in message)
    assert sorted(entry.fields["mysql_error_message"] for entry in found if entry.failed) == failures
    affected = sum(message.get("sql_affected_rows", 0) for message in messages)
    assert sum(entry.fields.get("mysql_affected_rows", 0) for entry in found) == affected
    versions = {entry.fields["mysql_command"] for entry in found if "mysql_server_version" in entry.fields}
    assert bool(versions) == any(message["msg_type"] == "Other" for message in messages)


ZEEK = {"HandshakeResponse": "login", "COM_INIT_DB": "init_db", "COM_FIELD_LIST": "field_list"}


def zeek_log(case: Case) -> list[tuple[str, str, str, str, str]]:
    """Give (client port, command, argument, success, message) of Zeek's mysql.log."""
    for test in expected().get(case.file, {}).get("tests", ()):
        rows = test["baselines"].get("mysql.log", {}).get("records", ())
        if rows:
            return [
                (r["id.orig_p"], r["cmd"], r.get("arg") or "", r.get("success") or "", r.get("response") or "")
                for r in rows
            ]
    return []


def zeek_words(entry: Entry) -> tuple[str, str, str, str, str]:
    fields = entry.fields
    command = fields["mysql_command"]
    argument = {
        "HandshakeResponse": "mysql_user",
        "COM_CHANGE_USER": "mysql_user",
        "COM_QUERY": "mysql_query",
        "COM_FIELD_LIST": "mysql_table",
        "COM_INIT_DB": "mysql_database",
    }.get(command)
    success = "" if not entry.status or command == "COM_STATISTICS" else "F" if entry.failed else "T"
    return (
        str(entry.connection.client.port),
        ZEEK.get(command, command.removeprefix("COM_").lower()),
        fields.get(argument, "") if argument else "",
        success,
        fields.get("mysql_error_message", ""),
    )


@pytest.mark.parametrize("case", parameters("mysql"))
def test_commands_and_outcomes_agree_with_zeek(case: Case):
    log = zeek_log(case)
    if not log:
        pytest.skip("Zeek expects no list of commands")
    ours = [zeek_words(entry) for entry in entries(case) if entry.fields["mysql_command"] != "Handshake"]
    assert differences("calls", ours, log) == []
