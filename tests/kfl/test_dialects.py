from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, check

OLDER, WIRESHARK, BPF = "the older KFL", "a Wireshark display filter", "a BPF capture filter"


@pytest.mark.parametrize(
    ("text", "dialect", "kfl"),
    [
        ("http and response.status >= 400", OLDER, "http && status_code >= 400"),
        ('request.path contains "/x"', OLDER, 'path.contains("/x")'),
        ('dst.pod == "database"', OLDER, 'dst.pod.name == "database"'),
        ("response.latency > 1000", OLDER, "elapsed_time > 1000000"),
        ('src.ns == "a" or not dst.ns == "b"', OLDER, 'src.namespace == "a" || !(dst.namespace == "b")'),
        ('request.path == r"^/api/.*"', OLDER, 'path.matches("^/api/.*")'),
        ('request.headers["Host"] contains "x"', OLDER, 'request.headers["host"].contains("x")'),
        (
            "http.response.code == 500 && ip.addr == 10.0.0.1",
            WIRESHARK,
            'status_code == 500 && (src.ip == "10.0.0.1" || dst.ip == "10.0.0.1")',
        ),
        ("ip.addr != 10.0.0.1", WIRESHARK, '(src.ip != "10.0.0.1" && dst.ip != "10.0.0.1")'),
        ("tcp.port eq 80 or dns", WIRESHARK, "(src.port == 80 || dst.port == 80) || dns"),
        ('http.request.method in {"GET" "POST"}', WIRESHARK, 'method in ["GET", "POST"]'),
        ('dns.qry.name contains "foo"', WIRESHARK, 'dns_questions.exists(x, x.contains("foo"))'),
        ('dns.qry.name == "a.com"', WIRESHARK, '"a.com" in dns_questions'),
        ("http.time > 0.5", WIRESHARK, "elapsed_time > 500000"),
        ('http.host matches "^api"', WIRESHARK, 'request.headers["host"].matches("^api")'),
        ("!(http.request) and http.response.code ge 500", WIRESHARK, "!(http) && status_code >= 500"),
        (
            "tcp port 80 and host 10.0.0.1",
            BPF,
            '(src.port == 80 || dst.port == 80) && (src.ip == "10.0.0.1" || dst.ip == "10.0.0.1")',
        ),
    ],
)
def test_a_filter_of_another_language_is_recognised_and_translated_but_not_run(
    catalogue: Catalogue, text: str, dialect: str, kfl: str
):
    found = check(text, catalogue)
    assert not found.valid
    assert (found.dialect, found.corrected) == (dialect, kfl)
    assert f"This looks like {dialect}" in found.message
    assert check(kfl, catalogue).valid


@pytest.mark.parametrize(
    "text", ["foo bar", "frame contains 00:01", "eth.addr == 1", "and and", "http and", "x ~", "{"]
)
def test_what_is_in_no_known_language_has_no_translation(catalogue: Catalogue, text: str):
    assert check(text, catalogue).corrected is None


def test_a_slip_is_corrected_without_calling_it_another_language(catalogue: Catalogue):
    found = check("status_cod == 500", catalogue)
    assert (found.dialect, found.corrected) == (None, "status_code == 500")
