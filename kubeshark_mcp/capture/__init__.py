"""Capture files in and out: pcap and pcapng, link layers, IP, transports; BPF; the packet index.

Takes paths; gives `PacketBlock`s (model.packet). May import model and errors; the only door to cypcap.
To add a link type or a tunnel: one function in `link.py` or `tunnels.py` and its row in the table there.
"""
