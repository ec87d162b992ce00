"""Who had an address, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FOREVER_NS = 2**63 - 1
"""End of an interval that has not ended."""


@dataclass(frozen=True, slots=True)
class Workload:
    """A pod, service or node as Kubernetes names it. kind: `pod`, `service` or `node`."""

    name: str
    namespace: str
    kind: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    node: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Tenure:
    """A workload had an address from one time to another (Unix nanoseconds UTC, end excluded)."""

    address: str
    workload: Workload
    since_ns: int = 0
    until_ns: int = FOREVER_NS
    source: str = "kubernetes"


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of one end of a connection at one time; empty text and mappings where nothing is.

    name, namespace: of the pod, else of the service. status: `resolved`, `dns` (a DNS name only) or `unresolved`.
    """

    pod: str = ""
    pod_namespace: str = ""
    service: str = ""
    service_namespace: str = ""
    name: str = ""
    namespace: str = ""
    node: str = ""
    dns: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    status: str = "unresolved"
