"""A GraphQL shop for the recordings: `python gql_server.py PORT`; strawberry behind uvicorn, and an ordinary search."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from typing import Any

import strawberry
import uvicorn
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig


@strawberry.type
class Item:
    """What is sold."""

    sku: str
    name: str
    price: float


@strawberry.type
class Cart:
    """What somebody is about to buy."""

    id: strawberry.ID
    items: list[Item]


ITEMS = [Item(sku=str(number), name=f"Item {number}", price=number * 1.25) for number in range(40)]


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    def items(self, first: int = 3) -> list[Item]:
        """Give the first items."""
        return ITEMS[:first]

    @strawberry.field
    def cart(self, id: strawberry.ID) -> Cart:
        """Give a cart."""
        if id == "404":
            raise GraphQLError("no such cart", extensions={"code": "NOT_FOUND"})
        return Cart(id=id, items=ITEMS[:2])

    @strawberry.field
    def broken(self) -> str | None:
        """Fail, and leave the rest of the answer alone."""
        raise RuntimeError("the warehouse does not answer")


@strawberry.type
class Mutation:
    """What can be changed."""

    @strawberry.mutation
    def add_to_cart(self, cart: strawberry.ID, sku: str) -> Cart:
        """Put an item into a cart."""
        return Cart(id=cart, items=[ITEMS[int(sku)]])


@strawberry.type
class Subscription:
    """What can be followed."""

    @strawberry.subscription
    async def prices(self, count: int = 3) -> AsyncGenerator[float, None]:
        """Give a price now and then."""
        for number in range(count):
            yield number * 1.5
            await asyncio.sleep(0.01)

    @strawberry.subscription
    async def doomed(self) -> AsyncGenerator[int, None]:
        """Give one number, then fail."""
        yield 1
        raise GraphQLError("the feed has ended", extensions={"code": "FEED_ENDED"})


async def search(request: Request) -> JSONResponse:
    """Answer a search whose body looks a little like GraphQL."""
    return JSONResponse({"data": [], "asked": await request.json()})


def main(port: int) -> None:
    """Serve until the process ends."""
    schema = strawberry.Schema(
        Query, Mutation, Subscription, config=StrawberryConfig(batching_config={"max_operations": 10})
    )
    graphql: Any = GraphQL(schema, allow_queries_via_get=True, multipart_uploads_enabled=True)
    application = Starlette(
        routes=[
            Route("/api/search", search, methods=["POST"]),
            WebSocketRoute("/graphql", graphql),
            Mount("/graphql", graphql),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=600)],
    )
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="critical", ws="websockets-sansio")


if __name__ == "__main__":
    main(int(sys.argv[1]))
