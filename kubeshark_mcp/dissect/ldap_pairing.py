"""LDAP operations: a request and all that answers it under its message id, as one entry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from kubeshark_mcp.dissect.base import Context
from kubeshark_mcp.dissect.buffer import join
from kubeshark_mcp.dissect.pairing import Transactions
from kubeshark_mcp.dissect.roles import Roles
from kubeshark_mcp.dissect.wire_ber import BerError
from kubeshark_mcp.dissect.wire_ldap import Head, Message, read_head, read_message
from kubeshark_mcp.dissect.wire_ldap_names import (
    ABANDON,
    BIND,
    ENTRY,
    EXTENDED,
    FINAL,
    GOOD,
    INTERMEDIATE,
    OPERATIONS,
    PASSWORD_MODIFY,
    REFERENCE,
    REQUESTS,
    SEARCH,
    SHORT_SCOPES,
    START_TLS,
    WHO_AM_I,
    WORDS,
)
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Direction, Span

SUMMARY = 300
"""Characters of a summary."""
REFERRALS = 100
"""Referrals of one search that are kept."""
_PARTS = frozenset({ENTRY, REFERENCE, INTERMEDIATE})
"""Responses that are followed by more."""
_OF_RESPONSES = {final: request for request, final in FINAL.items()}
_SECRETS_LIKELY = re.compile(rb"[Pp]assword|PASSWORD|[Pp][Ww][Dd]|[Rr]ootPW|rincipalKey|[Cc]redentials|[Hh]ash")
"""Part of the names of all attributes whose values are not shown; only where it occurs is an entry read."""


@dataclass(slots=True)
class _Operation:
    """An operation that waits for its final response. gaps: gaps of the connection when it began."""

    entry: Entry
    tag: int
    gaps: int
    first: Span | None = None
    last: Span | None = None
    length: int = 0
    entries: int = 0
    references: int = 0
    intermediates: int = 0
    referrals: list[str] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)


class LdapPairing:
    """Makes entries of messages. encrypts: the answer to StartTLS was seen and it was success."""

    def __init__(self, context: Context) -> None:
        self.encrypts = False
        self.layered = False
        """Whether a SASL bind has begun: its security layer may follow."""
        self._context = context
        self._roles = Roles(context.connection)
        self._limit = context.settings.body_limit
        self._waiting: Transactions[tuple[int, int], _Operation] = Transactions()
        self._gaps = 0

    def take(
        self,
        direction: Direction,
        data: bytes,
        start: int,
        stop: int,
        span: Span,
        *,
        cut: str = "",
        layer: bool = False,
    ) -> None:
        """Take the message data[start:stop]. cut: why that is not all. layer: it came in a SASL security layer."""
        try:
            head = read_head(data, start, stop)
        except BerError as error:
            reason = f"{error.reason} at byte {error.position - start} of the message"
            self.unread(direction, data[start:stop], span, cut or reason)
            return
        if head.tag in REQUESTS or head.tag not in OPERATIONS:
            self._ask(direction, data, head, stop, span, cut, layer)
        else:
            self._answer(direction, data, head, stop, span, cut, layer)

    def unread(self, direction: Direction, data: bytes, span: Span, why: str) -> None:
        """Emit bytes that are no message."""
        entry = self._roles.request("ldap", direction, span)
        entry.malformed, entry.summary = why, "LDAP"
        entry.fields["ldap_summary"] = entry.summary
        entry.fields["ldap_request"] = True
        entry.fields["ldap_request_length"] = entry.fields["ldap_total_size"] = span.length
        self._context.emit(entry)

    def sealed(self, spans: list[Span | None], buffers: int) -> None:
        """Emit what was seen of messages that a SASL layer encrypts: how many buffers, and where."""
        asked, answered = spans
        entry = Entry("ldap", self._context.connection, asked, answered)
        entry.summary = f"{buffers} encrypted SASL buffers"
        fields = entry.fields
        fields["ldap_type"], fields["ldap_summary"] = "encrypted", entry.summary
        fields["ldap_encrypted_buffers"], fields["ldap_sasl_layer"] = buffers, True
        fields["ldap_request"], fields["ldap_response"] = asked is not None, answered is not None
        _measure(fields, asked.length if asked else 0, answered.length if answered else 0)
        entry.malformed = "bytes are missing: there may have been more" if self._gaps else ""
        self._context.emit(entry)

    def lose(self) -> None:
        """Hear that bytes are missing."""
        self._gaps += 1

    def flush(self) -> None:
        """Emit what still waits for its final response."""
        for operation in self._waiting.flush():
            self._unfinished(operation)

    def _ask(self, direction: Direction, data: bytes, head: Head, stop: int, span: Span, cut: str, layer: bool) -> None:
        entry = self._roles.request("ldap", direction, span)
        message = read_message(data, head, stop)
        fields = entry.fields
        fields.update(message.fields)
        fields["ldap_type"] = OPERATIONS.get(head.tag, f"operation 0x{head.tag:02x}")
        fields["ldap_message_id"] = head.message_id
        fields["ldap_request"] = True
        fields["ldap_request_length"] = fields["ldap_total_size"] = head.end - head.begin
        if layer:
            fields["ldap_sasl_layer"] = True
        entry.summary = fields["ldap_summary"] = _summary(head.tag, fields)
        entry.malformed = cut or message.malformed
        entry.request_body = bytes(_shown(data, head, stop, message, self._limit))
        if head.tag not in FINAL:
            self._end(direction, head, fields)
            self._context.emit(entry)
            return
        if head.tag == BIND and fields.get("ldap_auth") == "sasl":
            self.layered = True
        key = (direction, head.message_id)
        replaced = self._waiting.ask(key, _Operation(entry, head.tag, self._gaps))
        if replaced is not None:
            self._unfinished(replaced)

    def _end(self, direction: Direction, head: Head, fields: dict[str, Any]) -> None:
        """Note on an operation that nobody waits for it any more; its answer may be on its way."""
        if head.tag == ABANDON and "ldap_abandoned_id" in fields:
            abandoned = self._waiting.get((direction, fields["ldap_abandoned_id"]))
            if abandoned is not None:
                abandoned.entry.status = "abandoned"
                fields["ldap_summary"] += f" ({abandoned.entry.summary})"[:SUMMARY]

    def _answer(
        self, direction: Direction, data: bytes, head: Head, stop: int, span: Span, cut: str, layer: bool
    ) -> None:
        key = (1 - direction, head.message_id)
        operation = self._waiting.get(key)
        fits = operation is not None and (
            head.tag == FINAL[operation.tag]
            or head.tag == INTERMEDIATE
            or (operation.tag == SEARCH and head.tag in _PARTS)
        )
        if operation is None or not fits:
            operation = self._lone(direction, head, span)
            if head.tag in _PARTS and (replaced := self._waiting.ask(key, operation)) is not None:
                self._unfinished(replaced)
        elif head.tag not in _PARTS:
            self._waiting.answer(key)
        if layer:
            operation.entry.fields["ldap_sasl_layer"] = True
        operation.first, operation.last = operation.first or span, span
        operation.length += head.end - head.begin
        if head.tag in _PARTS:
            operation.entry.malformed = operation.entry.malformed or cut
            self._part(operation, data, head, stop)
            return
        message = read_message(data, head, stop)
        self._keep(operation, data, head, stop, message)
        self._finish(operation, head, data, message, cut)

    def _lone(self, direction: Direction, head: Head, span: Span) -> _Operation:
        """Begin the entry of an answer whose request was not seen, or that nobody asked for."""
        entry = self._roles.response("ldap", direction, span)
        fields = entry.fields
        fields["ldap_type"], fields["ldap_message_id"] = OPERATIONS[head.tag], head.message_id
        entry.summary = fields["ldap_summary"] = OPERATIONS[head.tag]
        return _Operation(entry, _OF_RESPONSES.get(head.tag, SEARCH), self._gaps)

    def _part(self, operation: _Operation, data: bytes, head: Head, stop: int) -> None:
        """Count an entry, a reference or an intermediate response; its bytes are kept as long as there is room."""
        if head.tag == ENTRY:
            operation.entries += 1
        elif head.tag == INTERMEDIATE:
            operation.intermediates += 1
        else:
            operation.references += 1
            if len(operation.referrals) < REFERRALS:
                operation.referrals += read_message(data, head, stop).fields.get("ldap_referrals", ())
        if len(operation.body) < self._limit:
            self._keep(operation, data, head, stop, None)

    def _keep(self, operation: _Operation, data: bytes, head: Head, stop: int, message: Message | None) -> None:
        """Keep the bytes of a response without the passwords in them."""
        room = self._limit - len(operation.body)
        if room <= 0:
            return
        if message is None:
            raw = data[head.begin : stop]
            if _SECRETS_LIKELY.search(raw):
                message = read_message(data, head, stop)
        elif operation.entry.fields.get("ldap_oid") == PASSWORD_MODIFY and message.value[1]:
            message.secrets.append(message.value)
        operation.body += _shown(data, head, stop, message, room)

    def _finish(self, operation: _Operation, head: Head, data: bytes, message: Message, cut: str) -> None:
        """Take the final response."""
        entry, fields = operation.entry, operation.entry.fields
        for name, value in message.fields.items():
            if name != "ldap_dn":
                fields.setdefault(name, value)
        if entry.request is None and (extension := fields.get("ldap_extension")):
            entry.summary = fields["ldap_summary"] = extension
        entry.malformed = entry.malformed or cut or message.malformed
        if operation.tag == SEARCH and operation.gaps != self._gaps and not entry.malformed:
            entry.malformed = "bytes are missing while the search was answered: entries may be missing"
        entry.status = fields.get("ldap_result", "")
        entry.failed = fields.get("ldap_result_code", 0) not in GOOD
        self._learn(operation, data, message)
        self._emit(operation)

    def _learn(self, operation: _Operation, data: bytes, message: Message) -> None:
        """Draw the conclusions of an answer to an extended operation: whether TLS begins, and who asks."""
        fields = operation.entry.fields
        code = fields.get("ldap_result_code")
        if operation.tag != EXTENDED:
            return
        if fields.get("ldap_oid") == START_TLS and code == 0:
            self.encrypts = True
        if fields.get("ldap_oid") == WHO_AM_I and code == 0:
            start, stop = message.value
            fields["ldap_authorization_id"] = data[start:stop].decode("utf-8", "backslashreplace")

    def _unfinished(self, operation: _Operation) -> None:
        """Emit an operation without a final response."""
        if operation.gaps != self._gaps and not operation.entry.malformed:
            operation.entry.malformed = "bytes are missing behind it, and no final response was seen"
        self._emit(operation)

    def _emit(self, operation: _Operation) -> None:
        entry, fields = operation.entry, operation.entry.fields
        if operation.first is not None and operation.last is not None:
            entry.response = (
                join(operation.first, operation.last) if operation.last is not operation.first else (operation.first)
            )
            fields["ldap_response"] = True
            _measure(fields, fields.get("ldap_request_length", 0), operation.length)
        if operation.tag == SEARCH:
            fields["ldap_entries"], fields["ldap_references"] = operation.entries, operation.references
        if operation.intermediates:
            fields["ldap_intermediate_responses"] = operation.intermediates
        if operation.referrals:
            fields["ldap_referrals"] = operation.referrals[:REFERRALS] + fields.get("ldap_referrals", [])
        entry.response_body = bytes(operation.body)
        self._context.emit(entry)


def _measure(fields: dict[str, Any], asked: int, answered: int) -> None:
    fields["ldap_request_length"], fields["ldap_response_length"] = asked, answered
    fields["ldap_total_size"] = asked + answered


def _shown(data: bytes, head: Head, stop: int, message: Message | None, limit: int) -> bytes | bytearray:
    """Give the bytes of a message up to a limit, asterisks in place of passwords."""
    begin = head.begin
    end = min(stop, begin + limit)
    if message is None or (not message.secrets and not message.malformed):
        return data[begin:end]
    if message.malformed and head.tag != SEARCH:
        end = min(end, head.start)  # where a password may be was not read
    kept = bytearray(data[begin:end])
    for secret, secret_end in message.secrets:
        first, last = min(secret, end), min(secret_end, end)
        kept[first - begin : last - begin] = b"*" * (last - first)
    return kept


def _summary(tag: int, fields: dict[str, Any]) -> str:
    """Say a request in one line."""
    words = [WORDS.get(tag, fields["ldap_type"])]
    if tag == EXTENDED:
        words.append(fields.get("ldap_extension", ""))
    if tag == ABANDON:
        words.append(str(fields.get("ldap_abandoned_id", "")))
    if "ldap_dn" in fields:
        words.append(fields["ldap_dn"] or '""')
    if tag == SEARCH:
        words.append(SHORT_SCOPES.get(fields.get("ldap_scope", ""), ""))
    words += fields.get("ldap_changes", ())[:10]
    words += [fields.get(name, "") for name in ("ldap_filter", "ldap_auth", "ldap_sasl_mechanism")]
    if "ldap_new_rdn" in fields:
        words += ["to", ",".join(part for part in (fields["ldap_new_rdn"], fields.get("ldap_new_superior")) if part)]
    text = " ".join(word for word in words if word)
    return text if len(text) <= SUMMARY else text[: SUMMARY - 1] + "…"
