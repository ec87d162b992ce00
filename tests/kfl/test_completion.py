from __future__ import annotations

import time

import pytest

from kubeshark_mcp.kfl import Catalogue, Completion, complete, value_place


def texts(text: str, catalogue: Catalogue) -> list[str]:
    return [found.text for found in complete(text, len(text), catalogue)]


def test_fields_that_begin_with_the_word_come_first_then_those_with_a_part_that_does(catalogue: Catalogue):
    assert texts("http && stat", catalogue) == ["status_code", "grpc_status"]
    assert texts("src.po", catalogue) == ["src.port", "src.pod.name", "src.pod.namespace"]


def test_a_completion_says_what_it_replaces(catalogue: Catalogue):
    assert complete("http && metho", 13, catalogue) == [Completion("method", 8, 13, "field", "string: the method")]


def test_after_a_field_and_a_dot_come_the_functions_of_its_type(catalogue: Catalogue):
    assert "startsWith(" in texts("path.", catalogue)
    assert "exists(" not in texts("path.", catalogue)
    assert {"exists(", "join(", "size("} <= set(texts("pods.", catalogue))
    assert "startsWith(" not in texts("pods.", catalogue)
    assert texts("path.sta", catalogue) == ["startsWith("]


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ('request.headers["a"].', "startsWith(", "exists("),
        ("path.lowerAscii().sub", "substring(", "split("),
        ("dns_questions[0].ends", "endsWith(", "size("),
        ('http && ("a)" + path).', "matches(", "getHours("),
        ("timestamp.get", "getHours(", "getMonths("),
        ("size(path.", "charAt(", "size(path"),
        ("request.headers.ex", "exists(", "join("),
    ],
)
def test_any_expression_before_the_dot_has_the_functions_of_its_type(
    text: str, some: str, none: str, catalogue: Catalogue
):
    found = texts(text, catalogue)
    assert some in found
    assert none not in found


def test_after_an_operand_come_operators_and_inside_quotes_nothing(catalogue: Catalogue):
    assert texts("path ", catalogue)[:2] == ["==", "!="]
    assert texts('path == "sta', catalogue) == []
    assert texts('path.matches("' + "x" * 2000, catalogue) == []


def test_a_field_is_found_by_what_it_means(catalogue: Catalogue):
    assert texts("latency", catalogue) == ["elapsed_time"]
    assert "src.namespace" in texts("namesp", catalogue)


@pytest.mark.parametrize(
    ("text", "field", "typed"),
    [
        ("method == ", "method", ""),
        ('http && method != "PO', "method", '"PO'),
        ("status_code>=50", "status_code", "50"),
        ('method in ["GET", "P', "method", '"P'),
        ("status_code in [", "status_code", ""),
        ('path.startsWith("/a', "path", '"/a'),
        ("request.headers[", "request.headers", ""),
    ],
)
def test_the_place_of_a_value_names_its_field(text: str, field: str, typed: str, catalogue: Catalogue):
    place = value_place(text, len(text), catalogue)
    assert place is not None
    assert (place.field.name, place.typed, place.start) == (field, typed, len(text) - len(typed))


@pytest.mark.parametrize("text", ["", "method", "method ==  GET ", "nothing == ", "dns_questions[", '"a" == '])
def test_elsewhere_there_is_no_place_for_a_value(text: str, catalogue: Catalogue):
    assert value_place(text, len(text), catalogue) is None


def test_values_that_begin_with_what_is_typed_come_first_then_those_that_hold_it(catalogue: Catalogue):
    seen = [("GET", 20), ("HEAD", 1), ("REPORT", 7), ("PO", 1)]
    found = complete('method == "PO', 13, catalogue, seen)
    assert found == [
        Completion('"PO"', 10, 13, "value", "1 entry"),
        Completion('"REPORT"', 10, 13, "value", "7 entries"),
    ]
    assert [one.applied('method == "PO') for one in found] == ['method == "PO"', 'method == "REPORT"']


def test_values_are_written_as_their_type_asks(catalogue: Catalogue):
    assert complete("status_code == ", 15, catalogue, [("500", 3)])[0].text == "500"
    assert [found.text for found in complete("http == ", 8, catalogue)[:2]] == ["true", "false"]
    assert complete("path == ", 8, catalogue, [('a"b', 1)])[0].text == '"a\\"b"'
    assert [
        found.kind for found in complete("timestamp == ", 13, catalogue, [("17", 3)]) if found.kind == "value"
    ] == []


def test_functions_are_completed_too_and_the_list_is_short(catalogue: Catalogue):
    assert "map_get(" in texts("map", catalogue)
    assert len(complete("", 0, catalogue)) <= 100
    assert complete("x", 99, catalogue) == complete("x", 1, catalogue)


@pytest.mark.parametrize(
    "text",
    ["a" * 60_000 + ".", "(" * 60_000, '"' * 60_001, "a in [" * 9000, "a.b[" * 9000, "x." * 9000, ")" * 60_000 + "."],
)
def test_hostile_text_is_completed_at_once(text: str, catalogue: Catalogue):
    started = time.process_time()
    complete(text, len(text), catalogue)
    assert time.process_time() - started < 1
