"""Answering from a recording alone: the same investigation again, offline.

Answers to a question that was asked several times come in the order in which they were given, the last one for good, so
that waiting for a job goes as it went.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import orjson

from kubeshark_mcp import errors
from kubeshark_mcp.errors import HubError, KubesharkError, NotFoundError, StoreError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.contract_remote import HubPrompt, HubTools
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.questions import answers_in_one_place, question, restored, told
from kubeshark_mcp.hub.recording import FORMAT, VERSION, digest_of
from kubeshark_mcp.hub.workspace import storing
from kubeshark_mcp.present.redaction import Redactor

log = logging.getLogger(__name__)
_COMPARED = 400
"""Recorded questions of a kind among which the nearest is looked for, the latest first."""


@dataclass(slots=True)
class Kept:
    """A recorded question and what was said to it, in order."""

    method: str
    question: dict[str, Any]
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    given: int = 0

    def next(self) -> dict[str, Any]:
        """Give the next outcome; the last one again and again."""
        outcome = self.outcomes[min(self.given, len(self.outcomes) - 1)]
        self.given += 1
        return outcome


@dataclass(slots=True)
class Session:
    """One file of a recording. salt: what questions with secrets were hashed with."""

    redacted: bool
    salt: bytes
    started: str
    kept: dict[str, Kept] = field(default_factory=dict)


def read_recording(folder: Path) -> list[Session]:
    """Read all sessions of a folder, oldest first; unfinished or damaged lines are skipped with a warning."""
    if not folder.is_dir():
        raise UsageError(f"--replay {str(folder)!r} is no folder: name one that --record wrote.")
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        raise UsageError(f"--replay {str(folder)!r} holds no recording: name a folder that --record wrote.")
    return [_read_session(path) for path in paths]


def _read_session(path: Path) -> Session:
    skipped = 0
    session: Session | None = None
    with storing(path), path.open("rb") as lines:
        for line in lines:
            try:
                value = orjson.loads(line)
                if session is None:
                    session = _session(value, path)
                else:
                    _take(session, value)
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                skipped += 1
    if session is None:
        raise StoreError(f"{str(path)!r} is no recording of kubeshark-mcp: take it out of the folder.")
    if skipped:
        log.warning("%s: %d lines are damaged or unfinished and were skipped", path.name, skipped)
    return session


def _session(value: dict[str, Any], path: Path) -> Session:
    if value["format"] != FORMAT:
        raise StoreError(f"{str(path)!r} is no recording of kubeshark-mcp: take it out of the folder.")
    if value["version"] != VERSION:
        raise StoreError(
            f"{str(path)!r} has version {value['version']!r}, this version reads {VERSION}: use a newer kubeshark-mcp."
        )
    return Session(bool(value["redacted"]), bytes.fromhex(value["salt"]), str(value["started"]))


def _take(session: Session, value: dict[str, Any]) -> None:
    if "answer" not in value and "error" not in value:
        raise KeyError("answer")
    kept = session.kept.setdefault(value["digest"], Kept(value["method"], value["question"]))
    kept.outcomes.append(value)


def replayed(folder: Path) -> Hub:
    """Give a Hub that answers from a recording and from nothing else."""
    return ReplayHub(folder, read_recording(folder))  # type: ignore[abstract]


@answers_in_one_place
class ReplayHub(Hub):
    """Says again what another Hub said."""

    def __init__(self, folder: Path, sessions: list[Session]) -> None:
        self._folder = folder
        self._sessions = sessions
        # Marks of questions are compared by their hashes alone, so any key will do to find out whether there are some.
        self._redactor = Redactor(secrets.token_bytes(32))

    async def close(self) -> None:
        """Do nothing: a recording needs no care."""

    async def answer(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Give the recorded answer, or say that there is none."""
        outcome = await asyncio.to_thread(self._outcome, method, question(arguments))
        return restored(method, outcome["answer"])

    def _outcome(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        for session in self._sessions:
            redactor = self._redactor if session.redacted else Redactor(b"", enabled=False)
            _, digest = digest_of(method, asked, redactor, session.salt)
            if (kept := session.kept.get(digest)) is not None:
                outcome = kept.next()
                if "error" in outcome:
                    raise _error(outcome["error"])
                return outcome
        raise NotFoundError(self._not_recorded(method, asked))

    def _not_recorded(self, method: str, asked: dict[str, Any]) -> str:
        every = [kept for session in self._sessions for kept in session.kept.values()]
        alike = [kept for kept in every if kept.method == method][-_COMPARED:]
        sentence = f"This recording has no answer to {told(method, asked)}"
        if not alike:
            counts = Counter(kept.method for kept in every)
            there = ", ".join(f"{name} ({count})" for name, count in counts.most_common(8)) or "nothing"
            return f"{sentence}; it has no such question at all, only: {there}."
        wanted = told(method, asked)
        nearest = max(alike, key=lambda kept: SequenceMatcher(None, wanted, told(method, kept.question)).ratio())
        return f"{sentence}; the nearest question that it has is {told(method, nearest.question)}."

    async def status(self) -> c.Status:
        """Say what was recorded, and when."""
        count = sum(len(session.kept) for session in self._sessions)
        started = self._sessions[0].started
        try:
            found: c.Status = await self.answer("status", {})
        except NotFoundError:
            return c.Status(
                running=True,
                kind="replay",
                location=str(self._folder),
                version="",
                details={"questions": count, "recorded": started},
                next_steps=["Ask what was asked when it was recorded; nothing else can be answered."],
            )
        return found.model_copy(update={"details": {**found.details, "replay": f"recorded {started}"}})

    async def tools(self) -> HubTools:
        """Give the recorded tools; our own without."""
        try:
            found: HubTools = await self.answer("tools", {})
        except KubesharkError:
            return HubTools()
        return found

    async def prompts(self) -> list[HubPrompt]:
        """Give the recorded prompts, if any."""
        try:
            found: list[HubPrompt] = await self.answer("prompts", {})
        except KubesharkError:
            return []
        return found

    async def file_url(self, path: str) -> str:
        """Give the kept copy of a file, else where it was."""
        try:
            outcome = await asyncio.to_thread(self._outcome, "fetch_file", {"path": path})
        except KubesharkError:
            outcome = {}
        if "file" in outcome:
            return self._kept_file(outcome["file"]).resolve().as_uri()
        found: str = await self.answer("file_url", {"path": path})
        return found

    async def fetch_file(self, path: str, destination: Path) -> int:
        """Copy a file that was kept; the destination appears when it is whole."""
        outcome = await asyncio.to_thread(self._outcome, "fetch_file", {"path": path})
        if "file" not in outcome:
            raise NotFoundError(f"The recording has not kept the file {path!r}: {outcome.get('left_out', 'unknown')}.")
        return await asyncio.to_thread(_copy, self._kept_file(outcome["file"]), destination)

    def _kept_file(self, name: str) -> Path:
        found = self._folder / "files" / Path(name).name
        if not found.is_file():
            raise NotFoundError(f"The file {name!r} of the recording is gone: copy its folder as a whole.")
        return found


def _copy(source: Path, destination: Path) -> int:
    temporary = destination.with_name(f".{destination.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with storing(destination):
        try:
            shutil.copyfile(source, temporary)
            temporary.replace(destination)
        finally:
            temporary.unlink(missing_ok=True)
    return destination.stat().st_size


def _error(kept: Mapping[str, Any]) -> KubesharkError:
    kind = getattr(errors, str(kept.get("type")), HubError)
    known = isinstance(kind, type) and issubclass(kind, KubesharkError)
    made: KubesharkError = (kind if known else HubError)(str(kept.get("text")))
    return made
