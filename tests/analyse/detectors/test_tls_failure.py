from __future__ import annotations

from kubeshark_mcp.analyse.detectors.tls_failure import TlsFailure
from kubeshark_mcp.analyse.findings import Component, Kind
from tests.analyse.building import T0, Call
from tests.analyse.mutations import assert_claims_hold, assert_same_verdicts, facts_of, solid

DETECTOR = TlsFailure()


def handshakes(count: int, since: float = 0, alert: str = "", **kfl) -> list[Call]:
    told = {"tls_request_size": 300, "tlsx_complete": not alert} | kfl
    return [
        Call(since + n, "shop/web", "shop/cart", "hello", alert or "OK", protocol="tlsx", failed=bool(alert), kfl=told)
        for n in range(count)
    ]


def test_handshakes_that_begin_to_fail_are_told_with_what_the_alert_means() -> None:
    story = handshakes(15) + handshakes(15, since=15, alert="unknown_ca")
    (found,) = solid(DETECTOR, story)
    assert (found.component, found.onset_ns) == (Component(Kind.WORKLOAD, "shop/cart"), T0 + 15 * 10**9)
    assert found.title == (
        "15 of 30 TLS handshakes of shop/web with shop/cart failed: the client does not trust who issued the server's "
        "certificate (unknown_ca)"
    )
    assert_claims_hold(DETECTOR, story)
    assert_same_verdicts(DETECTOR, story)


def test_a_certificate_that_had_expired_is_the_reason_whatever_the_alert_says() -> None:
    (found,) = solid(DETECTOR, handshakes(5, alert="bad_certificate", tlsx_certificate_expired=True))
    assert "the server's certificate has expired" in found.title


def test_a_client_that_gives_up_now_and_then_is_nothing() -> None:
    assert list(DETECTOR.detect(facts_of(handshakes(60) + handshakes(4, since=10.5, alert="bad_certificate")))) == []


def test_an_alert_that_tls_1_3_hides_is_told_as_what_it_mostly_is() -> None:
    (found,) = solid(DETECTOR, handshakes(6, alert="encrypted alert"))
    assert found.title.endswith("mostly over a certificate that it refuses (encrypted alert)")


def test_the_alert_entry_beside_its_handshake_is_not_counted_again() -> None:
    story = handshakes(6, alert="unknown_ca") + handshakes(6, since=0.1, alert="unknown_ca", tls_request_size=0)
    (found,) = solid(DETECTOR, story)
    assert found.title.startswith("6 of 6 TLS handshakes")
