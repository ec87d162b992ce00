"""Made captures: tshark reads what the case spelled out."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from evals.craft import capture_of, data_set, message
from evals.suites import Exchange

EXCHANGE = Exchange(
    request="POST /a HTTP/1.1\nhost: b\n\nbody",
    response="HTTP/1.1 200 OK\n\n" + "x" * 4000,
)


def test_messages_get_line_ends_and_a_length():
    assert message("GET /a HTTP/1.1\nhost: b") == b"GET /a HTTP/1.1\r\nhost: b\r\n\r\n"
    assert message("POST / HTTP/1.1\n\nab") == b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nab"


def test_a_response_without_a_body_has_a_length_too():
    assert message("HTTP/1.1 204 No Content") == b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("tshark"), reason="no tshark here")
def test_tshark_reads_the_calls_with_right_checksums(tmp_path):
    made = data_set("x/y", [EXCHANGE, EXCHANGE], tmp_path)
    ((node, path),) = made.captures
    assert (made.name, node, path.read_bytes()) == ("x-y", "node-a", capture_of([EXCHANGE, EXCHANGE]))
    options = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-T", "fields"]
    fields = ["-e", "http.request.method", "-e", "http.response.code", "-e", "http.content_length"]
    told = subprocess.run(
        ["tshark", "-n", "-r", path, "-Y", "http", *options, *fields], capture_output=True, text=True, check=True
    ).stdout
    assert told.splitlines() == ["POST\t\t4", "\t200\t4000"] * 2
    bad = ["tshark", "-n", "-r", path, *options[:4], "-Y", "ip.checksum.status == 0 || tcp.checksum.status == 0"]
    assert subprocess.run(bad, capture_output=True, text=True, check=True).stdout == ""
