"""Names of other filter languages -> KFL fields. Source: Wireshark's display filter reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a foreign name means.

    fields: the KFL fields; more than one when either may match. scale: factor from the foreign unit to ours (ms -> us).
    test: a whole KFL condition, for names that are flags there and conditions here.
    values: what is a number there and a name here; a number that it does not have has no translation.
    """

    fields: tuple[str, ...] = ()
    scale: int = 1
    test: str = ""
    values: Mapping[str, str] | None = None


def _one(field: str) -> Meaning:
    return Meaning((field,))


_DNS_TYPES = {
    "1": "A", "2": "NS", "5": "CNAME", "6": "SOA", "12": "PTR", "15": "MX", "16": "TXT", "28": "AAAA", "33": "SRV",
    "64": "SVCB", "65": "HTTPS", "252": "AXFR", "255": "ANY",
}  # fmt: skip
_DNS_RCODES = {"0": "NOERROR", "1": "FORMERR", "2": "SERVFAIL", "3": "NXDOMAIN", "4": "NOTIMP", "5": "REFUSED"}
_WS_OPCODES = {"0": "continuation", "1": "text", "2": "binary", "8": "close", "9": "ping", "10": "pong"}


_ANY_IP = Meaning(("src.ip", "dst.ip"))
_ANY_PORT = Meaning(("src.port", "dst.port"))
_SECONDS = Meaning(("elapsed_time",), 1_000_000)
_MILLISECONDS = Meaning(("elapsed_time",), 1_000)

WIRESHARK: dict[str, Meaning] = {
    "http.response.code": _one("status_code"),
    "http.request.method": _one("method"),
    "http.request.uri": _one("url"),
    "http.request.uri.path": _one("path"),
    "http.request.full_uri": _one("url"),
    "http.request": Meaning(test="http"),
    "http.response": Meaning(test="status_code > 0"),
    "http.request.version": _one("http_version"),
    "http.host": _one('request.headers["host"]'),
    "http.user_agent": _one('request.headers["user-agent"]'),
    "http.content_type": _one('response.headers["content-type"]'),
    "http.authorization": _one('request.headers["authorization"]'),
    "http.time": _SECONDS,
    "http2.headers.path": _one("path"),
    "http2.headers.status": _one("status_code"),
    "http2.headers.method": _one("method"),
    "ip.addr": _ANY_IP,
    "ip.host": _ANY_IP,
    "ip.src": _one("src.ip"),
    "ip.dst": _one("dst.ip"),
    "ipv6.addr": _ANY_IP,
    "ipv6.src": _one("src.ip"),
    "ipv6.dst": _one("dst.ip"),
    "tcp.port": _ANY_PORT,
    "udp.port": _ANY_PORT,
    "tcp.srcport": _one("src.port"),
    "tcp.dstport": _one("dst.port"),
    "udp.srcport": _one("src.port"),
    "udp.dstport": _one("dst.port"),
    "dns.qry.name": _one("dns_questions"),
    "dns.qry.type": Meaning(("dns_question_types",), values=_DNS_TYPES),
    "dns.flags.rcode": Meaning(("dns_rcode",), values=_DNS_RCODES),
    "dns.a": _one("dns_answers"),
    "dns.aaaa": _one("dns_answers"),
    "dns.resp.name": _one("dns_answers"),
    "dns.flags.response": _one("dns_response"),
    "dns.time": _SECONDS,
    "tls.handshake.extensions_server_name": _one("tlsx_sni"),
    "ssl.handshake.extensions_server_name": _one("tlsx_sni"),
    "tls.handshake.ciphersuite": _one("tlsx_cipher_suite"),
    "kafka.api_key": _one("kafka_api_key"),
    "kafka.client_id": _one("kafka_client_id"),
    "redis.command": _one("redis_command"),
    "mysql.query": _one("mysql_query"),
    "mysql.command": _one("mysql_command"),
    "mysql.error_code": _one("mysql_error_code"),
    "pgsql.query": _one("postgresql_query"),
    "grpc.status_code": _one("grpc_status"),
    "amqp.method.method": _one("amqp_method"),
    "icmp.type": _one("icmp_type_number"),
    "icmp.code": _one("icmp_code"),
    "icmpv6.type": _one("icmp_type_number"),
    "tcp.analysis.retransmission": Meaning(test="tcp_retransmissions > 0"),
    "tcp.analysis.fast_retransmission": Meaning(test="tcp_fast_retransmissions > 0"),
    "tcp.analysis.out_of_order": Meaning(test="tcp_out_of_order > 0"),
    "tcp.analysis.duplicate_ack": Meaning(test="tcp_dup_acks > 0"),
    "tcp.analysis.zero_window": Meaning(test="tcp_zero_window_events > 0"),
    "tcp.analysis.keep_alive": Meaning(test="tcp_keepalive_count > 0"),
    "tcp.analysis.lost_segment": Meaning(test="tcp_missing_segments > 0"),
    "tcp.flags.reset": Meaning(test="tcp_rst_count > 0"),
    "tcp.flags.fin": Meaning(test="tcp_fin_count > 0"),
    "tls.alert_message.desc": _one("tlsx_alert_code"),
    "websocket.opcode": Meaning(("ws_opcode",), values=_WS_OPCODES),
    "websocket": _one("ws"),
    "pgsql": _one("postgresql"),
    "mongo": _one("mongodb"),
    "ssl": _one("tls"),
    "frame.time": _one("timestamp"),
}

LAYERS = frozenset({"tcp", "udp", "ip", "eth", "frame"})
"""Names that mean a layer of a packet there; `tcp` and `udp` are about other things here."""

OLDER_KFL: dict[str, Meaning] = {
    "response.status": _one("status_code"),
    "response.statusCode": _one("status_code"),
    "response.code": _one("status_code"),
    "response.latency": _MILLISECONDS,
    "latency": _MILLISECONDS,
    "elapsedTime": _MILLISECONDS,
    "response.elapsedTime": _MILLISECONDS,
    "request.path": _one("path"),
    "request.url": _one("url"),
    "request.method": _one("method"),
    "request.command": _one("redis_command"),
    "request.query": _one("query_string"),
    "src.ns": _one("src.namespace"),
    "dst.ns": _one("dst.namespace"),
    "src.pod": _one("src.pod.name"),
    "dst.pod": _one("dst.pod.name"),
    "src.service": _one("src.service.name"),
    "dst.service": _one("dst.service.name"),
    "src.svc": _one("src.service.name"),
    "dst.svc": _one("dst.service.name"),
    "proto.name": _one("protocol"),
    "protocol.name": _one("protocol"),
    "graphql": _one("gql"),
}
