"""The service of the sightings recording: answers by path; every second call to /flaky is refused."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "incident" / "pods"))

from service import Answer, Call, serve

TURN = itertools.count()


def item(call: Call) -> Answer:
    """Answer with some hundred bytes, or 404."""
    if call.tail == "missing":
        return 404, {"error": "no such item"}
    return 200, {"item": call.tail, "text": "lorem ipsum dolor sit amet " * 3}


def flaky(_: Call) -> Answer:
    """Refuse every second call, whoever makes it."""
    return (503, {"error": "busy"}) if next(TURN) % 2 == 0 else (200, {"done": True})


def store(call: Call) -> Answer:
    """Say what arrived."""
    return 201, {"stored": call.tail}


if __name__ == "__main__":
    serve(8000, {("GET", "/items/"): item, ("POST", "/flaky"): flaky, ("PUT", "/items/"): store}, "web/1.0")
