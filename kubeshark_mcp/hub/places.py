"""What an entry knows of where it was: addresses, capture, node and identities; found once for each connection."""

from __future__ import annotations

import zlib
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.identity.table import IdentityTable
from kubeshark_mcp.model.stream import Connection
from kubeshark_mcp.model.workload import Identity

CONNECTIONS_A_CAPTURE = 1 << 32
"""Connections get numbers that are unique over all captures of a run: capture * this + transport * 2^29 + number."""
_CACHED = 10_000
"""Pairs of ends that are remembered."""
_TRANSPORTS = {"tcp": 0, "udp": 1, "sctp": 2, "icmp": 3}


class Places:
    """Gives the common fields of a connection's entries. `source` and `target` are those of the capture in work."""

    def __init__(self, sources: list[CaptureSource], identities: IdentityTable) -> None:
        self._sources = sources
        self._identities = identities
        self._common: dict[tuple[int, int, int | str, int | str], tuple[dict[str, Any], Identity, Identity]] = {}

    def __call__(self, connection: Connection, time_ns: int) -> Mapping[str, Any]:
        """Give KFL field name -> value; what is unknown is left out.

        A ChainMap: first what this connection alone has, then what all of the same ends have in common, one object.
        """
        client, server = connection.client, connection.server
        src = self._identities.resolve(client.address, client.port, time_ns)
        dst = self._identities.resolve(server.address, server.port, time_ns)
        common = self._common_of(connection.capture, connection.point, src, dst)
        transport = _TRANSPORTS.get(connection.transport, 0)
        number = connection.capture * CONNECTIONS_A_CAPTURE + (transport << 29) + connection.number
        flow = flow_number(connection)
        own = {
            "src.ip": client.address,
            "dst.ip": server.address,
            "src.port": client.port,
            "dst.port": server.port,
            "stream": str(connection.number),
            "conn_id": number,
            "conn_group_id": number,
            "flow_id": flow,
            "flow_group_id": flow,
        }
        return ChainMap(own, common)

    def _common_of(self, capture: int, point: int, src: Identity, dst: Identity) -> dict[str, Any]:
        key = (capture, point, _key(src), _key(dst))
        found = self._common.get(key)
        if found is None:
            if len(self._common) >= _CACHED:
                self._common.clear()
            # The identities are kept with it, so that no other object gets their ids.
            found = self._common[key] = self._of_ends(capture, point, src, dst), src, dst
        return found[0]

    def _of_ends(self, capture: int, point: int, src: Identity, dst: Identity) -> dict[str, Any]:
        source = self._sources[capture]
        node_ip = self._identities.node_address(source.node)
        values: dict[str, Any] = {
            "has_pcap": True,
            "worker": source.node,
            "node_id": source.node,
            "node_name": source.node,
            "node_ip": node_ip,
            "node": {"name": source.node, "ip": node_ip},
            "capture_source": "pcap",
            "capture_backend": "file",
            "capture": {"file": source.path.name, "node": source.node, "interface": str(point)},
            **_directional("src", src),
            **_directional("dst", dst),
            **_relative("local", src),
            **_relative("remote", dst),
            "namespaces": _distinct(src.namespace, src.service_namespace, dst.namespace, dst.service_namespace),
            "pods": _distinct(src.pod, dst.pod),
            "services": _distinct(src.service, dst.service),
            "dns_resolutions": _distinct(src.dns, dst.dns),
        }
        return {name: value for name, value in values.items() if value not in ("", [], {})}


def flow_number(connection: Connection) -> int:
    """Give a stable number of (client address, server address, server port, transport)."""
    text = f"{connection.client.address}>{connection.server.address}:{connection.server.port}/{connection.transport}"
    data = text.encode()
    return zlib.crc32(data) << 31 | zlib.crc32(data[::-1]) >> 1


def _key(identity: Identity) -> int | str:
    """Tell identities apart cheaply: those of the cluster are few lasting objects, of others only the name is known."""
    return id(identity) if identity.status == "resolved" else identity.dns


def _directional(side: str, identity: Identity) -> dict[str, Any]:
    return {
        f"{side}.pod.name": identity.pod,
        f"{side}.pod.namespace": identity.pod_namespace,
        f"{side}.service.name": identity.service,
        f"{side}.service.namespace": identity.service_namespace,
        f"{side}.name": identity.name,
        f"{side}.namespace": identity.namespace,
        f"{side}.dns": identity.dns,
    }


def _relative(side: str, identity: Identity) -> dict[str, Any]:
    return {
        f"{side}_labels": dict(identity.labels),
        f"{side}_annotations": dict(identity.annotations),
        f"{side}_node_name": identity.node,
        f"{side}_resolution_status": identity.status,
    }


def _distinct(*values: str) -> list[str]:
    return list(dict.fromkeys(value for value in values if value))
