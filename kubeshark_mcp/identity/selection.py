"""Which workloads a listing shows."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubeshark_mcp.errors import FilterError, UsageError
from kubeshark_mcp.model.workload import Tenure

LONGEST_PATTERN = 1000
KINDS = ("pod", "service", "node")


@dataclass(frozen=True, slots=True)
class WorkloadFilter:
    """Conditions that must all hold; what is empty does not restrict.

    name, namespace: exact. namespaces: one of them. name_regex: RE2, found anywhere in the name. labels: all of them.
    kind: `pod`, `service` or `node`. time_ns: had its address at that time. address: had this one.
    Raises FilterError for a pattern that RE2 refuses, UsageError for another wrong condition.
    """

    name: str = ""
    namespace: str = ""
    namespaces: tuple[str, ...] = ()
    name_regex: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    time_ns: int | None = None
    address: str = ""
    _search: Callable[[str], bool] = field(init=False, repr=False, compare=False, default=bool)

    def __post_init__(self) -> None:
        if self.kind and self.kind not in KINDS:
            raise UsageError(f"type {self.kind!r} is no kind of workload: use one of {', '.join(KINDS)}")
        for key, value in self.labels.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise UsageError(f"label {key!r} has the value {value!r}: give labels as text, name and value")
        if self.name_regex:
            object.__setattr__(self, "_search", searcher(self.name_regex))

    def accepts(self, tenure: Tenure) -> bool:
        """Say whether a tenure meets all conditions but that on the address."""
        workload = tenure.workload
        return (
            self.name in ("", workload.name)
            and self.namespace in ("", workload.namespace)
            and (not self.namespaces or workload.namespace in self.namespaces)
            and self.kind in ("", workload.kind)
            and (self.time_ns is None or tenure.since_ns <= self.time_ns < tenure.until_ns)
            and all(workload.labels.get(key) == value for key, value in self.labels.items())
            and (not self.name_regex or self._search(workload.name))
        )


def searcher(pattern: str) -> Callable[[str], bool]:
    """Compile a pattern to a function that says whether it is found in a name, in linear time. Raises FilterError."""
    if len(pattern) > LONGEST_PATTERN:
        raise FilterError(f"the name pattern has {len(pattern)} characters: use at most {LONGEST_PATTERN}")
    re2 = importlib.import_module("re2")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise FilterError(f"name pattern {pattern!r} is no regular expression of RE2: {text}") from None
    return lambda name: compiled.search(name) is not None
