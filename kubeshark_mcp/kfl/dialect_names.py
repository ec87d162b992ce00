"""Names of other filter languages -> KFL fields. Source: Wireshark's display filter reference."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a foreign name means.

    fields: the KFL fields; more than one when either may match. scale: factor from the foreign unit to ours (ms -> us).
    test: a whole KFL condition, for names that are flags there and conditions here.
    """

    fields: tuple[str, ...] = ()
    scale: int = 1
    test: str = ""


def _one(field: str) -> Meaning:
    return Meaning((field,))


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
    "dns.qry.type": _one("dns_question_types"),
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
    "radius.code": _one("radius_code"),
    "websocket.opcode": _one("ws_opcode"),
    "websocket": _one("ws"),
    "pgsql": _one("postgresql"),
    "mongo": _one("mongodb"),
    "ssl": _one("tls"),
    "http2": _one("http"),
    "frame.time": _one("timestamp"),
}

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
