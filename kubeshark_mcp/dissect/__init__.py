"""Bytes in, entries out: which protocol a connection speaks, its messages, and requests paired with responses.

Takes windows, datagrams and closings (model.stream); gives entries (model.entry).
May import model and errors only; does no I/O.
To add a protocol: one file in `protocols/`, a class derived from `base.Protocol`; nothing else to edit.
"""
