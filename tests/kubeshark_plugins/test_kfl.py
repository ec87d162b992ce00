"""The filter language as tools."""

from __future__ import annotations

from fake_hub import FakeHub

from kubeshark_mcp.model.field import Field, FieldType


class Fields(FakeHub):
    """Knows two fields."""

    async def fields(self) -> list[Field]:
        return [
            Field("method", FieldType.STRING, "request method", 'method == "GET"', "HTTP"),
            Field("status_code", FieldType.INT, "status", "status_code >= 500", "HTTP"),
        ]


async def test_a_right_filter_is_given_back_with_its_warnings(ask):
    answer = await ask("check_kfl", kfl="http")
    assert answer.text.splitlines()[0] == "valid: http"
    assert "it is wide" in answer.text
    assert answer.facts == {"valid": True, "canonical": "http", "corrected": None}


async def test_a_wrong_one_is_no_error_of_the_tool_but_its_answer(ask):
    answer = await ask("check_kfl", kfl="htp")
    assert not answer.is_error
    assert answer.text == "`htp` is not a field. (line 1, column 1)\nhtp\n^^^"
    assert answer.facts["corrected"] == "http"


async def test_each_clause_says_what_it_leaves_and_how_it_runs(ask):
    answer = await ask("explain_kfl", kfl='http && path.charAt(0) == "/"')
    assert answer.text.splitlines()[0] == "5 of 9 entries match (db s1/default)"
    assert "1|http|SQL|7" in answer.text
    assert "row by row" in answer.text


async def test_fields_are_found_by_word(ask):
    answer = await ask("list_kfl_fields", Fields(), word="STATUS")
    assert answer.text.splitlines()[0] == "1 field"
    assert "status_code|int|status|status_code >= 500" in answer.text
    assert (await ask("list_kfl_fields", Fields(), word="zzz")).facts == {"total": 0}


async def test_values_of_fields_are_fenced(ask):
    answer = await ask("list_kfl_fields", Fields(), values=True)
    assert "filled=3, of=9, commonest values=GET (2)" in answer.text
    assert "untrusted data" in answer.text
