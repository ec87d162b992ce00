"""What an entry knows of where it was: addresses, capture, node and identities; found once for each connection."""

from __future__ import annotations

import zlib
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.identity.table import IdentityTable, key_of
from kubeshark_mcp.model.entry_columns import Coded, Column, ConnectionColumns, Numbers
from kubeshark_mcp.model.stream import Connection
from kubeshark_mcp.model.workload import Identity
from kubeshark_mcp.store.place_columns import PlaceColumns

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

    def columns(self, connections: ConnectionColumns, times: NDArray[np.int64]) -> PlaceColumns:
        """Give the same of many connections at once, each at its own time; ends and flows are looked at once each."""
        addresses = connections.addresses
        sources, src = self._identities.resolve_many(
            addresses, connections.client_address, connections.client_port, times
        )
        servers, dst = self._identities.resolve_many(
            addresses, connections.server_address, connections.server_port, times
        )
        where, codes = _distinct_rows(connections.capture, connections.point, src, dst)
        shared = [
            self._common_of(capture, point, sources[source], servers[server])
            for capture, point, source, server in zip(*(part.tolist() for part in where), strict=True)
        ]
        return PlaceColumns(shared, codes, _own_of(connections))

    def _common_of(self, capture: int, point: int, src: Identity, dst: Identity) -> dict[str, Any]:
        key = (capture, point, key_of(src), key_of(dst))
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


def _own_of(connections: ConnectionColumns) -> dict[str, Column]:
    """Give what each connection alone has, but what it tells itself."""
    transport = _TRANSPORTS.get(connections.transport, 0)
    numbers = Numbers(connections.capture * CONNECTIONS_A_CAPTURE + (transport << 29) + connections.number)
    streams = Coded(list(map(str, connections.number.tolist())), np.arange(len(connections), dtype=np.int32))
    first, flows = connections.flows()
    ends = zip(
        connections.client_address[first].tolist(),
        connections.server_address[first].tolist(),
        connections.server_port[first].tolist(),
        strict=True,
    )
    addresses = connections.addresses
    of_flows = [
        _flow_number(addresses[client], addresses[server], port, connections.transport) for client, server, port in ends
    ]
    flow = Numbers(np.array(of_flows, np.int64)[flows])
    return {"stream": streams, "conn_id": numbers, "conn_group_id": numbers, "flow_id": flow, "flow_group_id": flow}


def _distinct_rows(*parts: NDArray[Any]) -> tuple[list[NDArray[Any]], NDArray[np.int32]]:
    """Give the distinct rows of columns of small numbers, and which of them each row is."""
    codes = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        values, found = np.unique(part, return_inverse=True)
        codes = codes * len(values) + found
        _, codes = np.unique(codes, return_inverse=True)
    _, first = np.unique(codes, return_index=True)
    return [part[first] for part in parts], codes.astype(np.int32)


def flow_number(connection: Connection) -> int:
    """Give a stable number of (client address, server address, server port, transport)."""
    client, server = connection.client, connection.server
    return _flow_number(client.address, server.address, server.port, connection.transport)


def _flow_number(client: str, server: str, port: int, transport: str) -> int:
    data = f"{client}>{server}:{port}/{transport}".encode()
    return zlib.crc32(data) << 31 | zlib.crc32(data[::-1]) >> 1


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
