"""PostgreSQL: what one client wanted and what it got, on the way to an entry."""

from __future__ import annotations

from typing import Any

from kubeshark_mcp.dissect.frames import HELD, Frame, Gatherer
from kubeshark_mcp.dissect.sql_text import Phrasebook
from kubeshark_mcp.dissect.wire_postgresql import Failure, Tag
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection

TAGS = 32
"""Statements of one simple query whose outcome is written out."""

_MISSING_TEXT = "the text of prepared statement {!r} is missing, as bytes of the connection are"


class Exchange(Gatherer):
    """One execution of a statement, or another request, with its answers.

    statement: name in the extended protocol. text: of the statement, None where it is not known.
    prepares, bound, executed: a Parse, a Bind, an Execute belongs to it. finished: its outcome is known.
    emitted: the entry is out. cycle: number of the Sync behind it, from 0.
    """

    __slots__ = (
        "_phrases",
        "_tags",
        "bound",
        "cycle",
        "emitted",
        "executed",
        "finished",
        "prepares",
        "rows",
        "statement",
        "text",
    )

    def __init__(
        self, connection: Connection, session: dict[str, Any], command: str, limit: int, phrases: Phrasebook
    ) -> None:
        fields = {**session, "postgresql_command": command}
        super().__init__(Entry("postgresql", connection, None, None, fields, command), limit)
        self.statement = ""
        self.text: str | None = None
        self.executed = self.prepares = self.bound = self.finished = self.emitted = False
        self.cycle = self.rows = 0
        self._phrases = phrases
        self._tags: list[str] = []

    @property
    def fields(self) -> dict[str, Any]:
        """Give the fields of the entry."""
        return self.entry.fields

    def say(self, text: str) -> None:
        """Take the text of the statement."""
        words = self._phrases.of(text)
        fields = self.entry.fields
        self.text = fields["postgresql_query"] = text
        fields["postgresql_command"] = words.verb or "Query"
        self.entry.summary = words.line

    def name_statement(self, name: str, text: str | None, *, gaps: bool) -> None:
        """Take the prepared statement that is executed. gaps: bytes of the connection were missing before."""
        self.statement = name
        if name:
            self.fields["postgresql_statement"] = name
        if text is not None:
            self.say(text)
            return
        self.fields["postgresql_statement_unknown"] = True
        self.entry.summary = f"Execute {name or 'the unnamed statement'}, text not captured"
        if gaps:
            self.entry.malformed = _MISSING_TEXT.format(name)

    def ask(self, frame: Frame, *, shown: bool = True) -> None:
        """Add messages of the client. shown: their bytes may be kept as a body."""
        if frame.size > HELD and frame.body:
            self.fields["postgresql_truncated"] = True
        super().ask(frame, shown=shown)

    def copy(self, messages: int, size: int) -> None:
        """Count data that was copied in or out."""
        fields = self.fields
        fields["postgresql_copy_messages"] = fields.get("postgresql_copy_messages", 0) + messages
        fields["postgresql_copy_bytes"] = fields.get("postgresql_copy_bytes", 0) + size

    def add_tag(self, tag: Tag) -> None:
        """Take the outcome of one statement."""
        fields = self.fields
        if len(self._tags) < TAGS:
            self._tags.append(tag.text)
        if tag.changed:
            fields["postgresql_rows_affected"] = fields.get("postgresql_rows_affected", 0) + tag.changed
        if tag.command and (self.text is None or fields["postgresql_command"] == "WITH"):
            fields["postgresql_command"] = tag.command.partition(" ")[0]
            if not self.size:
                self.entry.summary = tag.text
        self.entry.status = self.entry.status or "OK"

    def fail(self, failure: Failure) -> None:
        """Take an error."""
        fields = self.fields
        fields["postgresql_error_code"] = failure.code
        fields["postgresql_error_message"] = failure.message
        fields["postgresql_error_severity"] = failure.severity
        self.entry.status, self.entry.failed = failure.code or "ERROR", True

    def notice(self, failure: Failure) -> None:
        """Take a notice; the first one is shown."""
        self.fields.setdefault("postgresql_notice", failure.message)

    def abort(self) -> None:
        """Take that the server passed this over, because something before it in the pipeline failed."""
        self.entry.status, self.entry.failed = "aborted", True
        self.finished = True

    def close(self) -> Entry:
        """Write down what was counted and give the entry."""
        self.finished = True
        self.settle()
        entry, fields = self.entry, self.fields
        if (self.prepares or self.bound) and not self.executed and not entry.failed:
            fields["postgresql_command"] = command = "Parse" if self.prepares else "Bind"
            entry.summary = f"{command} {entry.summary}"
        if entry.response is not None:
            answered = entry.request is None or bool(entry.status)
            fields["postgresql_success"] = answered and not entry.failed and not entry.malformed
            fields["postgresql_response_size"] = entry.response.length
        if entry.request is not None:
            fields["postgresql_request_size"] = self.size
        fields["postgresql_total_size"] = self.size + (entry.response.length if entry.response else 0)
        if self.rows:
            fields["postgresql_rows"] = self.rows
        if self._tags:
            fields["postgresql_tag"] = "; ".join(self._tags)
        if entry.failed and not fields.get("postgresql_error_code"):
            fields["postgresql_success"] = False
        return entry
