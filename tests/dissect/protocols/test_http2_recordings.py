"""HTTP/2 and gRPC recorded from real servers: what the client logged is what comes out."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.dissect.base import Settings
from kubeshark_mcp.dissect.wire_grpc import is_grpc
from kubeshark_mcp.dissect.wire_http2 import error_name
from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import dissect_file

RECORDINGS = Path(__file__).parents[2] / "recordings"
HTTP2 = sorted((RECORDINGS / "http2").glob("*.pcap"))
GRPC = sorted((RECORDINGS / "grpc").glob("*.pcap"))


def log_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.with_suffix(".json").read_text())["calls"]
    return found


def entries_of(path: Path) -> list[Entry]:
    result = dissect_file(path, settings=Settings(body_limit=1 << 20))
    assert result.warnings == []
    return result.of("http2")


@pytest.mark.parametrize("path", HTTP2, ids=lambda path: path.stem)
def test_every_stream_is_an_entry_and_says_what_the_client_logged(path: Path):
    entries = entries_of(path)
    calls = [call for call in log_of(path) if "goaway" not in call]
    assert Counter(map(outline, entries)) - Counter({None: 1}) == Counter(map(logged, calls))
    for entry in entries:
        assert entry.fields.get("http2_unknown_headers", 0) == 0
        assert "cannot be read" not in entry.malformed


def outline(entry: Entry) -> tuple[Any, ...] | None:
    """Give what a log says as well; None for a GOAWAY. What came after a stream was given up is in no log."""
    fields = entry.fields
    if "http2_stream" not in fields:
        return None
    heard = fields.get("http2_reset_by") != "client"
    return (
        fields["method"],
        fields["url"],
        fields.get("status_code", 0) if heard else 0,
        fields.get("response_body_size", 0) if heard else 0,
        fields.get("http2_upgraded", False),
        fields.get("http2_pushed", False),
        entry.status == "GOAWAY",
    )


def logged(call: dict[str, Any]) -> tuple[Any, ...]:
    return (
        call["method"],
        call["path"],
        call.get("status", 0) if "reset_by" not in call else 0,
        call.get("response_body_bytes", 0) if "reset_by" not in call else 0,
        call.get("upgraded", False),
        call.get("pushed", False),
        call.get("answered") is False,
    )


def by_stream(path: Path) -> list[tuple[dict[str, Any], Entry]]:
    """Pair what the client of our own logged with the entries, by client port and stream."""
    found = {(e.connection.client.port, e.fields.get("http2_stream")): e for e in entries_of(path)}
    calls = [call for call in log_of(path) if "stream" in call and "client_port" in call]
    return [(call, found[call["client_port"], call["stream"]]) for call in calls]


@pytest.mark.parametrize("path", HTTP2, ids=lambda path: path.stem)
def test_header_fields_bodies_and_trailers_are_those_of_the_log(path: Path):
    for call, entry in by_stream(path):
        fields = entry.fields
        asked = {**joined(call.get("request_headers", [])), ":authority": f"shop.example:{call['server_port']}"}
        if not call.get("pushed"):
            assert fields["request.headers"] == {**asked, ":scheme": "http"}
        if "reset_by" not in call:
            wanted = {name: text for name, text in joined(call["response_headers"]).items() if name != ":status"}
            assert fields["response.headers"] == wanted
            assert hashlib.sha256(entry.response_body).hexdigest() == call["response_body_sha256"]
        assert fields["request_body_size"] == call["request_body_bytes"]
        assert fields.get("request.trailers", {}) == joined(call.get("request_trailers", []))
        assert fields.get("response.trailers", {}) == joined(call.get("response_trailers", []))
        assert entry.malformed == (
            "" if call.get("answered_whole", True) else "the end of the response is missing: the sender closed"
        )


def joined(pairs: list[list[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        separator = "; " if name == "cookie" else ", "
        found[name] = f"{found[name]}{separator}{value}" if name in found else value
    return found


def test_streams_that_were_given_up_say_by_whom_and_why():
    for call, entry in by_stream(RECORDINGS / "http2" / "given_up.pcap"):
        error = error_name(call["error"]) if "error" in call else ""
        assert entry.fields.get("http2_error", "") == error
        assert entry.fields.get("http2_reset_by", "") == call.get("reset_by", "")


def test_the_end_of_a_connection_with_an_error_is_an_entry():
    path = RECORDINGS / "http2" / "gone_away.pcap"
    (told,) = [call for call in log_of(path) if "goaway" in call]
    (entry,) = [entry for entry in entries_of(path) if "http2_stream" not in entry.fields]
    assert entry.fields["http2_error"] == error_name(told["goaway"])
    assert entry.fields["http2_debug_data"] == told["debug"]
    assert (entry.failed, entry.request) == (True, None)


@pytest.mark.parametrize("path", GRPC, ids=lambda path: path.stem)
def test_every_call_is_an_entry_with_method_status_and_messages(path: Path):
    entries = entries_of(path)
    assert Counter(map(call_of, entries)) == Counter(map(logged_call, log_of(path)))
    for entry in entries:
        assert entry.malformed == ""
        assert entry.fields["grpc"] is True
        assert is_grpc(entry.fields["request.headers"])


def call_of(entry: Entry) -> tuple[Any, ...]:
    """Give what a log says as well. A call that was given up has no status on the wire."""
    fields = entry.fields
    status = fields["grpc_status"]
    known = status not in {-1, 4}
    return (
        fields["grpc_method"],
        fields["grpc_request_messages"],
        fields.get("grpc_response_messages", 0),
        verdict(fields, status),
        fields.get("grpc_status_name", "") if known else "",
        fields.get("grpc_message", "") if known else "",
        "grpc_request_compressed" in fields,
    )


def verdict(fields: dict[str, Any], status: int) -> str:
    if fields.get("grpc_deadline_exceeded") or status == 4:
        return "late"
    if fields.get("http2_error") == "CANCEL":
        return "cancelled"
    return "unavailable" if status in {-1, 14} else "told"


def logged_call(call: dict[str, Any]) -> tuple[Any, ...]:
    status = call["status"]
    on_the_wire = not (status in {1, 4} or "http2 header" in call["message"])
    return (
        call["method"],
        len(call["sent"]),
        len(call["received"]),
        {1: "cancelled", 4: "late", 14: "unavailable"}.get(status, "told"),
        call["status_name"] if on_the_wire else "",
        call["message"] if on_the_wire else "",
        call["gzip"],
    )


@pytest.mark.parametrize("path", [*HTTP2, *GRPC], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_recording_is_small_and_says_what_it_is_about(path: Path):
    assert path.stat().st_size <= 40_000
    assert json.loads(path.with_suffix(".json").read_text())["about"]


@pytest.mark.real
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("path", [*HTTP2, *GRPC], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_tshark_sees_the_same_requests_and_statuses(path: Path):
    asked, answered = tshark_rows(path)
    entries = [entry for entry in entries_of(path) if "http2_stream" in entry.fields]
    seen = [entry for entry in entries if "http2_upgraded" not in entry.fields]
    assert Counter((e.fields["method"], e.fields["url"]) for e in seen) == Counter(asked)
    assert Counter(e.fields["status_code"] for e in entries if "status_code" in e.fields) == Counter(answered)


def tshark_rows(path: Path) -> tuple[list[tuple[str, str]], list[int]]:
    """Give methods with paths, and statuses of final responses."""
    command = ["tshark", "-n", "-r", str(path), "-Y", "http2", "-T", "fields", "-E", "aggregator=\x1f"]
    for port in (8080, 8081, 8082, 50051):
        command += ["-d", f"tcp.port=={port},http2"] if path.stem != "upgraded" else []
    for name in ("http2.headers.method", "http2.headers.path", "http2.headers.status"):
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    asked, answered = [], []
    for line in done.stdout.splitlines():
        methods, paths, statuses = ([part for part in cell.split("\x1f") if part] for cell in line.split("\t"))
        asked += list(zip(methods, paths, strict=True))
        answered += [int(status) for status in statuses if not status.startswith("1")]
    return asked, answered
