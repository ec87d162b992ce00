"""edge/gateway: brings the shop's customers in. Three connections at a time; logs each request that it made."""

from __future__ import annotations

import os
import random
import threading
import uuid

from clients import CallLog, HttpClient, pause, wait_for_run

LOG = CallLog()
WORKERS = 3
PACE = float(os.environ.get("GATEWAY_PACE", "0.42"))
"""Mean seconds between two requests of a worker."""


class Customer:
    """What customers do, drawn at random: look, fill a cart, order; sometimes lost, sometimes not signed in."""

    def __init__(self, number: int) -> None:
        self.chance = random.Random(number)
        self.client = HttpClient("storefront.shop", 80, LOG, "edge-gateway/2.3", reuse=12, patience=8)
        self.actions = {
            self.home: 14, self.products: 16, self.product: 18, self.lost: 5, self.put_cart: 18, self.get_cart: 10,
            self.order: 16, self.account: 6, self.not_signed_in: 4,
        }  # fmt: skip

    def act(self) -> None:
        """Do one thing."""
        self.chance.choices(list(self.actions), list(self.actions.values()))[0]()

    def call(self, method: str, path: str, body: object = None, **headers: str) -> None:
        """Make a request with an id of its own."""
        self.client.call(
            method, path, body, {"X-Request-Id": uuid.UUID(int=self.chance.getrandbits(128)).hex, **headers}
        )

    def home(self) -> None:
        """Open the home page."""
        self.call("GET", "/")

    def products(self) -> None:
        """List the products."""
        self.call("GET", "/api/products")

    def product(self) -> None:
        """Look at a product."""
        self.call("GET", f"/api/products/{self.chance.randint(1, 40)}")

    def lost(self) -> None:
        """Look for a product that does not exist (404)."""
        self.call("GET", f"/api/products/{self.chance.randint(900, 999)}")

    def cart(self) -> str:
        """Choose one of a dozen carts."""
        return f"/api/cart/c{self.chance.randint(1, 12):03d}"

    def put_cart(self) -> None:
        """Fill a cart."""
        self.call("PUT", self.cart(), {"items": [{"product": self.chance.randint(1, 40), "count": 1}]})

    def get_cart(self) -> None:
        """Look into a cart; 404 when it was never filled."""
        self.call("GET", self.cart())

    def order(self) -> None:
        """Order; the highest amount is declined (402)."""
        cents = self.chance.choice([990, 1490, 2450, 3990, 12900, 89900])
        self.call("POST", "/api/orders", {"cart": self.cart()[-4:], "cents": cents})

    def account(self) -> None:
        """Look at an account, signed in."""
        self.call("GET", "/api/account", Authorization=f"Bearer {self.chance.getrandbits(128):032x}")

    def not_signed_in(self) -> None:
        """Look at an account without a token (401)."""
        self.call("GET", "/api/account")


def work(number: int) -> None:
    """One worker: act until the recording ends; worker 0 also fetches the daily report now and then."""
    customer = Customer(number)
    turn = 0
    while wait_for_run():
        turn += 1
        if number == 0 and turn % 16 == 5:
            customer.call("GET", "/api/reports/daily")
        else:
            customer.act()
        pause(customer.chance.uniform(0.3, 1.7) * PACE)
    customer.client.close()


if __name__ == "__main__":
    threads = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
