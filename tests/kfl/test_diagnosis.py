from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, KflError, check, compile_filter


def test_a_valid_filter_has_its_canonical_form_and_nothing_else(catalogue: Catalogue):
    found = check("http&&status_code>=500", catalogue)
    assert (found.valid, found.errors, found.warnings, found.canonical) == (True, (), (), "http && status_code >= 500")
    assert (found.corrected, found.dialect, found.message) == (None, None, "")


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ('status_code == "500"', "status_code == 500"),
        ("path == 5", 'path == "5"'),
        ("tcp == 1", "tcp"),
        ("http && status_code", "http && status_code != 0"),
        ("status_cod == 500 && src.nam == 'a'", 'status_code == 500 && src.name == "a"'),
        ('path.startswith("/a")', 'path.startsWith("/a")'),
        ('"/a" in path', 'path.contains("/a")'),
        ("status_code = 500", "status_code == 500"),
        ("http & tcp", "http && tcp"),
        ("method == GET", 'method == "GET"'),
        ("status_code == null", "status_code == 0"),
        ("has(src.pod.name)", 'src.pod.name != ""'),
        ('timestamp > "2025-01-01T00:00:00Z"', 'timestamp > timestamp("2025-01-01T00:00:00Z")'),
        ('elapsed_time > duration("2s")', "elapsed_time > 2000000"),
        ('has(request.headers["a"])', '"a" in request.headers'),
        ("status_code == 500.5", None),
        ("nothing_like_it == 1", None),
        ("http &&", None),
    ],
)
def test_an_invalid_filter_comes_with_the_one_that_was_probably_meant(
    catalogue: Catalogue, text: str, corrected: str | None
):
    found = check(text, catalogue)
    assert not found.valid
    assert found.corrected == corrected
    assert corrected is None or check(corrected, catalogue).valid


def test_all_mistakes_are_told_at_once_and_each_has_its_place(catalogue: Catalogue):
    found = check('status_code == "1" &&\n  zzzz.at.all == 2', catalogue)
    assert [(error.line, error.column, error.offending) for error in found.errors] == [
        (1, 16, '"1"'),
        (2, 3, "zzzz.at.all"),
    ]


def test_the_error_of_compiling_says_the_same_as_the_check(catalogue: Catalogue):
    with pytest.raises(KflError) as raised:
        compile_filter("src.ns == 'a'", catalogue, now_ns=0)
    found = check("src.ns == 'a'", catalogue)
    assert str(raised.value) == found.message
    assert (raised.value.corrected, raised.value.dialect) == ('src.namespace == "a"', "the older KFL")
