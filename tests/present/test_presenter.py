"""One user's way of seeing answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubeshark_mcp.present.fencing import Fence
from kubeshark_mcp.present.presenter import Presenter
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.times import Clock

MOMENT = datetime(2026, 11, 1, 13, 3, 5, tzinfo=UTC)
SHOW = Presenter(Clock(UTC), Redactor(b"key"), Fence(b"key"), {"get_snapshot"}.__contains__)


def lines_inside(fenced: str) -> list[str]:
    first, *inside, last = fenced.splitlines()
    assert first.startswith("[captured ")
    assert last.startswith("[end ")
    return inside


def test_spans_say_how_long_they_are():
    assert SHOW.span(MOMENT, MOMENT + timedelta(minutes=2)) == "2026-11-01T13:03:05Z to 2026-11-01T13:05:05Z (2m)"
    assert SHOW.span(None, None) == "no data"
    assert SHOW.span(None, MOMENT) == "- to 2026-11-01T13:03:05Z"


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (4210, "4.21 kB"), (1_300_000, "1.3 MB"), (2 * 10**15, "2e+03 TB")],
)
def test_sizes_have_a_unit(count, text):
    assert SHOW.size(count) == text


def test_a_table_prints_times_in_the_zone():
    assert SHOW.table(("id", "at"), [("a", MOMENT)]) == "id|at\na|2026-11-01T13:03:05Z"


def test_a_captured_table_is_clean_redacted_and_fenced():
    table = SHOW.captured_table(("name", "n"), [("x\x1b[0m?token=abc", 1)])
    assert lines_inside(table) == ["name|n", f"x?token={Redactor(b'key').mark('abc')}|1"]


def test_captured_text_is_cut_after_redaction():
    assert lines_inside(SHOW.captured("AUTH hunter2", 4)) == ["AUTH… (27 more characters)"]


def test_records_are_json_lines():
    assert lines_inside(SHOW.records([{"a": 1, "at": MOMENT}])) == ['{"a":1,"at":"2026-11-01T13:03:05Z"}']


def test_only_the_first_warnings_are_shown():
    assert SHOW.warnings(["one", "two"]) == ["warning: one", "warning: two"]
    assert SHOW.warnings([str(n) for n in range(9)], limit=1) == ["warning: 0", "(8 more warnings)"]


def test_empty_answers_name_registered_tools_only():
    assert (
        SHOW.empty("Nothing.", tool="get_snapshot", arguments={"id": "s1"}) == 'Nothing.\nNext: get_snapshot(id="s1")'
    )
    assert SHOW.empty("Nothing.", tool="other", code="no_traffic") == "Nothing."


def test_calls_are_fenced():
    assert lines_inside(SHOW.calls([{"_id": "a", "timestamp": MOMENT}])) == ["id|ts", "a|2026-11-01T13:03:05Z"]
    assert lines_inside(SHOW.call({"_id": "a", "timestamp": MOMENT}))[0] == "id a  2026-11-01T13:03:05Z"


def test_it_knows_whether_secrets_are_taken_out():
    assert SHOW.redacts
    assert not Presenter(Clock(), Redactor(b"k", enabled=False), Fence(b"k")).redacts
