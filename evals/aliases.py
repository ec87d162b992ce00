"""Which names of a cluster mean one component: a service, and the only workload behind it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

Names = Mapping[str, str]
"""`namespace/service` to `namespace/workload`, in lower case."""


def names_of(folder: Path) -> Names:
    """Read the names of an incident's `resources.json`; none where there is no such file."""
    path = folder / "resources.json"
    return names_in(orjson.loads(path.read_bytes())["items"]) if path.exists() else {}


def names_in(objects: list[dict[str, Any]]) -> Names:
    """Map each service whose selector finds the pods of one workload, and only these, to that workload."""
    pods = [each for each in objects if each.get("kind") == "Pod"]
    found: dict[str, str] = {}
    for service in objects:
        selector = service.get("spec", {}).get("selector") if service.get("kind") == "Service" else None
        if not selector:
            continue
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        behind = {
            workload_of(pod)
            for pod in pods
            if pod["metadata"]["namespace"] == namespace
            and selector.items() <= pod["metadata"].get("labels", {}).items()
        }
        if len(behind) == 1:
            found[f"{namespace}/{name}".lower()] = f"{namespace}/{behind.pop()}".lower()
    return found


def workload_of(pod: dict[str, Any]) -> str:
    """Name what a pod was made by: its Deployment rather than its ReplicaSet; itself if nobody made it."""
    owners = pod["metadata"].get("ownerReferences", [])
    if not owners:
        return str(pod["metadata"]["name"])
    name = str(owners[0]["name"])
    tail = pod["metadata"].get("labels", {}).get("pod-template-hash", "")
    return name.removesuffix(f"-{tail}") if tail else name
