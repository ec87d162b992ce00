"""rates.example.net: exchange rates, on a host outside the cluster."""

from __future__ import annotations

from service import Answer, Call, serve


def latest(_: Call) -> Answer:
    """Answer the rates of the day."""
    return 200, {"base": "EUR", "rates": {"USD": 1.0873, "GBP": 0.8421, "CHF": 0.9362}}


if __name__ == "__main__":
    serve(80, {("GET", "/v1/latest"): latest}, "rates")
