"""The fields that filters may use, by name, and the nearest of them to a name that is not one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubeshark_mcp.kfl.suggest import Names
from kubeshark_mcp.model.field import Field


class Catalogue:
    """All fields by name. A name that is declared twice must have the same type both times; the first one stays."""

    def __init__(self, fields: Iterable[Field]) -> None:
        self._fields: dict[str, Field] = {}
        for field in fields:
            known = self._fields.setdefault(field.name, field)
            if known.type is not field.type:
                message = f"the field {field.name} is declared as {known.type.value} and as {field.type.value}"
                raise ValueError(message)
        self._names: Names | None = None

    def __iter__(self) -> Iterator[Field]:
        return iter(self._fields.values())

    def __len__(self) -> int:
        return len(self._fields)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def get(self, name: str) -> Field | None:
        """Give the field of exactly this name, or None."""
        return self._fields.get(name)

    def names(self) -> tuple[str, ...]:
        """Give all names in the order of declaration."""
        return tuple(self._fields)

    def below(self, prefix: str) -> tuple[str, ...]:
        """Give the names that continue `prefix` after a dot: `src.pod` -> `src.pod.name`, `src.pod.namespace`."""
        return tuple(name for name in self._fields if name.startswith(f"{prefix}."))

    def suggest(self, name: str) -> str | None:
        """Give the field that was probably meant by a name that is none: by meaning, else by spelling; or None."""
        if self._names is None:
            self._names = Names(self._fields.values())
        return self._names.nearest(name)
