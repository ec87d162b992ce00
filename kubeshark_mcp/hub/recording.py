"""Keeping what a Hub was asked and what it answered, so that an investigation can be repeated without it.

DIR/TIME-PID.jsonl: a line for the format, then one for each question: {at, ms, method, question, digest, answer or
error, file}. One write a line, appended: a killed process leaves at most one unfinished last line, which readers skip.
DIR/files/NAME: copies of fetched files. Secrets are redacted before anything is written; captures cannot be redacted,
so their bytes are kept only where secrets are to be shown anyway.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from kubeshark_mcp.errors import KubesharkError, StoreError, UsageError
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.questions import answers_in_one_place, plain, question
from kubeshark_mcp.hub.workspace import storing
from kubeshark_mcp.present.calls import CallPrinter
from kubeshark_mcp.present.fencing import clean, text_of
from kubeshark_mcp.present.redaction import Redactor
from kubeshark_mcp.present.times import Clock

FORMAT, VERSION = "kubeshark-mcp recording", 1
FILE_BYTES = 256 << 20
"""Largest file that is kept."""
FILES_BYTES = 1 << 30
"""All files of one recording."""
_NAMES = frozenset({"id", "_id", "cursor", "path", "snapshot", "database", "name", "status", "version", "url", "$time"})
"""Keys whose texts are handles of a Hub and not captured: a page could not be turned with a redacted cursor."""

log = logging.getLogger(__name__)


def recorded(hub: Hub, folder: Path, redactor: Redactor | None) -> Hub:
    """Give a Hub that answers as `hub` does and keeps a recording; without a redactor with its secrets and files."""
    return RecordingHub(hub, RecordingWriter(folder, redactor))  # type: ignore[abstract]


def digest_of(method: str, asked: Mapping[str, Any], redactor: Redactor, salt: bytes) -> tuple[dict[str, Any], str]:
    """Give a question without its secrets, and what it is found by.

    Where it has secrets, that is a slow hash (scrypt, RFC 7914), so that they cannot be guessed from the recording.
    """
    text = orjson.dumps([method, asked], option=orjson.OPT_SORT_KEYS)
    safe = _safe(asked, redactor)
    if safe == asked:
        return safe, hashlib.sha256(text).hexdigest()[:32]
    return safe, hashlib.scrypt(text, salt=salt, n=2**14, r=8, p=1, dklen=16).hex()


class RecordingWriter:
    """Appends to one recording."""

    def __init__(self, folder: Path, redactor: Redactor | None) -> None:
        self._redactor = redactor
        # Questions are hidden with the same marks whether or not answers are, so that a replay finds them.
        self._of_questions = redactor or Redactor(secrets.token_bytes(32), enabled=False)
        self._salt = secrets.token_bytes(16)
        self._files = folder / "files"
        self._kept_bytes = 0
        self._failed = False
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"--record {str(folder)!r} is a file: name a folder.")
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            started = datetime.now(UTC)
            path = folder / f"{started:%Y%m%dT%H%M%S%f}-{os.getpid()}.jsonl"
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL, 0o600)
        header = {
            "format": FORMAT,
            "version": VERSION,
            "started": started.isoformat(),
            "redacted": redactor is not None,
            "salt": self._salt.hex(),
        }
        self._append(header)

    def write(self, method: str, arguments: Mapping[str, Any], outcome: dict[str, Any], seconds: float) -> None:
        """Keep one question with its outcome: an answer, or an error."""
        safe, digest = digest_of(method, question(arguments), self._of_questions, self._salt)
        if "answer" in outcome:
            outcome = {**outcome, "answer": self._safe_answer(method, outcome["answer"])}
        line = {"at": datetime.now(UTC).isoformat(), "ms": round(seconds * 1000, 3), "method": method, "question": safe}
        self._append({**line, "digest": digest, **outcome})

    def _append(self, line: dict[str, Any]) -> None:
        if self._failed:
            return
        data = orjson.dumps(line) + b"\n"
        try:
            written = os.write(self._descriptor, data)
            if written != len(data):
                raise OSError("the disk took a part of a line only")
        except OSError as error:
            self._failed = True
            log.warning("The recording ends here, because it cannot be written (%s); answers go on.", error)

    def _safe_answer(self, method: str, answer: Any) -> Any:
        if self._redactor is None:
            return plain(answer)
        return plain(SafeAnswer(self._redactor).of(method, answer))

    def keep_file(self, path: Path) -> dict[str, Any]:
        """Copy a fetched file; gives its name in the recording, or why it was left out."""
        size = path.stat().st_size
        if self._redactor is not None:
            return {"left_out": "its packets hold the secrets that are redacted here; record with --no-redaction"}
        if size > FILE_BYTES or self._kept_bytes + size > FILES_BYTES:
            return {"left_out": f"its {size:,} bytes are more than a recording keeps"}
        self._kept_bytes += size
        with storing(self._files):
            self._files.mkdir(exist_ok=True, mode=0o700)
            name = f"{secrets.token_hex(8)}{path.suffix}"
            shutil.copyfile(path, self._files / name)
        return {"file": name}

    def close(self) -> None:
        """End the recording; it is on the disk then."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor, self._failed = -1, True


class SafeAnswer:
    """Takes secrets out of answers of a Hub."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._printer = CallPrinter(Clock(), redactor)

    def of(self, method: str, answer: Any) -> Any:
        """Give an answer without its secrets, as plain values."""
        if method == "calls":
            return {**dict(answer), "rows": [self._printer.safe_row(row) for row in answer.rows]}
        if method == "call":
            return self._detail(answer)
        if method == "field_use":
            return [
                {**dict(one), "commonest": [[self._redactor.named(one.name, text), n] for text, n in one.commonest]}
                for one in answer
            ]
        if method in {"plan_start", "plan_stop"}:
            return {**dict(answer), "command": []}  # Helm values may be secrets; the lines say the same without
        if method == "call_tool":
            return self._redactor.row({"answer": answer})["answer"]
        return _safe(plain(answer), self._redactor)

    def _detail(self, answer: Any) -> dict[str, Any]:
        safe = dict(answer)
        safe["entry"] = self._printer.safe_row(answer.entry)
        safe["connection"] = None if answer.connection is None else self._printer.safe_row(answer.connection)
        for name in ("request_body", "response_body"):
            safe[name] = self._redactor.text(clean(text_of(safe[name]))).encode()
        safe["pcap"] = None
        return safe


def _safe(value: Any, redactor: Redactor, name: str = "") -> Any:
    """Redact the texts of plain data, names of things aside."""
    if isinstance(value, str):
        return value if name in _NAMES else redactor.text(value)
    if isinstance(value, Mapping):
        return {key: _safe(item, redactor, key) for key, item in value.items()}
    return [_safe(item, redactor, name) for item in value] if isinstance(value, list) else value


@answers_in_one_place
class RecordingHub(Hub):
    """A Hub in front of another one that keeps what passes."""

    def __init__(self, hub: Hub, writer: RecordingWriter) -> None:
        self._hub = hub
        self._writer = writer

    async def answer(self, method: str, arguments: Mapping[str, Any]) -> Any:
        """Ask the other Hub and keep what it says."""
        started = time.monotonic()
        try:
            answer = await getattr(self._hub, method)(**arguments)
        except KubesharkError as error:
            outcome: dict[str, Any] = {"error": {"type": _public_type(error), "text": str(error)}}
            await self._keep(method, arguments, outcome, started)
            raise
        await self._keep(method, arguments, {"answer": answer}, started)
        return answer

    async def fetch_file(self, path: str, destination: Path) -> int:
        """Fetch a file, and keep a copy where that is allowed."""
        started = time.monotonic()
        arguments = {"path": path, "destination": destination}
        try:
            size = await self._hub.fetch_file(path, destination)
        except KubesharkError as error:
            outcome: dict[str, Any] = {"error": {"type": _public_type(error), "text": str(error)}}
            await self._keep("fetch_file", arguments, outcome, started)
            raise
        try:
            kept = await asyncio.to_thread(self._writer.keep_file, destination)
        except StoreError as error:
            kept = {"left_out": str(error)}
        await self._keep("fetch_file", arguments, {"answer": size, **kept}, started)
        return size

    async def _keep(self, method: str, arguments: Mapping[str, Any], outcome: dict[str, Any], started: float) -> None:
        seconds = time.monotonic() - started
        await asyncio.to_thread(self._writer.write, method, arguments, outcome, seconds)

    async def close(self) -> None:
        """End the recording and close the other Hub."""
        try:
            await asyncio.to_thread(self._writer.close)
        finally:
            await self._hub.close()


def _public_type(error: KubesharkError) -> str:
    """Name the class of `kubeshark_mcp.errors` that an error is of."""
    home = KubesharkError.__module__
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == home)
