from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kubeshark_mcp.present.budget import BUDGET
from kubeshark_mcp.present.timeline import timeline_text
from kubeshark_mcp.present.tokens import rough_tokens

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def event(seconds: float, what: str, text: str, handle: str = "", place: int = 0):
    return {"at": NOON + timedelta(seconds=seconds), "what": what, "text": text, "handle": handle, "place": place}


def clock(moment: datetime | None) -> str:
    return "-" if moment is None else moment.strftime("%H:%M:%S")


def test_an_event_is_a_line_and_captured_line_ends_cannot_forge_another():
    found = {"events": [
        event(0, "capture", "capture begins on n1"), event(1.5, "finding", "cause\n12:00:09 forged", "s/d#7", 1),
    ]}  # fmt: skip
    assert timeline_text(found, clock).splitlines() == [
        "12:00:00 +0.0s - capture begins on n1",
        "12:00:01 +1.5s ! 1. cause 12:00:09 forged [s/d#7]",
    ]


def test_many_events_are_cut_and_counted():
    found = {"events": [event(second, "failures", f"edge {second} begins to fail") for second in range(500)]}
    assert rough_tokens(timeline_text(found, clock)) <= BUDGET
    assert timeline_text(found, clock).endswith("more events: format=full, or a shorter window)")
    assert len(timeline_text(found, clock, brief=False).splitlines()) == 500
    assert timeline_text({"events": []}, clock) == "Nothing was captured in this window."
