from __future__ import annotations

from kubeshark_mcp.analyse.detectors.metadata_access import MetadataAccess
from kubeshark_mcp.analyse.findings import Component, Confidence, Kind
from tests.analyse.building import T0, Call, Connection
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = MetadataAccess()
AT = {"server_address": "169.254.169.254", "outside": True}


def story(path: str) -> list[Call | Connection]:
    return [
        Connection(3, "shop/web", "169.254.169.254", **AT),
        Call(3.1, "shop/web", "169.254.169.254", f"GET {path}", **AT),
        Connection(4, "shop/web", "shop/cart"),
    ]


def test_a_request_for_credentials_is_sure() -> None:
    told = story("/latest/meta-data/iam/security-credentials/node")
    (found,) = solid(DETECTOR, told)
    assert (found.component, found.confidence) == (Component(Kind.WORKLOAD, "shop/web"), Confidence.HIGH)
    assert found.title == (
        "shop/web connected 1 times to the cloud's metadata address, 1 requests for credentials, 1 of them answered"
    )
    assert found.onset_ns == T0 + 3 * 10**9
    assert_claims_hold(DETECTOR, told)
    assert_same_verdicts(DETECTOR, told)


def test_a_request_for_something_else_is_less_sure_and_other_addresses_are_nothing() -> None:
    (found,) = solid(DETECTOR, story("/latest/meta-data/placement/zone"))
    assert found.confidence is Confidence.MEDIUM
    assert list(DETECTOR.detect(facts_of([Connection(0, "shop/web", "shop/cart")]))) == []
