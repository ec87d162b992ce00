"""The MCP server with one thing broken, as its first argument says: `percentile` or `page`."""

from __future__ import annotations

import dataclasses
import sys

from kubeshark_mcp.store import query, statistics


def break_percentile():
    """Every percentile is the median."""
    statistics.PERCENTILES = tuple((name, 0.5) for name, _ in statistics.PERCENTILES)


def break_page():
    """A page begins a second after the one before ended."""
    right = query.write_cursor

    def write_cursor(position, fingerprint):
        return right(dataclasses.replace(position, timestamp=position.timestamp + 10**9), fingerprint)

    query.write_cursor = write_cursor


if __name__ == "__main__":
    {"percentile": break_percentile, "page": break_page, "nothing": lambda: None}[sys.argv.pop(1)]()
    from kubeshark_mcp.cli import main

    main()
