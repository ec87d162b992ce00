"""What most clusters of the lab have beside their own services: watchers of databases, partners outside."""

from __future__ import annotations

from evals.lab.incident import Host, Workload, job
from evals.lab.steps import answer, redis, sql, work

CODES = Host("codes.example.net", "203.0.113.20", {"GET /": [work(0.012), answer(size=180)]})
"""A partner asked over HTTP; its name makes the search domains be tried first (NXDOMAIN)."""

POST = Host("post.example.org", "203.0.113.21", {"POST /": [work(0.015), answer(202)]}, tls=True)
"""A partner asked over HTTPS."""


def exporter(cache: str, node: str = "a") -> Workload:
    """Make a metrics exporter that asks a Redis (`app.namespace`) for its counters, on one long-lived connection."""
    return job("monitoring", "exporter", node, [redis(cache, "PING"), redis(cache, "INFO", "memory")], every=5)


def digest(database: str, table: str, node: str = "a", every: float = 2.5) -> Workload:
    """Make a batch job that counts the rows of a table now and then."""
    steps = [sql(database, f"SELECT count(*), max(id) FROM {table}"), work(0.02)]  # noqa: S608
    return job("batch", "digest", node, steps, every=every, kind="Job")


def table(name: str, rows: int = 400, more: str = "") -> str:
    """Write SQL for a table of `rows` rows with id, owner, note and amount."""
    made = f"CREATE TABLE {name} (id serial PRIMARY KEY, owner text, note text, amount int DEFAULT 1);\n"
    columns = f"INSERT INTO {name} (owner, note, amount) "
    values = "SELECT 'c' || n % 40, 'Entry number ' || n, 100 + n * 7 % 900"
    return made + columns + values + f" FROM generate_series(1, {rows}) n;\n" + more
