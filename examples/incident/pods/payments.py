"""shop/payments: charges cards; asks a host outside the cluster for exchange rates now and then."""

from __future__ import annotations

import threading
import uuid

from clients import CallLog, HttpClient
from service import Answer, Call, serve

LOG = CallLog()
RATES = HttpClient("rates.example.net", 80, LOG, "payments/2.0", reuse=1)
LOCK = threading.Lock()
COUNT = [0]


def charge(call: Call) -> Answer:
    """Charge a card; every fifth charge looks up the rate of the day. Amounts above the limit are declined."""
    body = call.body if isinstance(call.body, dict) else {}
    with LOCK:
        COUNT[0] += 1
        if COUNT[0] % 5 == 0:
            RATES.call("GET", "/v1/latest?base=EUR")
    if int(body.get("cents", 0)) > 50_000:
        return 402, {"error": "declined"}
    return 201, {"charge": uuid.uuid4().hex}


if __name__ == "__main__":
    serve(8000, {("POST", "/charges"): charge}, "payments/2.0")
