from __future__ import annotations

import base64
import json

from kubeshark_mcp.analyse.detectors.authentication_failure import AuthenticationFailure, _expiry
from kubeshark_mcp.analyse.findings import Component, Confidence, Edge, Kind
from tests.analyse.building import T0, Call
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = AuthenticationFailure()


def token(expiry: float) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "x"}, {"exp": expiry})
    ]
    return f"Bearer {parts[0]}.{parts[1]}.c2lnbmF0dXJl"


def calls(count: int, status: str = "200", since: float = 0, headers: dict | None = None) -> list[Call]:
    kfl = {"request.headers": headers or {}}
    return [Call(since + n, "shop/orders", "shop/cart", status=status, kfl=kfl) for n in range(count)]


def test_credentials_that_stop_being_accepted_have_an_onset() -> None:
    story = calls(30) + calls(20, "401", since=30)
    (found,) = solid(DETECTOR, story)
    assert (found.component, found.confidence) == (Component(Kind.EDGE, "shop/orders", "shop/cart"), Confidence.HIGH)
    assert (found.onset_ns, found.score) == (T0 + 30 * 10**9, 1.0)
    assert found.title == "shop/cart refuses the credentials of shop/orders: 20 of 50 http calls (401)"
    assert found.affected == (Edge("shop/orders", "shop/cart", "http"),)
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_an_expired_token_is_told_by_its_age_and_never_shown() -> None:
    bearer = token(T0 / 1e9 + 25)
    story = calls(25, headers={"authorization": bearer}) + calls(15, "401", since=26, headers={"authorization": bearer})
    (found,) = solid(DETECTOR, story)
    assert found.title.endswith("; their tokens had expired up to 15 s before")
    assert bearer[7:20] not in repr(found)


def test_people_who_mistype_their_passwords_are_normal() -> None:
    story = [Call(n, "edge/gate", "shop/cart", status="401" if n % 5 == 0 else "200") for n in range(100)]
    assert list(DETECTOR.detect(facts_of(story))) == []


def test_databases_refuse_in_their_own_words() -> None:
    refused = {
        "redis": {"redis_error": "WRONGPASS invalid"}, "postgresql": {"postgresql_error_code": "28P01"},
        "mysql": {"mysql_error_code": 1045}, "mongodb": {"mongodb_error_code": 18},
    }  # fmt: skip
    for protocol, kfl in refused.items():
        story = [Call(n, "shop/orders", "data/db", status="ERR", protocol=protocol, kfl=kfl) for n in range(12)]
        (found,) = solid(DETECTOR, story)
        assert (found.component.peer, found.confidence, found.onset_ns) == ("data/db", Confidence.MEDIUM, None)


def test_tokens_that_are_none_have_no_expiry() -> None:
    for value in ("", "Basic abc", "Bearer x", "Bearer a.b.c", "Bearer a.!!.c", "Bearer " + "a" * 9000 + ".b.c"):
        assert _expiry({"authorization": value}) is None
    assert _expiry("text") is None
