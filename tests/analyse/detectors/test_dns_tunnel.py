from __future__ import annotations

import base64
import hashlib

from kubeshark_mcp.analyse.detectors.dns_tunnel import DnsTunnel
from kubeshark_mcp.analyse.findings import Component, Kind
from tests.analyse.building import T0, Call
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = DnsTunnel()


def query(at: float, name: str) -> Call:
    return Call(at, "shop/web", "kube-system/kube-dns", f"TXT {name}", "NOERROR", protocol="dns")


def tunnel(count: int) -> list[Call]:
    data = [base64.b32encode(hashlib.sha256(bytes([n])).digest()).decode().lower().rstrip("=") for n in range(count)]
    return [query(n / 5, f"{n}.{text[:40]}.c.example.net") for n, text in enumerate(data)]


def test_many_long_random_names_under_one_domain_carry_data() -> None:
    story = tunnel(60)
    (found,) = solid(DETECTOR, story)
    assert found.component == Component(Kind.WORKLOAD, "shop/web")
    assert found.title.startswith("shop/web asked for 60 different names under example.net, ")
    assert (found.onset_ns, found.facts["names"]) == (T0, 60)
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_many_short_names_and_long_cluster_names_are_normal() -> None:
    short = [query(n, f"img{n}.cdn.example.net") for n in range(60)]
    long = [query(n, f"a-very-long-service-name-number-{n}.some-namespace.svc.cluster.local") for n in range(60)]
    few = tunnel(10) * 6
    assert list(DETECTOR.detect(facts_of(short + long + few))) == []
