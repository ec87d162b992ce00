"""PostgreSQL against captures of other projects: what tshark says of them and what those projects expect."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, differences, expected, of_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {
    "postgresql/zeek__postgresql__mysql-on-port-5432.pcap": "MySQL on this port, which tshark reads by the port",
}
"""Captures where we say something else, each with the reason."""

KINDS = {
    "StartupMessage": "Startup message",
    "SSLRequest": "SSL request",
    "CancelRequest": "Cancel request",
    "Terminate": "Termination",
    "Parse": "Parse",
}


def entries(case: Case) -> list[Entry]:
    result = of_file(case.file, case.decode_as)
    assert result.warnings == []
    return result.of("postgresql")


def asked(entry: Entry) -> tuple[int, str, str]:
    """Give packet, kind in tshark's words, and text of a request."""
    assert entry.request is not None
    text = entry.fields.get("postgresql_query", "")
    kind = KINDS.get(entry.fields["postgresql_command"], "Simple query")
    return entry.request.first_packet, kind, text


def requests_there(case: Case) -> list[tuple[int, str, str]]:
    """Give the requests that we call requests: passwords belong to a login, Describe and Sync to an execution."""
    kinds = {*KINDS.values(), "Simple query"}
    return [(row["f"], row["type"], row.get("query", "")) for row in case.rows("pgsql.request") if row["type"] in kinds]


def failures_here(found: list[Entry]) -> list[tuple[str, str, str]]:
    return [
        tuple(entry.fields[f"postgresql_error_{part}"] for part in ("code", "severity", "message"))
        for entry in found
        if "postgresql_error_code" in entry.fields
    ]


def disagreement(case: Case) -> list[str]:
    found = entries(case)
    rows = case.rows("pgsql.response")
    tags = [row["tag"] for row in rows if row.get("tag")]
    ours = [tag for entry in found for tag in entry.fields.get("postgresql_tag", "").split("; ") if tag]
    failures = [(row["code"], row["severity"], row["message"]) for row in rows if row["type"] == "Error"]
    logins = [
        (row["params"]["user"], row["params"].get("database", row["params"]["user"]))
        for row in case.rows("pgsql.request")
        if row["type"] == "Startup message"
    ]
    named = [entry for entry in found if entry.fields["postgresql_command"] == "StartupMessage" and not entry.malformed]
    users = [(entry.fields["postgresql_user"], entry.fields["postgresql_database"]) for entry in named]
    whole = [entry for entry in found if entry.request and "code of a known" not in entry.malformed]
    return [
        *differences("requests", map(asked, whole), requests_there(case)),
        *differences("tags", ours, tags),
        *differences("errors", failures_here(found), failures),
        *differences("logins", users, logins),
        *differences("columns", columns_here(found), [len(row["cols"]) for row in case.rows("pgsql.rowdesc")]),
    ] + ([] if found or not case.summary.get("postgresql") else ["nothing here"])


def columns_here(found: list[Entry]) -> list[int]:
    return [entry.fields["postgresql_columns"] for entry in found if "postgresql_columns" in entry.fields]


@pytest.mark.parametrize("case", parameters("postgresql"))
def test_requests_and_answers_agree_with_tshark(case: Case):
    found = disagreement(case)
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


def zeek_log(case: Case) -> list[dict[str, str]]:
    """Give the rows of Zeek's postgresql.log."""
    for test in expected().get(case.file, {}).get("tests", ()):
        lines = test["baselines"].get("postgresql.cut", {}).get("text", "").splitlines()[1:]
        if lines:
            names = lines[0].split("\t")
            return [dict(zip(names, line.split("\t"), strict=True)) for line in lines[1:]]
    return []


ZEEK = {"startup": "StartupMessage", "ssl_request": "SSLRequest", "terminate": "Terminate"}
ZEEK_SUCCESS = {"T": {"OK", "accepted"}, "F": {"refused"}, "-": {""}}


@pytest.mark.parametrize("case", parameters("postgresql"))
def test_requests_outcomes_and_rows_agree_with_zeek(case: Case):
    log = zeek_log(case)
    if not log:
        pytest.skip("Zeek expects no list of requests")
    found = sorted(entries(case), key=lambda entry: (entry.connection.client.port, entry.start_ns))
    log.sort(key=lambda row: int(row["id.orig_p"]))
    assert len(found) == len(log)
    for entry, row in zip(found, log, strict=True):
        fields = entry.fields
        if row["frontend"] == "simple_query":
            assert fields["postgresql_query"] == row["frontend_arg"]
            returned = fields.get("postgresql_rows", 0) or fields.get("postgresql_rows_affected", 0)
            assert row["rows"] in {"-", "0", str(returned)}
        else:
            assert fields["postgresql_command"] == ZEEK[row["frontend"]]
        assert entry.failed or entry.status in ZEEK_SUCCESS[row["success"]]
        if row["user"] != "-":
            names = (fields["postgresql_user"], fields["postgresql_database"], fields["postgresql_application_name"])
            assert names == (row["user"], row["database"], row["application_name"])


CHECKS = {
    "pgsql.request.simple_query": "postgresql_query",
    "pgsql.request.startup_parameters.user": "postgresql_user",
    "pgsql.response.command_completed": "postgresql_tag",
    "pgsql.response.data_rows": "postgresql_rows",
    "pgsql.response.field_count": "postgresql_columns",
    "pgsql.response.copy_data_out.row_count": "postgresql_copy_messages",
    "pgsql.response.copy_data_out.data_size": "postgresql_copy_bytes",
    "pgsql.response.code": "postgresql_error_code",
    "pgsql.response.message": "postgresql_error_message",
    "pgsql.response.process_id": "postgresql_process_id",
}
ABOUT_AUTHENTICATION = {"authentication_ok", "authentication_md5_password"}


@pytest.mark.parametrize("case", parameters("postgresql"))
def test_what_suricata_and_arkime_expect_is_there(case: Case):
    what = expected().get(case.file, {})
    if not {"checks", "sessions"} & what.keys():
        pytest.skip("neither of them expects something of this capture")
    found = entries(case)
    for check in what.get("checks", ()):
        wanted = {CHECKS[key]: value for key, value in check["match"].items() if key in CHECKS}
        if wanted.get("postgresql_error_message") in ABOUT_AUTHENTICATION:
            del wanted["postgresql_error_message"]
        assert any(wanted.items() <= entry.fields.items() for entry in found) or not wanted, wanted
    for session in what.get("sessions", ()):
        names = session.get("postgresql", {})
        wanted = {
            f"postgresql_{ours}": names[key] for key, ours in (("user", "user"), ("db", "database")) if key in names
        }
        assert any(wanted.items() <= entry.fields.items() for entry in found), wanted
