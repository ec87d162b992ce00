"""The GraphQL recordings: strawberry behind uvicorn; one small capture, and one log a case by the client.

Needs the Python packages `strawberry-graphql`, `uvicorn`, `starlette` and `websockets`, which only the recorder uses.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import capture, server

PORT = 8000
Log = list[dict[str, Any]]
GET_CART = "query GetCart($id: ID!) { cart(id: $id) { ...Lines } } fragment Lines on Cart { id items { sku } }"
ADD = "mutation AddToCart($sku: String!) { added: addToCart(cart: 7, sku: $sku) { id } }"


def asked(kind: str, name: str = "", *fields: str) -> dict[str, Any]:
    """Say what an operation is."""
    return {"type": kind, "name": name, "fields": list(fields)}


def queries(log: Log) -> None:
    """Queries by POST and GET: named, anonymous, one of several, compressed, and answers that are compressed."""
    from gql_client import Http

    talk = Http(PORT, log)
    talk.post({"query": GET_CART, "variables": {"id": "7"}}, asked("query", "GetCart", "cart"))
    talk.post({"query": "{ items { sku } cart(id: 1) { id } }"}, asked("query", "", "items", "cart"))
    several = "query First { items { sku } } query Second { all: items(first: 9) { name price } }"
    talk.post({"operationName": "Second", "query": several}, asked("query", "Second", "items"))
    inline = "# the shop\nquery Shop { ... on Query { items { sku } } ...More } "
    inline += "fragment More on Query { cart(id: 3) { id } }"
    talk.post({"query": inline, "variables": None}, asked("query", "Shop", "items", "cart"))
    talk.post(
        {"query": "query Many { items(first: 40) { sku name price } }"}, asked("query", "Many", "items"),
        **{"Accept-Encoding": "gzip"},
    )  # fmt: skip
    by_address = {"query": "query ByAddress { items { sku } }", "operationName": "ByAddress"}
    talk.get(by_address, asked("query", "ByAddress", "items"))
    talk.get({"query": '{ cart(id: "9") { id items { name } } }'}, asked("query", "", "cart"))
    talk.close()


def mutations(log: Log) -> None:
    """Changes, with variables and with values in the text, and by a multipart request."""
    from gql_client import Http

    talk = Http(PORT, log)
    add = asked("mutation", "AddToCart", "addToCart")
    talk.post({"operationName": "AddToCart", "variables": {"sku": "5"}, "query": ADD}, add)
    talk.post(
        {"query": 'mutation { a: addToCart(cart: 1, sku: "2") { id } b: addToCart(cart: 2, sku: "3") { id } }'},
        asked("mutation", "", "addToCart"),
    )
    operations = json.dumps({"query": ADD, "variables": {"sku": "1"}})
    body = f'--border\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{operations}\r\n'
    body += '--border\r\nContent-Disposition: form-data; name="map"\r\n\r\n{}\r\n--border--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=border"}
    talk.send("POST", "/graphql/", body.encode(), headers, add)
    talk.close()


def batches(log: Log) -> None:
    """Several operations in one request, one of which fails."""
    from gql_client import Http

    talk = Http(PORT, log)
    pair = [{"query": GET_CART, "variables": {"id": "1"}}, {"query": ADD, "variables": {"sku": "4"}}]
    both = {"type": "query, mutation", "name": "GetCart, AddToCart", "fields": ["cart", "addToCart"], "operations": 2}
    talk.post(pair, both)
    failing = [{"query": GET_CART, "variables": {"id": "404"}}, {"query": "{ items { sku } }"}]
    talk.post(failing, {**asked("query", "GetCart", "cart", "items"), "operations": 2})
    talk.post([{"query": "{ items { sku } }"}], {**asked("query", "", "items"), "operations": 1})
    talk.close()


def errors(log: Log) -> None:
    """Errors beside data, errors with a code, and documents that the server refuses."""
    from gql_client import Http

    talk = Http(PORT, log)
    talk.post({"query": "query Half { items { sku } broken }"}, asked("query", "Half", "items", "broken"))
    talk.post({"query": GET_CART, "variables": {"id": "404"}}, asked("query", "GetCart", "cart"))
    talk.post({"query": "query Wrong { nothing { here } }"}, asked("query", "Wrong", "nothing"))
    talk.post({"query": GET_CART, "variables": {}}, asked("query", "GetCart", "cart"))
    two = "query Two { a: broken b: broken }"
    talk.post({"query": two}, asked("query", "Two", "broken"))
    talk.close()


def others(log: Log) -> None:
    """JSON that has a query and is no GraphQL, before a request that is."""
    from gql_client import Http

    talk = Http(PORT, log)
    for query in ({"match": {"name": "lamp"}}, "SELECT * FROM items", "red lamp", "query", "", "{}", None, ["{a}"]):
        talk.post({"query": query, "size": 10}, {}, "/api/search")
    talk.post({"query": "{ items { sku } }"}, asked("query", "", "items"))
    talk.close()


async def _follow(log: Log, subprotocol: str, begin: str, end: str) -> None:
    from gql_client import Messages
    from websockets.asyncio.client import connect

    prices = "subscription Prices($count: Int!) { prices(count: $count) }"
    async with connect(f"ws://127.0.0.1:{PORT}/graphql", subprotocols=[subprotocol], ping_interval=None) as chat:
        talk = Messages(chat, log)
        await talk.send({"type": "connection_init", "payload": {"lang": "en"}})
        await talk.until("connection_ack")
        for number, (document, variables, what) in enumerate((
            (prices, {"count": 3}, asked("subscription", "Prices", "prices")),
            ("subscription { doomed }", {}, asked("subscription", "", "doomed")),
            (GET_CART, {"id": "5"}, asked("query", "GetCart", "cart")),
            ("{ broken }", {}, asked("query", "", "broken")),
            ("subscription Wrong { nothing }", {}, asked("subscription", "Wrong", "nothing")),
        ), 1):  # fmt: skip
            payload = {"query": document, "variables": variables}
            await talk.send({"id": f"op-{number}", "type": begin, "payload": payload}, what)
            await talk.until("complete", "error")
        what = asked("subscription", "Prices", "prices")
        await talk.send({"id": "long", "type": begin, "payload": {"query": prices, "variables": {"count": 500}}}, what)
        await talk.until("next", "data")
        await talk.send({"id": "long", "type": end})


def subscriptions(log: Log) -> None:
    """graphql-transport-ws: subscriptions, queries, errors, and one that the client ends."""
    asyncio.run(_follow(log, "graphql-transport-ws", "subscribe", "complete"))


def subscriptions_legacy(log: Log) -> None:
    """The same in the older subprotocol, graphql-ws."""
    asyncio.run(_follow(log, "graphql-ws", "start", "stop"))


CASES: tuple[Callable[[Log], None], ...] = (
    queries, mutations, batches, errors, others, subscriptions, subscriptions_legacy,
)  # fmt: skip


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/gql`."""
    folder = out / "gql"
    folder.mkdir(parents=True, exist_ok=True)
    program = (sys.executable, str(Path(__file__).with_name("gql_server.py")), str(PORT))
    with server(*program, port=PORT):
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", f"tcp port {PORT}"):
                case(log)
            told = {"about": (case.__doc__ or "").strip(), "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(told, indent=1) + "\n")
