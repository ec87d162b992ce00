"""Entries as Parquet, queried by DuckDB; the only door to duckdb and pyarrow.

Takes entries with the places of their connections (`writer`), makes one entry of the sightings of a call (`sightings`,
the last step of a dissection), and answers with rows, counts and percentiles (`query`). Files are never changed once
they have their names, so any number of processes read them. May import model and errors.

To add a column that every entry has: a field in `model.common_fields`, filled by the hub's places or, if it follows
from the entry alone, in `batch`; an internal one also in `columns`. A new question to entries is a method of
`query.EntrySource`. Nothing here knows KFL: conditions arrive as SQL with parameters.
"""

from os import environ

# The other allocators of Arrow keep what was freed, tens of megabytes of it, apart from what the rest can use. Arrow
# looks at this once, when it is loaded.
environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
