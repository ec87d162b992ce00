"""PostgreSQL: what real clients logged, and secrets that no entry may show."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import dissect_file
from tests.dissect.driver import outline

RECORDED = Path(__file__).resolve().parents[2] / "recordings" / "postgresql"


def recorded(name: str) -> tuple[list[dict[str, Any]], list[Entry]]:
    calls = json.loads((RECORDED / f"{name}.json").read_text())["calls"]
    dissection = dissect_file(RECORDED / f"{name}.pcap")
    assert dissection.warnings == []
    entries = dissection.of("postgresql")
    assert [entry.malformed for entry in entries if entry.malformed] == []
    order = {
        id(entry): (entry.request or entry.response)[2:1:-1] + (entry.request or entry.response)[:1]
        for entry in entries
    }
    return calls, sorted(entries, key=lambda entry: order[id(entry)])


def result(entry: Entry) -> dict[str, Any]:
    """Say what came of an execution in the words of the log."""
    fields = entry.fields
    if entry.status == "aborted":
        return {"aborted": True}
    if entry.failed:
        return {"error": [fields["postgresql_error_code"], fields["postgresql_error_message"]]}
    return {"tag": fields.get("postgresql_tag", ""), "rows": fields.get("postgresql_rows", 0)}


def said(call: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Give of a call what an entry can say, and fill in what its client does not say."""
    ours = result(entry)
    if "error" in call:
        return {"error": [call["error"][0], call["error"][1] or ours.get("error", [0, 0])[1]]}
    if "count" in call:
        counted = entry.fields.get("postgresql_rows_affected", 0) or entry.fields.get("postgresql_rows", 0)
        return ours if call["count"] == counted else {"count": call["count"]}
    if "aborted" in call:
        return {"aborted": True}
    return {"tag": call.get("tag", ours.get("tag")) or "", "rows": call.get("rows", ours.get("rows"))}


@pytest.mark.parametrize(
    "name",
    ["psql", "extended", "prepared", "pipeline", "copying", "sessions", "notifications", "cursors", "replication"],
)
def test_executions_are_those_that_the_clients_logged(name: str):
    calls, entries = recorded(name)
    asked = [call for call in calls if "query" in call]
    executions = [
        entry
        for entry in entries
        if "postgresql_query" in entry.fields and entry.fields["postgresql_command"] != "Parse"
    ]
    for process in {call.get("process") for call in asked}:
        mine = [entry for entry in executions if process in {None, entry.fields["postgresql_process_id"]}]
        log = [call for call in asked if call.get("process") == process]
        unlogged = [entry for entry in mine if entry.status == ""]
        mine = [entry for entry in mine if entry.status]
        assert [entry.fields["postgresql_query"] for entry in mine] == [call["query"] for call in log]
        assert [result(entry) for entry in mine] == [said(*each) for each in zip(log, mine, strict=True)]
        assert len(unlogged) == sum("shut_down" in call and call["process"] == process for call in calls)


@pytest.mark.parametrize("name", ["extended", "prepared", "sessions", "replication"])
def test_logins_are_those_that_the_clients_logged(name: str):
    calls, entries = recorded(name)
    logins = [entry for entry in entries if entry.fields["postgresql_command"] == "StartupMessage"]
    ours = [
        (
            entry.fields["postgresql_user"],
            entry.fields["postgresql_database"],
            entry.fields.get("postgresql_error_message", ""),
            entry.fields.get("postgresql_process_id", 0),
        )
        for entry in logins
        if entry.fields["postgresql_application_name"] in {"recorder", "asyncpg"}
    ]
    log = [call for call in calls if "login" in call]
    theirs = [(each["login"], each["database"], each.get("refused", ""), each.get("process", 0)) for each in log]
    assert ours == theirs


def test_methods_of_logins_are_named():
    methods = {
        (entry.fields["postgresql_user"], entry.fields.get("postgresql_auth"))
        for entry in recorded("sessions")[1]
        if entry.fields["postgresql_command"] == "StartupMessage"
    }
    assert methods == {
        ("app", "SCRAM-SHA-256"),
        ("nobody", "SCRAM-SHA-256"),
        ("postgres", "SCRAM-SHA-256"),
        ("old", "MD5"),
        ("guest", None),
    }


def test_passwords_and_their_proofs_are_in_no_entry():
    secrets = (b"open sesame", b"md5 here", b"master", b"md5", b"r=", b"p=", b"v=", b"s=")
    for entry in recorded("sessions")[1]:
        if entry.fields["postgresql_command"] in {"StartupMessage", "CancelRequest"}:
            kept = entry.request_body + entry.response_body
            assert [secret for secret in secrets if secret in kept] == []


def test_copied_data_is_counted_as_the_client_counted_it():
    calls, entries = recorded("copying")
    copied = [entry for entry in entries if entry.fields["postgresql_command"] == "COPY" and not entry.failed]
    log = [call for call in calls if "copied" in call]
    assert [entry.fields["postgresql_rows_affected"] for entry in copied] == [call["copied"] for call in log]
    assert copied[-1].fields["postgresql_copy_bytes"] == log[-1]["copied_bytes"]


def test_a_cancelled_query_a_cancellation_and_a_session_shut_down_are_told():
    calls, entries = recorded("sessions")
    (cancels,) = [call["cancels"] for call in calls if "cancels" in call]
    (shut_down,) = [call for call in calls if "shut_down" in call]
    cancellations = [entry for entry in entries if entry.fields["postgresql_command"] == "CancelRequest"]
    assert [entry.fields["postgresql_process_id"] for entry in cancellations] == [cancels]
    ended = [entry for entry in entries if entry.status == shut_down["shut_down"]]
    assert [entry.fields["postgresql_process_id"] for entry in ended] == [shut_down["process"]]
    asked = [entry.status for entry in entries if entry.fields["postgresql_command"] == "SSLRequest"]
    assert asked == ["refused"] * sum(call.get("encryption_refused", False) for call in calls)


def test_notifications_and_notices_are_those_that_the_clients_heard():
    calls, entries = recorded("notifications")
    heard = [
        (entry.fields["postgresql_process_id"], entry.summary.removeprefix("NotificationResponse "))
        for entry in entries
        if entry.fields["postgresql_command"] == "NotificationResponse"
    ]
    assert heard == [(each["process"], f"{each['channel']} {each['payload']}") for each in calls if "channel" in each]
    notices = [entry.fields["postgresql_notice"] for entry in entries if "postgresql_notice" in entry.fields]
    assert notices == [call["notice"] for call in calls if "notice" in call]


def test_a_parse_alone_is_told_as_such():
    calls, entries = recorded("prepared")
    alone = [entry for entry in entries if entry.fields["postgresql_command"] == "Parse"]
    assert [entry.fields["postgresql_query"] for entry in alone] == [
        call["prepared_only"] for call in calls if "prepared_only" in call
    ]


def test_a_replication_stream_is_one_entry_with_its_changes():
    calls, entries = recorded("replication")
    (changes,) = [call["changes"] for call in calls if "changes" in call]
    (stream,) = [entry for entry in entries if entry.summary.startswith("START_REPLICATION")]
    assert stream.status == "OK"
    assert stream.fields["postgresql_copy_messages"] >= changes


def test_an_encrypted_session_is_told_by_its_request_alone():
    assert outline(recorded("encrypted")[1]) == [("SSLRequest", "accepted", "")]
