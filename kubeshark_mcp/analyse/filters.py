"""KFL that selects what detectors speak of: the calls of a workload, of an edge, of a kind of endpoint."""

from __future__ import annotations

import json
from ipaddress import ip_address

from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Edge

SIDES = ("src", "dst")
"""The side of the client and the side of the server, as KFL names them."""


def text(value: str) -> str:
    """Write a text as a KFL literal."""
    return json.dumps(value, ensure_ascii=False)


def both(*filters: str) -> str:
    """Join filters with `&&`; empty ones are left out."""
    return " && ".join(f"({one})" if _is_open(one) else one for one in filters if one)


def either(*filters: str) -> str:
    """Join filters with `||`."""
    return " || ".join(filters)


def _is_open(kfl: str) -> bool:
    """Tell whether a filter has an `||` outside of parentheses and texts."""
    depth, quoted, before = 0, False, ""
    for sign in kfl:
        if sign == '"' and before != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (sign in "([") - (sign in ")]")
            if sign == before == "|" and not depth:
                return True
        before = "" if before == sign == "\\" else sign
    return False


def one_of(field: str, values: list[str] | tuple[str, ...]) -> str:
    """Select entries whose field has one of these texts."""
    if len(values) == 1:
        return f"{field} == {text(values[0])}"
    return f"{field} in [{', '.join(text(value) for value in values)}]"


def side_filter(facts: Facts, side: str, label: str) -> str:
    """Select the entries at whose `side` (`src` or `dst`) a label of `facts.calls` stands.

    A service by its name and namespace; a workload without one by its pods; what is outside by DNS name or address.
    """
    if side not in SIDES:
        raise ValueError(f"A side is 'src' or 'dst', not {side!r}.")
    namespace, slash, name = label.partition("/")
    if not slash:
        return f"{side}.{'ip' if _is_address(label) else 'dns'} == {text(label)}"
    service = f"{side}.service.name == {text(name)} && {side}.service.namespace == {text(namespace)}"
    if any(one.name == label for one in facts.services) or facts.count(service):
        return service
    pods = pods_of(facts, label)
    if pods:
        return f"{side}.pod.namespace == {text(namespace)} && {one_of(f'{side}.pod.name', pods)}"
    return f"{side}.name == {text(name)} && {side}.namespace == {text(namespace)}"


def pods_of(facts: Facts, label: str) -> list[str]:
    """Give the names (without namespace) of a workload's pods: those seen in calls or connections, and known ones."""
    found = {pod.name for pod in facts.pods if pod.workload == label}
    for table in (facts.calls, facts.connections):
        found |= set(table.client_pod.taken(table.client.equal(label)).counts())
        found |= set(table.server_pod.taken(table.server.equal(label)).counts())
    return sorted(name.partition("/")[2] for name in found if name)


def pod_filter(side: str, pod: str) -> str:
    """Select the entries at whose `side` a pod (`namespace/pod`) stands."""
    namespace, _, name = pod.partition("/")
    return f"{side}.pod.name == {text(name)} && {side}.pod.namespace == {text(namespace)}"


def edge_filter(facts: Facts, edge: Edge) -> str:
    """Select the entries between two workloads, of the edge's protocol where it names one."""
    protocol = f"protocol == {text(edge.protocol)}" if edge.protocol else ""
    client = side_filter(facts, "src", edge.client) if edge.client else ""
    return both(protocol, client, side_filter(facts, "dst", edge.server))


def _is_address(label: str) -> bool:
    try:
        ip_address(label)
    except ValueError:
        return False
    return True
