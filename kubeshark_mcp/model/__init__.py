"""The nouns that every room agrees on; standard library only.

packet: columns of decoded packets. stream: connections and the bytes they carry. field: KFL fields and their types.
entry: one row that KFL sees, with its evidence. workload: who had an address, and when.
Takes nothing from other rooms. To add a noun: one module here, frozen and slotted, with units in its docstrings.
"""
