"""The kinds of fault that a finding can name: one vocabulary for detectors, answers, truths and evals."""

from __future__ import annotations

from enum import StrEnum


class Mechanism(StrEnum):
    """How something went wrong. The values appear in answers; they are stable."""

    ERROR_BURST = "error_burst"
    LATENCY_SHIFT = "latency_shift"
    NO_RESPONSE = "no_response"
    SLOW_EXTERNAL = "slow_external"
    POOL_EXHAUSTION = "pool_exhaustion"
    LOCK_CONTENTION = "lock_contention"
    BAD_REPLICA = "bad_replica"
    CONNECTION_REFUSED = "connection_refused"
    SILENT_DROP = "silent_drop"
    CONNECTION_RESET = "connection_reset"
    PACKET_LOSS = "packet_loss"
    MTU_BLACK_HOLE = "mtu_black_hole"
    RECEIVER_STALL = "receiver_stall"
    DNS_NAME_MISSING = "dns_name_missing"
    DNS_SEARCH_STORM = "dns_search_storm"
    DNS_RESOLVER_SLOW = "dns_resolver_slow"
    DNS_TUNNEL = "dns_tunnel"
    RETRY_AMPLIFICATION = "retry_amplification"
    FAN_OUT_GROWTH = "fan_out_growth"
    CACHE_FAILURE = "cache_failure"
    AUTHENTICATION_FAILURE = "authentication_failure"
    GRPC_DEADLINE = "grpc_deadline"
    TLS_FAILURE = "tls_failure"
    BROKER_CONSUMER_STALLED = "broker_consumer_stalled"
    ROLLOUT_REGRESSION = "rollout_regression"
    PORT_SCAN = "port_scan"
    METADATA_ACCESS = "metadata_access"
    CLEARTEXT_SECRET = "cleartext_secret"
    REDIRECT_LOOP = "redirect_loop"
    OVERSIZED_PAYLOAD = "oversized_payload"
    RATE_LIMITED = "rate_limited"
    NOISY_NEIGHBOUR = "noisy_neighbour"
    STALE_DATA = "stale_data"


MEANINGS: dict[Mechanism, str] = {
    Mechanism.ERROR_BURST: "an endpoint began to answer with errors of its own making",
    Mechanism.LATENCY_SHIFT: "an endpoint became slow by itself: its own calls stayed fast",
    Mechanism.NO_RESPONSE: "requests reach a server that never answers them",
    Mechanism.SLOW_EXTERNAL: "a peer outside the cluster became slow or silent",
    Mechanism.POOL_EXHAUSTION: "callers wait for a free connection or worker: calls in flight stand at a ceiling",
    Mechanism.LOCK_CONTENTION: "statements wait for each other: the same work takes long only while another holds it",
    Mechanism.BAD_REPLICA: "one pod of several behaves unlike its siblings",
    Mechanism.CONNECTION_REFUSED: "nobody listens on that address and port",
    Mechanism.SILENT_DROP: "packets of one pair vanish on the way: SYN after SYN without an answer",
    Mechanism.CONNECTION_RESET: "established connections are cut by RST, by the peer or by something between",
    Mechanism.PACKET_LOSS: "segments are lost on a node or path and sent again",
    Mechanism.MTU_BLACK_HOLE: "small packets pass and large ones vanish",
    Mechanism.RECEIVER_STALL: "a receiver stops reading: its window is zero",
    Mechanism.DNS_NAME_MISSING: "a name that resolved before, or that a caller depends on, no longer does",
    Mechanism.DNS_SEARCH_STORM: "search domains multiply the look-ups of one name",
    Mechanism.DNS_RESOLVER_SLOW: "the resolver answers late, with failures, or not at all",
    Mechanism.DNS_TUNNEL: "data leaves inside DNS names",
    Mechanism.RETRY_AMPLIFICATION: "failed calls are repeated so often that the repeats are the load",
    Mechanism.FAN_OUT_GROWTH: "one call causes more calls than before (N+1)",
    Mechanism.CACHE_FAILURE: "a cache stopped serving or storing, and what is behind it bears the load",
    Mechanism.AUTHENTICATION_FAILURE: "credentials are no longer accepted",
    Mechanism.GRPC_DEADLINE: "gRPC calls end at their deadline",
    Mechanism.TLS_FAILURE: "TLS handshakes fail: certificate, version or suite",
    Mechanism.BROKER_CONSUMER_STALLED: "messages are published but no longer consumed",
    Mechanism.ROLLOUT_REGRESSION: "a new version behaves worse than the one before",
    Mechanism.PORT_SCAN: "one source tries many ports or hosts",
    Mechanism.METADATA_ACCESS: "a workload asks the cloud's metadata address",
    Mechanism.CLEARTEXT_SECRET: "credentials travel unencrypted",
    Mechanism.REDIRECT_LOOP: "answers redirect in a circle",
    Mechanism.OVERSIZED_PAYLOAD: "messages grew far beyond what they were, or beyond a limit",
    Mechanism.RATE_LIMITED: "a limit refuses calls that the server could answer",
    Mechanism.NOISY_NEIGHBOUR: "one client takes so much that the others suffer",
    Mechanism.STALE_DATA: "answers are out of date: a cache or clock lags",
}
"""One line each, for answers and documentation."""
