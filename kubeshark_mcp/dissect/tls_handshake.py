"""One handshake as its messages tell it, and the entry that is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from kubeshark_mcp.dissect import wire_tls as wire
from kubeshark_mcp.dissect import wire_tls_names as n
from kubeshark_mcp.dissect.buffer import join
from kubeshark_mcp.dissect.wire_tls_certificate import Certificate, read_certificate
from kubeshark_mcp.dissect.wire_tls_fingerprints import ja3, ja3s, ja4
from kubeshark_mcp.dissect.wire_tls_suites import forward_secret, suite_name, suite_weaknesses
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Direction, Span

SMALL_PRIME = 2048
"""Bits that a Diffie-Hellman prime needs at least (RFC 9325 section 4.4)."""
KNOWN = 1000
"""Certificates, and kinds of clients, that are remembered."""


class Memory:
    """What was worked out before: the same clients and servers say the same again and again."""

    def __init__(self) -> None:
        self._certificates: dict[bytes, Certificate] = {}
        self._clients: dict[tuple[object, ...], ClientTraits] = {}
        self._servers: dict[tuple[object, ...], ServerTraits] = {}

    def certificate(self, der: bytes) -> Certificate:
        """Read a certificate, or remember it."""
        found = self._certificates.get(der)
        if found is None:
            found = self._certificates[der] = read_certificate(der)
            if len(self._certificates) > KNOWN:
                del self._certificates[next(iter(self._certificates))]
        return found

    def client(self, hello: wire.Hello, *, dtls: bool) -> ClientTraits:
        """Tell a client by what its hellos have in common."""
        contents = tuple(hello.extension(number) for number in _TRAITS)
        key = (dtls, hello.version, hello.suites, tuple([number for number, _ in hello.extensions]), contents)
        found = self._clients.get(key)
        if found is None:
            known = bool(hello.random) and hello.raw[:1] == b"\x01"
            found = self._clients[key] = ClientTraits(
                tuple(map(suite_name, hello.suites)),
                tuple(map(n.version_name, wire.offered_versions(hello))),
                tuple(wire.protocol_names(hello.extension(n.ALPN) or b"")),
                ja3(hello) if known else "",
                ja4(hello, transport="d" if dtls else "t") if known else "",
            )
            if len(self._clients) > KNOWN:
                del self._clients[next(iter(self._clients))]
        return found

    def server(self, hello: wire.Hello) -> ServerTraits:
        """Tell a server by what its hellos have in common."""
        version = wire.chosen_version(hello)
        numbers = tuple([number for number, _ in hello.extensions])
        key = (version, hello.version, hello.suites, numbers, bool(hello.random))
        found = self._servers.get(key)
        if found is None:
            found = self._servers[key] = _server_traits(version, hello)
            if len(self._servers) > KNOWN:
                del self._servers[next(iter(self._servers))]
        return found


@dataclass(frozen=True, slots=True)
class ClientTraits:
    """What is the same in all hellos of one program: names of suites and versions, protocols, fingerprints."""

    suites: tuple[str, ...]
    versions: tuple[str, ...]
    protocols: tuple[str, ...]
    ja3: str
    ja4: str


@dataclass(frozen=True, slots=True)
class ServerTraits:
    """What is the same in all hellos of one server to one kind of client.

    version: the one that was chosen; said: by name. info: version and suite. weaknesses: of both. fields: those of KFL
    that follow; not to be changed.
    """

    version: int
    said: str
    info: str
    weaknesses: tuple[str, ...]
    fields: dict[str, object]


def _server_traits(version: int, hello: wire.Hello) -> ServerTraits:
    said = n.version_name(version)
    weaknesses = [n.version_weakness(version)]
    values: dict[str, object] = {"tlsx_version": version}
    if hello.random:
        values["tlsx_ja3s"] = ja3s(hello)
    if hello.suites:
        suite = hello.suites[0]
        weaknesses += suite_weaknesses(suite)
        values |= {"tlsx_cipher_suite": suite, "tlsx_cipher": suite_name(suite)}
        values["tlsx_forward_secrecy"] = forward_secret(suite)
    info = " ".join([said, *map(suite_name, hello.suites[:1])])
    return ServerTraits(version, said, info, tuple(reason for reason in weaknesses if reason), values)


_TRAITS = (n.SUPPORTED_GROUPS, n.POINT_FORMATS, n.SIGNATURE_ALGORITHMS, n.ALPN, n.SUPPORTED_VERSIONS)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert (RFC 8446 section 6)."""

    level: int
    code: int
    direction: Direction

    @property
    def name(self) -> str:
        """Give its registered name."""
        return n.alert_name(self.code)

    @property
    def failed(self) -> bool:
        """Tell whether it is an error; some warnings are usual."""
        return self.code != 0 and (self.level == 2 or self.code not in {1, 41, 90, 100, 112})

    def fields(self) -> dict[str, object]:
        """Give its KFL fields."""
        return {
            "tlsx_alert": self.name,
            "tlsx_alert_code": self.code,
            "tlsx_alert_level": {1: "warning", 2: "fatal"}.get(self.level, str(self.level)),
            "tlsx_alert_from": "client" if self.direction is Direction.CLIENT else "server",
        }


@dataclass(slots=True)
class Handshake:
    """What was seen of one handshake.

    ciphered: whether each side has changed to encryption. finished: whether its Finished was seen (or must have been).
    request, response: evidence; the response reaches to the end of what the server said before the client was done.
    alert: the one that ended it. refused: an alert that could not be read ended it. missing: what was not seen of it,
    as text. memory: of the run. agreed: what the server's hello comes to.
    """

    memory: Memory
    dtls: bool = False
    renegotiation: bool = False
    client: wire.Hello | None = None
    server: wire.Hello | None = None
    request: Span | None = None
    response: Span | None = None
    retried: bool = False
    resumed: bool = False
    ticket: bool = False
    asked_client: bool = False
    decrypted: bool = False
    complete: bool = False
    refused: bool = False
    sni: str = ""
    early: str = ""
    alpn: str = ""
    group: str = ""
    prime_bits: int = 0
    chain: list[bytes] = field(default_factory=list)
    client_chain: list[bytes] = field(default_factory=list)
    ciphered: list[bool] = field(default_factory=lambda: [False, False])
    finished: list[bool] = field(default_factory=lambda: [False, False])
    sizes: list[int] = field(default_factory=lambda: [0, 0])
    exchanged: bool = False
    alert: Alert | None = None
    missing: str = ""
    agreed: ServerTraits | None = None

    @property
    def version(self) -> int:
        """Give the version that was agreed; 0 while unknown."""
        return self.agreed.version if self.agreed is not None else 0

    @property
    def tls13(self) -> bool:
        """Tell whether the server chose TLS 1.3 or a draft of it."""
        return n.is_tls13(self.version)

    def message(self, direction: Direction, kind: int, message: bytes, span: Span) -> None:
        """Take a handshake message with its header."""
        self.sizes[direction] += len(message)
        if direction is Direction.CLIENT:
            self._from_client(kind, message, span)
        else:
            self._from_server(kind, message, span)

    def set_client(self, hello: wire.Hello, span: Span) -> None:
        """Take a ClientHello in the format of SSL 2.0."""
        self.client, self.request = hello, span
        self.sizes[Direction.CLIENT] += len(hello.raw)

    def set_ssl2_server(self, hello: wire.Hello, certificate: bytes, span: Span) -> None:
        """Take the answer of a server that speaks SSL 2.0."""
        self.server, self.response, self.agreed = hello, span, self.memory.server(hello)
        self.chain = [certificate] if certificate else []
        self.sizes[Direction.SERVER] += len(hello.raw)

    def extend(self, span: Span) -> None:
        """Take what else the server sent before the client was done."""
        if self.response is not None:
            self.response = join(self.response, span) if not self.dtls else self.response

    def _from_client(self, kind: int, message: bytes, span: Span) -> None:
        if kind == n.CLIENT_HELLO:
            self.client = wire.read_client_hello(message, dtls=self.dtls)
            self.sni = wire.server_name(self.client.extension(n.SERVER_NAME) or b"")
            self.request = span if self.request is None or self.dtls else join(self.request, span)
            if self.client.extension(n.EARLY_DATA) is not None:
                self.early = "offered"
        elif kind == n.CERTIFICATE:
            self.client_chain = wire.certificates(message, tls13=self.tls13)
        elif kind == n.CLIENT_KEY_EXCHANGE:
            self.exchanged = True

    def _from_server(self, kind: int, message: bytes, span: Span) -> None:
        self.response = span if self.response is None else join(self.response, span)
        if kind in {n.SERVER_HELLO, n.HELLO_RETRY_REQUEST}:
            self._server_hello(message)
        elif kind == n.ENCRYPTED_EXTENSIONS:
            self._extensions(wire.read_extensions(message))
            self.early = "rejected" if self.early == "offered" else self.early
        elif kind == n.CERTIFICATE:
            self.chain = wire.certificates(message, tls13=self.tls13)
        elif kind == n.COMPRESSED_CERTIFICATE:
            self.chain = wire.certificates(wire.decompressed_certificate(message), tls13=True)
        elif kind == n.SERVER_KEY_EXCHANGE and self.server is not None and self.server.suites:
            self.group, self.prime_bits = wire.key_exchange(message, suite_name(self.server.suites[0]))
        elif kind == n.CERTIFICATE_REQUEST:
            self.asked_client = True
        elif kind == n.NEW_SESSION_TICKET:
            self.ticket = True
        self.exchanged = self.exchanged or kind in {n.CERTIFICATE, n.SERVER_HELLO_DONE}

    def _server_hello(self, message: bytes) -> None:
        hello = wire.read_server_hello(message, dtls=self.dtls)
        if hello.retry:
            self.retried = True
            self.early = "rejected" if self.early else ""
            if self.server is None:
                self.group = n.group_name(wire.chosen_group(hello)) if wire.chosen_group(hello) else ""
            return
        self.server, self.agreed = hello, self.memory.server(hello)
        self._extensions(hello.extensions)
        if self.tls13:
            self.resumed = hello.extension(n.PRE_SHARED_KEY) is not None
        if group := wire.chosen_group(hello):
            self.group = n.group_name(group)

    def _extensions(self, extensions: list[tuple[int, bytes]]) -> None:
        for number, content in extensions:
            if number == n.ALPN:
                self.alpn = next(iter(wire.protocol_names(content)), "")
            elif number == n.EARLY_DATA and self.early:
                self.early = "accepted"

    def server_ciphers(self) -> None:
        """Hear the server's ChangeCipherSpec: one that shows no certificate and exchanges no keys resumes a session."""
        if self.server is not None and not self.tls13 and not self.exchanged and not self.missing:
            self.resumed = True

    def weaknesses(self) -> list[str]:
        """Say what is weak about what was agreed, or, where nothing was, about the best that the client offered."""
        if self.agreed is None:
            offered = n.newest(wire.offered_versions(self.client)) if self.client is not None else 0
            return [reason for reason in [n.version_weakness(offered)] if reason]
        found = list(self.agreed.weaknesses)
        if 0 < self.prime_bits < SMALL_PRIME:
            found.append(f"Diffie-Hellman with {self.prime_bits} bits (RFC 9325)")
        return found

    def entry(self, connection: Connection, body_limit: int) -> Entry | None:
        """Make the entry; None where neither hello nor anything of the server was seen."""
        if self.request is None and self.response is None:
            return None
        made = Entry("tlsx", connection, self.request, self.response)
        weaknesses = self.weaknesses()
        values: dict[str, object] = {"tls": True, "tlsx_weaknesses": weaknesses, "tlsx_weak": bool(weaknesses)}
        self._add_hellos(values)
        self._add_certificates(values)
        if self.alert is not None:
            values.update(self.alert.fields())
        for name, flag in (
            ("tlsx_complete", self.complete),
            ("tlsx_resumed", self.resumed),
            ("tlsx_session_ticket", self.ticket),
            ("tlsx_hello_retry", self.retried),
            ("tlsx_renegotiation", self.renegotiation),
            ("tlsx_decrypted", self.decrypted),
            ("tlsx_client_certificate_requested", self.asked_client),
        ):
            if flag:
                values[name] = True
        made.summary = values["tlsx_summary"] = values["tls_summary"] = self._summary()
        if self.agreed is not None:
            values["tlsx_info"] = values["tls_info"] = self.agreed.info
        values["tls_request_size"], values["tls_response_size"] = self.sizes
        values["tls_total_size"] = sum(self.sizes)
        made.fields = {
            name: value for name, value in values.items() if value or not isinstance(value, str | tuple | list)
        }
        made.request_body = self.client.raw[:body_limit] if self.client is not None else b""
        made.response_body = self.server.raw[:body_limit] if self.server is not None else b""
        self._judge(made)
        return made

    def _judge(self, made: Entry) -> None:
        found = [hello.malformed for hello in (self.client, self.server) if hello is not None]
        if self.chain:
            found.append(self.memory.certificate(self.chain[0]).malformed)
        made.malformed = "; ".join(reason for reason in (*found, self.missing) if reason)
        if self.alert is not None and self.alert.failed:
            made.status, made.failed = self.alert.name, True
        elif self.refused:
            made.status, made.failed = "encrypted alert", True
            made.fields.pop("tlsx_complete", None)
        elif self.complete:
            made.status = "OK"

    def _add_hellos(self, values: dict[str, object]) -> None:
        values["tlsx_alpn"], values["tlsx_group"], values["tlsx_early_data"] = self.alpn, self.group, self.early
        client = self.client
        if client is not None:
            traits = self.memory.client(client, dtls=self.dtls)
            values["tlsx_sni"] = self.sni
            values["tlsx_cipher_suites"] = traits.suites
            values["tlsx_versions_offered"] = traits.versions
            values["tlsx_alpn_offered"] = traits.protocols
            values["tlsx_ja3"], values["tlsx_ja4"] = traits.ja3, traits.ja4
            if any(client.extension(x) is not None for x in (n.ENCRYPTED_CLIENT_HELLO, n.ENCRYPTED_SERVER_NAME)):
                values["tlsx_ech"] = True
        if self.agreed is not None:
            values.update(self.agreed.fields)

    def _add_certificates(self, values: dict[str, object]) -> None:
        if self.client_chain:
            values["tlsx_client_certificate_subject"] = self.memory.certificate(self.client_chain[0]).subject
        if not self.chain:
            return
        leaf = self.memory.certificate(self.chain[0])
        at_ns = self.response.start_ns if self.response is not None else 0
        values |= {
            "tlsx_certificates": len(self.chain),
            "tlsx_certificate_subject": leaf.subject,
            "tlsx_certificate_issuer": leaf.issuer,
            "tlsx_certificate_names": leaf.names,
            "tlsx_certificate_serial": leaf.serial,
            "tlsx_certificate_sha256": leaf.sha256,
            "tlsx_certificate_self_signed": leaf.self_issued,
            "tlsx_certificate_expired": leaf.expired(at_ns) or leaf.not_yet_valid(at_ns),
        }
        if leaf.not_after:
            values["tlsx_certificate_not_before"] = leaf.not_before
            values["tlsx_certificate_not_after"] = leaf.not_after

    def _summary(self) -> str:
        if self.agreed is not None:
            said = self.agreed.said
        else:
            offered = n.newest(wire.offered_versions(self.client)) if self.client is not None else 0
            said = f"up to {n.version_name(offered)}" if offered else ""
        name = self.sni or "(no server name)"
        return " ".join(part for part in (name, said, self.alpn) if part)
