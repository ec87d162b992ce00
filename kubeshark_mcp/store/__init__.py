"""Entries as Parquet, queried by DuckDB; the only door to duckdb and pyarrow.

Takes entries with their identities; gives rows, counts and percentiles. May import model and errors.
"""
