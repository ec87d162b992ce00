"""KFL, the CEL-based filter language: text -> tree -> checked tree -> SQL, or row evaluation; the only door to celpy.

Takes text and a catalogue of fields; gives programs, or errors with positions. May import model and errors; no I/O.
"""
