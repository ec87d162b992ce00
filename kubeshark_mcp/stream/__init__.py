"""Packets to byte streams: the flow table, TCP reassembly, datagrams, TCP metrics.

Takes `PacketBlock`s; gives `Window`s, `Datagram`s, `Closing`s and at the end `ConnectionStats` (model.stream). No I/O.
"""
