"""shop/catalog: products and the daily report, from PostgreSQL."""

from __future__ import annotations

from clients import CallLog, PostgresClient
from service import Answer, Call, serve

LOG = CallLog()
DATABASE = PostgresClient("postgres.data", 5432, LOG)
REPORTS = PostgresClient("postgres.data", 5432, LOG)
"""A connection of its own, so that a long report does not keep the products waiting."""


def products(_: Call) -> Answer:
    """Answer all products."""
    rows = DATABASE.query("SELECT id, name, cents FROM products ORDER BY id LIMIT 12")
    return 200, [{"id": int(row[0] or 0), "name": row[1], "cents": int(row[2] or 0)} for row in rows]


def product(call: Call) -> Answer:
    """Answer one product, or 404."""
    if not call.tail.isdigit():
        return 400, {"error": "a product number is a whole number"}
    rows = DATABASE.query(f"SELECT id, name, cents FROM products WHERE id = {int(call.tail)}")  # noqa: S608
    if not rows:
        return 404, {"error": "no such product"}
    return 200, {"id": int(rows[0][0] or 0), "name": rows[0][1], "cents": int(rows[0][2] or 0)}


def report(_: Call) -> Answer:
    """Answer the sales of a day: a heavy query that takes its time."""
    rows = REPORTS.query("SELECT count(*), coalesce(sum(cents), 0), pg_sleep(1.4) FROM sales")
    return 200, {"sales": int(rows[0][0] or 0), "cents": int(rows[0][1] or 0)}


if __name__ == "__main__":
    serve(
        8000,
        {("GET", "/api/products"): products, ("GET", "/api/products/"): product, ("GET", "/api/reports/"): report},
        "catalog/1.9",
    )
