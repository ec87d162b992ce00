"""Which workloads a listing shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.model.workload import Tenure

KINDS = ("pod", "service", "node")


@dataclass(frozen=True, slots=True)
class WorkloadFilter:
    """Conditions that must all hold; what is empty does not restrict.

    name, namespace: exact. namespaces: one of them. named: says whether a name is meant. labels: all of them.
    kind: `pod`, `service` or `node`. time_ns: had its address at that time. address: had this one.
    Raises UsageError for a wrong condition.
    """

    name: str = ""
    namespace: str = ""
    namespaces: tuple[str, ...] = ()
    named: Callable[[str], bool] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""
    time_ns: int | None = None
    address: str = ""

    def __post_init__(self) -> None:
        if self.kind and self.kind not in KINDS:
            raise UsageError(f"type {self.kind!r} is no kind of workload: use one of {', '.join(KINDS)}")
        for key, value in self.labels.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise UsageError(f"label {key!r} has the value {value!r}: give labels as text, name and value")

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
            and (self.named is None or self.named(workload.name))
        )
