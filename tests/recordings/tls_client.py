"""A TLS client of the standard library that makes plain HTTP/1.1 requests; logs what it agreed on, asked and got."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import warnings
from pathlib import Path
from typing import Any

NO_ENCRYPT_THEN_MAC = 1 << 19
"""SSL_OP_NO_ENCRYPT_THEN_MAC of OpenSSL."""

Log = list[dict[str, Any]]


def context(keys: Path | None = None, version: str = "", suites: str = "", **options: Any) -> ssl.SSLContext:
    """A client's settings.

    keys: where its secrets go. version: the only one it speaks (`TLSv1_2`). suites: in OpenSSL's words, for versions
    before 1.3. options: `trust` (a certificate, else nothing is verified), `alpn`, `encrypt_then_mac`, `certificate`.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED if "trust" in options else ssl.CERT_NONE
    if "trust" in options:
        made.load_verify_locations(options["trust"])
    if "certificate" in options:
        made.load_cert_chain(*options["certificate"])
    if keys is not None:
        made.keylog_filename = str(keys)
    made.set_ciphers(f"{suites or 'ALL'}:@SECLEVEL=0")
    if version:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            made.minimum_version = made.maximum_version = ssl.TLSVersion[version]
    if "alpn" in options:
        made.set_alpn_protocols(options["alpn"])
    if not options.get("encrypt_then_mac", True):
        made.options |= NO_ENCRYPT_THEN_MAC
    return made


class Talk:
    """One connection. `told` is its entry in the log: what the client asked for and what came of it.

    session: what another connection may resume, once this one is closed.
    """

    def __init__(
        self,
        port: int,
        settings: ssl.SSLContext,
        log: Log,
        name: str = "api.example.com",
        session: ssl.SSLSession | None = None,
    ) -> None:
        plain = socket.create_connection(("127.0.0.1", port), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.told: dict[str, Any] = {"client_port": plain.getsockname()[1], "server_port": port, "server_name": name}
        log.append(self.told)
        self.socket: ssl.SSLSocket | None = None
        self.session: ssl.SSLSession | None = None
        try:
            self.socket = settings.wrap_socket(plain, server_hostname=name or None, session=session)
        except (ssl.SSLError, ConnectionError) as error:
            self._failed(error)
            plain.close()
            return
        cipher = self.socket.cipher()
        assert cipher is not None
        number = next(item["id"] & 0xFFFF for item in settings.get_ciphers() if item["name"] == cipher[0])
        der = self.socket.getpeercert(binary_form=True)
        self.told |= {
            "version": self.socket.version(),
            "suite": number,
            "alpn": self.socket.selected_alpn_protocol(),
            "resumed": self.socket.session_reused,
            "certificate_sha256": hashlib.sha256(der).hexdigest() if der else None,
            "requests": [],
        }

    def _failed(self, error: OSError) -> None:
        self.told["error"] = getattr(error, "reason", None) or type(error).__name__

    def request(self, target: str, body: bytes = b"") -> None:
        """Ask and wait for the whole answer."""
        if self.socket is None:
            return
        head = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: {self.told['server_name']}\r\n"
        if body:
            head += f"Content-Length: {len(body)}\r\n"
        try:
            self.socket.sendall(head.encode() + b"\r\n" + body)
            status, content = self._answer()
        except (ssl.SSLError, ConnectionError) as error:
            self._failed(error)
            return
        self.told["requests"].append(
            {"method": "POST" if body else "GET", "target": target, "status": status, "body_bytes": len(content)}
        )

    def _answer(self) -> tuple[int, bytes]:
        assert self.socket is not None
        heard = b""
        while b"\r\n\r\n" not in heard:
            heard += self._more()
        head, _, content = heard.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        while len(content) < int(fields[b"content-length"]):
            content += self._more()
        return int(head.split()[1]), content

    def _more(self) -> bytes:
        assert self.socket is not None
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data

    def close(self) -> None:
        """Say goodbye, and wait for the server's."""
        if self.socket is None:
            return
        self.session = self.socket.session
        with contextlib.suppress(OSError, ValueError):
            self.socket.unwrap()
        self.socket.close()
