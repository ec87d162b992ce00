"""Values of a Hub's JSON, read with patience: a missing or odd one becomes its default, never an exception."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from kubeshark_mcp.hub.contract import JobStatus
from kubeshark_mcp.hub.contract_remote import UnknownShapeError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_000
"""Unix milliseconds of the end of the year 9999."""
_STATUS = {
    "ready": JobStatus.COMPLETED,
    "complete": JobStatus.COMPLETED,
    "done": JobStatus.COMPLETED,
    "succeeded": JobStatus.COMPLETED,
    "success": JobStatus.COMPLETED,
    "active": JobStatus.RUNNING,
    "queued": JobStatus.PENDING,
    "created": JobStatus.PENDING,
    "creating": JobStatus.IN_PROGRESS,
    "canceled": JobStatus.CANCELLED,
    "stopped": JobStatus.CANCELLED,
    "error": JobStatus.FAILED,
    "errored": JobStatus.FAILED,
}


def first(record: Mapping[str, Any], *names: str) -> Any:
    """Give the first of these keys that holds something; None without any."""
    return next((record[name] for name in names if record.get(name) is not None), None)


def text(value: Any) -> str:
    """Give a text; numbers as they are written, everything else as empty."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def number(value: Any) -> int:
    """Give a whole number, 0 for what is none."""
    found = real(value)
    return 0 if found is None else int(found)


def real(value: Any) -> float | None:
    """Give a finite number, also one written as text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def flag(value: Any) -> bool | None:
    """Give a truth value, also one written as text or in an object; None for what is none."""
    if isinstance(value, Mapping):
        return flag(first(value, "enabled", "dissection_enabled", "active"))
    if isinstance(value, str):
        return {"true": True, "on": True, "enabled": True, "false": False, "off": False, "disabled": False}.get(
            value.lower()
        )
    return value if isinstance(value, bool) else None


def moment(value: Any) -> datetime | None:
    """Give a time: Unix milliseconds (seconds, micro- or nanoseconds by their size), or RFC 3339; 0 is none."""
    found = real(value)
    if found is not None:
        for scale, above in ((1e6, 1e17), (1e3, 1e14), (1, 1e11), (1e-3, 0)):
            if found > above:
                milliseconds = found / scale
                return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds < _LATEST else None
        return None
    if not isinstance(value, str) or not value or len(value) > 64:
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def job_status(value: Any) -> JobStatus:
    """Give the state of a job; an unknown word counts as running."""
    word = text(value).strip().lower().replace("-", "_")
    if word in _STATUS:
        return _STATUS[word]
    return JobStatus(word) if word in set(JobStatus) else JobStatus.RUNNING


def record(value: Any) -> dict[str, Any]:
    """Give an object, empty for what is none."""
    return value if isinstance(value, dict) else {}


def records(value: Any) -> list[dict[str, Any]]:
    """Give the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def texts(value: Any) -> list[str]:
    """Give the texts of a list; of objects their name or message."""
    if isinstance(value, str):
        return [value] if value else []
    if not isinstance(value, list):
        return []
    named = (first(one, "name", "message", "error") if isinstance(one, dict) else one for one in value)
    return [found for one in named if (found := text(one))]


def labels(value: Any) -> dict[str, str]:
    """Give an object of texts."""
    return {text(key): text(item) for key, item in value.items()} if isinstance(value, dict) else {}


def listed(answer: Any, tool: str, *names: str) -> list[dict[str, Any]]:
    """Give the objects of an answer: under one of these keys, or the answer itself. None for null: nothing found."""
    if answer is None:
        return []
    if isinstance(answer, list):
        return _only_objects(answer, answer, tool)
    if isinstance(answer, dict):
        for name in names:
            if name in answer:
                return _only_objects(answer[name] or [], answer, tool)
    raise unknown(answer, tool, f"no {' or '.join(names)} in it")


def _only_objects(value: Any, answer: Any, tool: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise unknown(answer, tool, "no list of objects")
    return value


def one_of(answer: Any, tool: str, needed: Sequence[str]) -> dict[str, Any]:
    """Give an object that has at least one of the needed keys."""
    if isinstance(answer, dict) and any(answer.get(name) is not None for name in needed):
        return answer
    raise unknown(answer, tool, f"without {' or '.join(needed)}")


def unknown(answer: Any, tool: str, why: str) -> UnknownShapeError:
    """Give the error for an answer of another shape than the contract's."""
    return UnknownShapeError(
        f"The Hub's {tool} answered in a shape that is not known here ({why}); its version may be newer or older "
        "than this server. Its answer follows as it is.",
        answer,
    )


def warnings(answer: Any) -> list[str]:
    """Give the warnings that an answer carries."""
    return texts(record(answer).get("warnings"))


def unwrapped(answer: Any) -> Any:
    """Take a result out of an envelope that holds nothing else: `{"result": ...}` or `{"data": ...}`."""
    if isinstance(answer, dict) and len(answer) == 1:
        for name in ("result", "data"):
            if name in answer:
                return answer[name]
    return answer


def ordered(values: Iterable[datetime | None]) -> list[datetime]:
    """Give the times that there are, in order."""
    return sorted(value for value in values if value is not None)


@contextmanager
def reading(tool: str, answer: Any = None) -> Iterator[None]:
    """Turn what can still go wrong with a strange answer into the error that shows it."""
    try:
        yield
    except (ValidationError, OverflowError, RecursionError) as error:
        raise unknown(answer, tool, type(error).__name__) from None
