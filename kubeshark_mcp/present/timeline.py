"""What happened, a line each: when, how long after the beginning, what, and the entry that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from kubeshark_mcp.present.budget import fitting
from kubeshark_mcp.present.fencing import clean_line

COLUMNS = ("time", "after", "what", "event", "evidence")
_MARKS = {"finding": "!", "failures": "x", "recovery": "ok", "over": "ok", "pod": "+", "capture": "-"}
_LINE = 260

Time = Callable[[datetime | None], str]


def timeline_text(found: Mapping[str, Any], time: Time, brief: bool = True) -> str:
    """Write a timeline (the contract's shape as a mapping); brief: within the budget of tokens."""
    rows = timeline_rows(found, time)
    lines = [
        f"{at} {after} {_MARKS.get(what, '.')} {clean_line(text, _LINE)}{f' [{handle}]' if handle else ''}"
        for at, after, what, text, handle in rows
    ]
    if not lines:
        return "Nothing was captured in this window."
    return "\n".join(fitting(lines, "({} more events: format=full, or a shorter window)") if brief else lines)


def timeline_rows(found: Mapping[str, Any], time: Time) -> list[list[str]]:
    """Give COLUMNS of each event."""
    events = found["events"]
    begin = events[0]["at"] if events else None
    return [
        [
            time(one["at"]), f"+{(one['at'] - begin).total_seconds():.1f}s", one["what"],
            f"{one['place']}. {one['text']}" if one["what"] == "finding" else one["text"], one["handle"],
        ]
        for one in events
    ]  # fmt: skip
