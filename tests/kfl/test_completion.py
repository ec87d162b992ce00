from __future__ import annotations

from kubeshark_mcp.kfl import Catalogue, Completion, complete


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


def test_after_an_operand_come_operators_and_inside_quotes_nothing(catalogue: Catalogue):
    assert texts("path ", catalogue)[:2] == ["==", "!="]
    assert texts('path == "sta', catalogue) == []


def test_functions_are_completed_too_and_the_list_is_short(catalogue: Catalogue):
    assert "map_get(" in texts("map", catalogue)
    assert len(complete("", 0, catalogue)) <= 50
    assert complete("x", 99, catalogue) == complete("x", 1, catalogue)
