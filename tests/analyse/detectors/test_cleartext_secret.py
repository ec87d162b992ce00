from __future__ import annotations

from kubeshark_mcp.analyse.detectors.cleartext_secret import CleartextSecret
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import Call
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of

DETECTOR = CleartextSecret()
BASIC = {"request.headers": {"authorization": "Basic dXNlcjpzZWNyZXQ="}}


def test_a_password_that_leaves_the_cluster_is_a_finding_and_one_inside_a_hint() -> None:
    outside = [Call(n, "shop/web", "api.example.net", outside=True, kfl=BASIC) for n in range(3)]
    inside = [Call(n, "shop/web", "data/redis", protocol="redis", kfl={"redis_command": "AUTH"}) for n in range(2)]
    found = {one.component.peer: one for one in DETECTOR.detect(facts_of(outside + inside))}
    assert found["api.example.net"].confidence is Confidence.MEDIUM
    assert found["api.example.net"].component == Component(Kind.EDGE, "shop/web", "api.example.net")
    assert found["data/redis"].confidence is Confidence.LOW
    assert "c2VjcmV0" not in repr(found)
    assert_claims_hold(DETECTOR, outside + inside)
    assert_same_verdicts(DETECTOR, outside)


def test_a_password_inside_tls_is_fine() -> None:
    assert list(DETECTOR.detect(facts_of([Call(0, "a/b", "x.net", outside=True, kfl={**BASIC, "tls": True})]))) == []
