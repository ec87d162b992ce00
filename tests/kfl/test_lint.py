from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, check


@pytest.mark.parametrize(
    ("text", "part", "suggestion"),
    [
        ("elapsed_time > 5", "microseconds: 5 is 0.005 ms", "elapsed_time > 5000"),
        ("100 <= elapsed_time", "microseconds: 100 is 0.1 ms", "elapsed_time >= 100000"),
        ("src.port > 65535", "between 0 and 65535", None),
        ("status_code == 5000", "between 0 and 999", None),
        ('src.ip == "10.0.0.0/8"', "not one IP address", 'src.ip.startsWith("10.")'),
        ('src.ip == "pod-1"', "not one IP address", None),
        ('src.ip == "fe80:0::1"', "short form", 'src.ip == "fe80::1"'),
        ('method == "get"', "upper case", 'method == "GET"'),
        ("status_code == 500 && http && status_code == 404", "must also equal 500", "status_code in [500, 404]"),
        (
            'request.headers["a"] == "b"',
            'Where `request.headers` has no key `a` this is ""',
            '"a" in request.headers && …',
        ),
        ('request.headers.a == "b"', "has no key `a`", '"a" in request.headers && …'),
    ],
)
def test_a_filter_that_is_probably_not_meant_so_is_warned_about(
    catalogue: Catalogue, text: str, part: str, suggestion: str | None
):
    found = check(text, catalogue)
    assert found.valid
    (warning,) = found.warnings
    assert part in warning.message
    assert (warning.severity, warning.suggestion) == ("warning", suggestion)


def test_a_header_in_upper_case_is_never_found_and_that_is_told(catalogue: Catalogue):
    found = check('"Host" in request.headers && request.headers["Host"] == "a"', catalogue)
    assert {(warning.message, warning.suggestion) for warning in found.warnings} == {
        ("Header names are kept in lower case: `Host` is never found.", 'request.headers["host"]')
    }


@pytest.mark.parametrize(
    "text",
    [
        "elapsed_time > 0",
        "elapsed_time > 5000",
        'src.ip == ""',
        'src.ip == "10.0.0.1" && dst.ip == "::1"',
        'method == "PROPFIND"',
        "status_code == 500 || status_code == 404",
        '"a" in request.headers && request.headers["a"] == "b"',
        'has(request.headers.a) && request.headers.a == "b"',
        'map_get(request.headers, "a", "") == "b"',
    ],
)
def test_a_sound_filter_has_no_warning(catalogue: Catalogue, text: str):
    assert check(text, catalogue).warnings == ()


def test_a_field_that_is_never_filled_is_told_once(catalogue: Catalogue):
    found = check('path == "a" || path == "b" || http', catalogue, present={"http"})
    assert [warning.message for warning in found.warnings] == [
        'No entry of this data set has `path`; it is "" everywhere here.'
    ]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("kafka_api_key == 0", "`kafka && …`"),
        ("status_code != 200", "`http && …`"),
        ("failed || tlsx_version < 771", "`tlsx && …`"),
        ('ws_opcode != "text"', "`ws && …`"),
    ],
)
def test_a_comparison_that_holds_for_entries_without_the_field_is_told(everything: Catalogue, text: str, advice: str):
    (found,) = check(text, everything).warnings
    assert "this holds for them too" in found.message
    assert advice in found.message


@pytest.mark.parametrize(
    "text",
    [
        "http && status_code != 200",
        "kafka && kafka_api_key == 0",
        'src.namespace != "a"',
        "!tcp",
        "!(status_code == 200)",
    ],
)
def test_one_that_names_the_protocol_or_is_about_every_entry_is_not(everything: Catalogue, text: str):
    assert check(text, everything).warnings == ()
