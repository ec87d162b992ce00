"""Decode a packet header by header: for all that the columnar path of `decode` does not know."""

from __future__ import annotations

from kubeshark_mcp.capture import link, network, transport, tunnels
from kubeshark_mcp.capture.layer import Handler, Layer, Next, Packet

MOST_LAYERS = 48
"""Headers read of one packet: no real one has more, and a hostile one must end."""

TABLES: dict[Layer, dict[int, Handler]] = {
    Layer.LINK: link.LINKS,
    Layer.ETHERTYPE: {**link.ETHERTYPES, **network.ETHERTYPES, **tunnels.ETHERTYPES},
    Layer.PROTOCOL: {**network.PROTOCOLS, **transport.PROTOCOLS, **tunnels.PROTOCOLS},
    Layer.UDP_PORT: tunnels.UDP_PORTS,
}


def decode_packet(packet: Packet, link_type: int, offset: int) -> None:
    """Read the headers of `packet` from `offset` on and leave in it what the innermost IP packet says."""
    step: Next | None = Next(Layer.LINK, link_type, offset)
    for _ in range(MOST_LAYERS):
        if step is None:
            return
        handler = TABLES[step.layer].get(step.number)
        if handler is None:
            if step.layer is Layer.ETHERTYPE and step.number <= link.LONGEST_LENGTH:
                handler = link.logical_link
            elif step.layer is Layer.PROTOCOL:
                handler = transport.portless
            else:
                return
        step = handler(packet, step.offset)
