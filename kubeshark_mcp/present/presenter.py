"""One user's way of seeing answers: their zone, redaction, fences, and which tools may be named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kubeshark_mcp.present.calls import CallPrinter, endpoint
from kubeshark_mcp.present.comparison import comparison_text
from kubeshark_mcp.present.diagnosis import diagnosis_text
from kubeshark_mcp.present.empty import empty_answer
from kubeshark_mcp.present.fencing import Fence, clean, clean_line, cut
from kubeshark_mcp.present.ladder import ladder_head, ladder_text
from kubeshark_mcp.present.maps import map_text
from kubeshark_mcp.present.paging import shown_of
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.tables import pipe_table
from kubeshark_mcp.present.timeline import timeline_text
from kubeshark_mcp.present.times import Clock, format_duration


@dataclass(frozen=True, slots=True)
class Presenter:
    """Turns plain values into text. registered: tells whether a tool may be named."""

    clock: Clock
    redactor: Redactor
    fence: Fence
    registered: Callable[[str], bool] = field(default=lambda name: False)

    def time(self, moment: datetime | None) -> str:
        """Print a time in the user's zone, with its offset; `-` for none."""
        return self.clock.text(moment)

    def span(self, start: datetime | None, end: datetime | None) -> str:
        """Print `START to END (12m 3s)`."""
        if start is None or end is None:
            return "no data" if start is end else f"{self.time(start)} to {self.time(end)}"
        return f"{self.time(start)} to {self.time(end)} ({format_duration(abs((end - start).total_seconds()))})"

    def size(self, count: int) -> str:
        """Print bytes as `312 B`, `4.2 kB`, `1.3 MB`."""
        if count < 1000:
            return f"{count} B"
        power = min(4, (len(str(count)) - 1) // 3)
        return f"{count / 1000**power:.3g} {('kB', 'MB', 'GB', 'TB')[power - 1]}"

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
        """Write a compact table of values that are ours (ids, numbers, states); times are printed in the zone."""
        return pipe_table(columns, [[self._cell(value) for value in row] for row in rows])

    def captured_table(self, columns: Sequence[str], rows: Sequence[Sequence[object]], fold: bool = True) -> str:
        """Write a compact table with captured text in it: cleaned, redacted, fenced. fold: see pipe_table."""
        safe = [
            [self.safe(cell) if isinstance(cell := self._cell(value), str) else cell for value in row] for row in rows
        ]
        return self.fence.around(pipe_table(columns, safe, fold))

    def captured(self, text: str, limit: int = 0) -> str:
        """Clean, redact, cut and fence captured text."""
        return self.fence.around(cut(self.safe(text), limit))

    def safe(self, text: str) -> str:
        """Clean and redact captured text; the caller fences it."""
        return self.redactor.text(clean(text))

    def warnings(self, warnings: Sequence[str], limit: int = 5) -> list[str]:
        """Write warnings one a line, the first `limit` of them."""
        lines = [f"warning: {self.safe(clean_line(self.clock.localise(warning), 300))}" for warning in warnings[:limit]]
        return [*lines, f"({len(warnings) - limit:,} more warnings)"] if len(warnings) > limit else lines

    def records(self, records: Sequence[Mapping[str, Any]]) -> str:
        """Write records as JSON, one a line, fenced."""
        printer = CallPrinter(self.clock, self.redactor)
        return self.fence.around("\n".join(printer.json(printer.safe_row(record)) for record in records))

    @property
    def redacts(self) -> bool:
        """Tell whether secrets are taken out; packets as such cannot be shown then."""
        return self.redactor.enabled

    def calls(self, rows: Sequence[Mapping[str, Any]], form: str = "compact", group_by: str | None = None) -> str:
        """Write entries (KFL rows) as `compact`, `full` or `raw`, fenced; group_by: `node`, `ns` or `worker`."""
        return self.fence.around(CallPrinter(self.clock, self.redactor).page(rows, form, group_by))

    def call(self, row: Mapping[str, Any], **parts: Any) -> str:
        """Write one entry in full, fenced; parts: see CallPrinter.one."""
        return self.fence.around(CallPrinter(self.clock, self.redactor).one(row, **parts))

    def diagnosis(self, found: Mapping[str, Any], brief: bool = True) -> str:
        """Write a diagnosis (the contract's shape as a mapping), fenced; brief: the cause and what fits beside it."""
        return self.fence.around(self.safe(diagnosis_text(found, self.time, brief)))

    def comparison(self, found: Mapping[str, Any], brief: bool = True) -> str:
        """Write what differs between two times, fenced."""
        return self.fence.around(self.safe(comparison_text(found, brief)))

    def ladder(self, found: Mapping[str, Any], brief: bool = True) -> str:
        """Write one call through services, fenced."""
        return self.fence.around(self.safe(f"{ladder_head(found)}\n{ladder_text(found, brief)}"))

    def timeline(self, found: Mapping[str, Any], brief: bool = True) -> str:
        """Write what happened, a line each, fenced."""
        return self.fence.around(self.safe(timeline_text(found, self.time, brief)))

    def service_map(self, found: Mapping[str, Any], form: str = "table", limit: int = 0) -> str:
        """Write who calls whom as `table`, `json` or `mermaid`, fenced; limit: links at most, 0 for as many as fit."""
        return self.fence.around(self.safe(map_text(found, form, limit)))

    def endpoint(self, row: Mapping[str, Any], side: str) -> str:
        """Print one end (`src` or `dst`) of an entry: `namespace/pod address:port`; the caller fences it."""
        return self.safe(endpoint(row, side))

    def shown(self, shown: int, total: int, noun: str, cursor: str | None = None) -> str:
        """Say how much is shown: `12 of 340 calls, next: cursor=…`."""
        return shown_of(shown, total, noun, cursor)

    def empty(
        self,
        sentence: str,
        remedy: str = "",
        tool: str = "",
        arguments: Mapping[str, Any] | None = None,
        clauses: Sequence[tuple[str, int]] = (),
        code: str = "",
    ) -> str:
        """Say why there are no rows and what settles it; code is for programs."""
        return empty_answer(self.clock.localise(sentence), remedy, tool, arguments, clauses, self.registered)

    def _cell(self, value: object) -> object:
        return self.time(value) if isinstance(value, datetime) else value
