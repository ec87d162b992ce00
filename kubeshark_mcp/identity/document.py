"""Parsed JSON that is read by name, with errors that say where something is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kubeshark_mcp.errors import UsageError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Document:
    """A JSON object within a document. path: where it is, as a person writes it (`items[3].spec`).

    What is absent or null reads as empty; what has the wrong type raises UsageError.
    """

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            raise wrong(path, value, "an object")
        self.value = value
        self.path = path

    def text(self, name: str) -> str:
        """Give a text."""
        found = self.value.get(name)
        if found is None or isinstance(found, str):
            return found or ""
        raise wrong(self._at(name), found, "a text")

    def number(self, name: str) -> int:
        """Give a whole number, 0 when there is none."""
        found = self.value.get(name)
        if found is None:
            return 0
        if isinstance(found, int) and not isinstance(found, bool):
            return found
        raise wrong(self._at(name), found, "a whole number")

    def flag(self, name: str) -> bool:
        """Give whether something is set."""
        found = self.value.get(name)
        if found is None or isinstance(found, bool):
            return bool(found)
        raise wrong(self._at(name), found, "true or false")

    def child(self, name: str) -> Document:
        """Give an object inside this one."""
        found = self.value.get(name)
        return Document({} if found is None else found, self._at(name))

    def children(self, name: str) -> list[Document]:
        """Give the objects of a list."""
        return [Document(item, f"{self._at(name)}[{index}]") for index, item in enumerate(self._list(name))]

    def texts(self, name: str) -> list[str]:
        """Give the texts of a list."""
        found = self._list(name)
        for index, item in enumerate(found):
            if not isinstance(item, str):
                raise wrong(f"{self._at(name)}[{index}]", item, "a text")
        return found

    def mapping(self, name: str) -> dict[str, str]:
        """Give an object whose values are all texts, such as labels."""
        found = self.child(name)
        return {str(key): found.text(key) for key in found.value}

    def time_ns(self, name: str) -> int:
        """Give an RFC 3339 time in Unix nanoseconds UTC, 0 when there is none."""
        found = self.text(name)
        if not found:
            return 0
        try:
            moment = datetime.fromisoformat(found)
        except ValueError:
            raise wrong(self._at(name), found, "a time such as 2026-01-31T09:30:00Z") from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0, (moment - _EPOCH) // timedelta(microseconds=1) * 1000)

    def _list(self, name: str) -> list[Any]:
        found = self.value.get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise wrong(self._at(name), found, "a list")
        return found

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def wrong(path: str, found: object, wanted: str) -> UsageError:
    """Make the error that says what is where and what should be there."""
    shown = repr(found)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    where = path or "the document"
    return UsageError(
        f"Kubernetes objects: {where} is {shown}, not {wanted}: give what `kubectl get "
        "pods,services,endpointslices,nodes -A -o json` prints"
    )
