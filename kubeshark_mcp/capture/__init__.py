"""Capture files in and out: pcap and pcapng, link layers, IP, transports; BPF; the packet index.

Takes paths; gives `PacketBlock`s (model.packet). May import model and errors; the only door to cypcap.
To add a link type or a tunnel: one function in `link.py` or `tunnels.py` and its row in the table there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubeshark_mcp.capture.reader import CaptureFile, open_capture

__all__ = ["CaptureFile", "open_capture"]

_HOMES = {"CaptureFile": "reader", "open_capture": "reader"}


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for: numpy is not needed to start the server."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
