"""shop/orders: carts and orders, kept in Redis, paid through payments, booked in PostgreSQL."""

from __future__ import annotations

import json
import threading

from clients import CallLog, HttpClient, PostgresClient, RedisClient, RedisError
from service import Answer, Call, serve

LOG = CallLog()
STORE = RedisClient("redis.data", 6379, LOG)
SALES = PostgresClient("postgres.data", 5432, LOG)
LOCAL = threading.local()
UNAVAILABLE: Answer = (503, {"error": "temporarily unavailable"})


def payments() -> HttpClient:
    """Return this thread's client of the payments service."""
    if not hasattr(LOCAL, "payments"):
        LOCAL.payments = HttpClient("payments", 80, LOG, "orders/4.2", reuse=4)
    client: HttpClient = LOCAL.payments
    return client


def put_cart(call: Call) -> Answer:
    """Store a cart for a quarter of an hour."""
    try:
        STORE.call("SET", f"cart:{call.tail}", json.dumps(call.body), "EX", 900)
    except RedisError:
        return UNAVAILABLE
    return 200, {"cart": call.tail}


def get_cart(call: Call) -> Answer:
    """Answer a cart, or 404."""
    value = STORE.call("GET", f"cart:{call.tail}")
    return (404, {"error": "no such cart"}) if value is None else (200, json.loads(bytes(value)))  # type: ignore[call-overload]


def account(call: Call) -> Answer:
    """Answer the account of whoever is signed in."""
    if not call.token.startswith("Bearer "):
        return 401, {"error": "sign in first"}
    session = STORE.call("GET", f"session:{call.token[7:15]}")
    return 200, {"customer": session.decode() if isinstance(session, bytes) else "guest"}


def post_order(call: Call) -> Answer:
    """Place an order: number it, store it, have it paid, book it."""
    body = call.body if isinstance(call.body, dict) else {}
    cents = int(body.get("cents", 0))
    try:
        number = int(STORE.call("INCR", "orders:number"))  # type: ignore[call-overload]
        STORE.call("HSET", f"order:{number}", "cents", cents, "state", "placed")
    except RedisError:
        return UNAVAILABLE
    status, _ = payments().call("POST", "/charges", {"order": number, "cents": cents}, call.onward())
    if status != 201:
        return 402 if status == 402 else 502, {"error": "payment failed"}
    SALES.query(f"INSERT INTO sales (number, cents) VALUES ({number}, {cents})")  # noqa: S608
    return 201, {"order": number}


if __name__ == "__main__":
    serve(
        8000,
        {
            ("PUT", "/api/cart/"): put_cart,
            ("GET", "/api/cart/"): get_cart,
            ("GET", "/api/account"): account,
            ("POST", "/api/orders"): post_order,
        },
        "orders/4.2",
    )
