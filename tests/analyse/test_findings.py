from __future__ import annotations

from kubeshark_mcp.analyse.findings import Component, Confidence, Kind


def test_a_component_is_written_as_answers_do() -> None:
    assert str(Component(Kind.WORKLOAD, "shop/cart")) == "shop/cart"
    assert str(Component(Kind.EDGE, "shop/cart", "data/redis")) == "shop/cart -> data/redis"


def test_confidence_has_an_order() -> None:
    assert Confidence.HIGH.weight > Confidence.MEDIUM.weight > Confidence.LOW.weight
