"""Capture files in and out: pcap and pcapng, link layers, IP, transports; BPF; the packet index.

Takes paths; gives `PacketBlock`s (model.packet). May import model and errors; the only door to cypcap.
To add a link type or a tunnel: one function in `link.py` or `tunnels.py` and its row in the table there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubeshark_mcp.capture.bpf import check_bpf
    from kubeshark_mcp.capture.export import Exported, Source, export_packets, read_packets, write_packets
    from kubeshark_mcp.capture.index import CaptureIndex, build_index, capture_bounds
    from kubeshark_mcp.capture.reader import CaptureFile, open_capture
    from kubeshark_mcp.capture.records import Interface

__all__ = [
    "CaptureFile",
    "CaptureIndex",
    "Exported",
    "Interface",
    "Source",
    "build_index",
    "capture_bounds",
    "check_bpf",
    "export_packets",
    "open_capture",
    "read_packets",
    "write_packets",
]

_HOMES = {
    "CaptureFile": "reader",
    "CaptureIndex": "index",
    "Exported": "export",
    "Interface": "records",
    "Source": "export",
    "build_index": "index",
    "capture_bounds": "index",
    "check_bpf": "bpf",
    "export_packets": "export",
    "open_capture": "reader",
    "read_packets": "export",
    "write_packets": "export",
}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: numpy is not needed to start the server."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
