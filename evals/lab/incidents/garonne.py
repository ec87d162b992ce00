"""A freight forwarder with an old customs client; one day the customs office wants a newer protocol."""

from __future__ import annotations

from evals.lab.casts import CODES, custom, town
from evals.lab.incident import Claim, Host, Incident, Witnessed, call, http_service, load
from evals.lab.logs import Calls, Logs
from evals.lab.running import Lab
from evals.lab.steps import answer, http, work
from evals.lab.truth import Cause, Fact, Wrong

OFFICE = "tariffs.example.org"
TARIFFS = Host(OFFICE, "203.0.113.30", {"GET /": [work(0.008), answer(size=300)]}, tls=True)


def fault(lab: Lab) -> None:
    """Let the customs office take TLS 1.3 only."""
    lab.renew(OFFICE, oldest="TLSv1_3")


def broken(logs: Logs) -> Calls:
    """Return the calls that ended in the handshake."""
    return logs.of("customs", "http").matching(error="SSL|TLS|ssl")


INCIDENT = Incident(
    name="garonne",
    title="Shipments abroad cannot be declared any more",
    workloads=(
        *town("freight", "quay", ("customs", "loads"), "ships", "bills", "clock", "manifest", "berth", "abbaabba"),
        load(
            "edge",
            "gateway",
            "b",
            "quay.freight",
            [*custom("ships", "bills", "17c0de"), call(3, "GET", "/customs/{1-50}"), call(2, "GET", "/loads/{1-30}")],
        ),
        http_service(
            "freight",
            "customs",
            "a",
            {
                "GET /customs": [
                    http(OFFICE, "/v2/tariffs/{n}", tls=True, reuse=3, tls_at_most="TLSv1_2"),
                    answer(size=300),
                ]
            },
        ),
        http_service(
            "freight",
            "loads",
            "b",
            {"GET /loads": [http(OFFICE, "/v2/codes/{n}", tls=True, reuse=3, share=0.6), answer(size=500)]},
        ),
    ),
    hosts=(CODES, TARIFFS),
    seconds=22,
    fault_at=8,
    fault=fault,
    onset=broken,
    cause=Cause(component=OFFICE, mechanism="tls_failure"),
    accept=(Cause(component="freight/customs", mechanism="tls_failure"),),
    chain=(OFFICE, "freight/customs", "freight/quay", "edge/gateway"),
    facts=(
        Fact(says="customs offers TLS 1.2 at most.", match=(r"customs", r"1\.2")),
        Fact(says="The office refuses that with the alert protocol_version.", match=(r"protocol[_ ]version",)),
    ),
    claims=(
        Claim(
            'tlsx && dst.ip == "$tariffs_example_org" && tlsx_alert == "protocol_version"'
            ' && tlsx_summary.startsWith("alert")',
            "handshakes that the office refused because of the version",
            lambda logs: len(broken(logs)),
            tshark=Witnessed("node-a", "tls.alert_message.desc == 70 && ip.src == $tariffs_example_org"),
        ),
        Claim(
            'http && status_code == 502 && dst.pod.name.startsWith("customs-")',
            "declarations that failed because of that",
            lambda logs: len(broken(logs)),
            tshark=Witnessed("node-a", "http.response.code == 502 && ip.src == $customs"),
        ),
        Claim(
            'tlsx && dst.ip == "$tariffs_example_org" && src.ip == "$loads" && tlsx_version == 772',
            "loads speaks TLS 1.3 with the same office, all the time",
            (4, None),
        ),
        Claim("http && status_code == 404", "unknown ships, all the time", (3, None)),
    ),
    must_not_claim=(
        Wrong(
            component="freight/customs", mechanism="error_burst", why="Its 502 are those of the office's handshakes."
        ),
        Wrong(component="freight/loads", why="It speaks the newer version and is well."),
        Wrong(component="kube-system/dns", why="NXDOMAIN for search domains is normal."),
    ),
)
