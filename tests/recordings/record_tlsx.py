"""The TLS recordings: nginx, and openssl's own server, on loopback; a small capture, its key log and its log a case."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from loopback import capture, server
from tls_client import Log, Talk, context

WEB, OTHER, PRIVATE, RETRY, REFUSING, OPENSSL = 8443, 8444, 8445, 8446, 8447, 9443
"""Ports: nginx with everything; with ChaCha20 or CCM only; wanting client certificates; with one group only;
without a certificate; openssl s_server."""
CONFIGURATION = """
daemon off; user root; worker_processes 1; pid WORK/nginx.pid; error_log WORK/error.log;
events { worker_connections 64; }
http {
  access_log off; default_type text/plain; ssl_session_cache shared:a:1m;
  client_body_temp_path WORK/body; proxy_temp_path WORK/proxy;
  fastcgi_temp_path WORK/none; uwsgi_temp_path WORK/none; scgi_temp_path WORK/none;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:COMPLEMENTOFALL:@SECLEVEL=0;
  ssl_certificate WORK/ec.pem; ssl_certificate_key WORK/ec.key;
  ssl_certificate WORK/rsa.pem; ssl_certificate_key WORK/rsa.key; ssl_dhparam WORK/dh.pem;
  server { listen 127.0.0.1:8443 ssl http2; root WORK/pages; ssl_early_data on; error_page 405 =200 $uri; }
  server { listen 127.0.0.1:8444 ssl; root WORK/pages; ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_CCM_SHA256:TLS_CHACHA20_POLY1305_SHA256; ssl_session_tickets off; }
  server { listen 127.0.0.1:8445 ssl; root WORK/pages; ssl_verify_client optional_no_ca; }
  server { listen 127.0.0.1:8446 ssl; root WORK/pages; ssl_ecdh_curve secp384r1; ssl_conf_command Groups secp384r1; }
  server { listen 127.0.0.1:8447 ssl; ssl_reject_handshake on; }
}
"""


class Scene:
    """Where a case finds its files. keys: the key log that is kept beside the capture."""

    def __init__(self, work: Path, keys: Path) -> None:
        self.work = work
        self.keys = keys

    def get(self, log: Log, port: int, settings: ssl.SSLContext, *targets: str) -> Talk:
        """Make a connection with some requests."""
        talk = Talk(port, settings, log)
        for target in targets or ("/index.html",):
            talk.request(target)
        talk.close()
        return talk


def suites_aead(scene: Scene, log: Log) -> None:
    """TLS 1.2: AES-GCM, ChaCha20-Poly1305 and AES-CCM, with all kinds of key exchange."""
    for name in (
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-CCM", "ECDHE-ECDSA-AES256-CCM8", "DHE-RSA-AES128-GCM-SHA256", "AES128-GCM-SHA256",
    ):  # fmt: skip
        scene.get(log, WEB, context(scene.keys, "TLSv1_2", name), f"/index.html?suite={name}")


def suites_cbc(scene: Scene, log: Log) -> None:
    """TLS 1.2: CBC with the MAC before and after encryption."""
    for name in (
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-SHA384",
        "AES128-SHA",
        "ECDHE-ECDSA-CAMELLIA256-SHA384",
    ):
        for last in (True, False):
            settings = context(scene.keys, "TLSv1_2", name, encrypt_then_mac=last)
            scene.get(log, WEB, settings, f"/index.html?suite={name}", f"/missing?mac-last={last}")


def old_versions(scene: Scene, log: Log) -> None:
    """TLS 1.0 and 1.1, which RFC 8996 forbids."""
    for version in ("TLSv1", "TLSv1_1"):
        for name in ("ECDHE-ECDSA-AES128-SHA", "AES256-SHA"):
            for last in (True, False):
                settings = context(scene.keys, version, name, encrypt_then_mac=last)
                scene.get(log, WEB, settings, "/index.html", "/missing")


def version13(scene: Scene, log: Log) -> None:
    """TLS 1.3: several suites, another hello, ALPN, bodies over many records."""
    modern = context(scene.keys, "TLSv1_3", alpn=["http/1.1"])
    talk = Talk(WEB, modern, log)
    for target in ("/index.html", "/missing", "/big.txt"):
        talk.request(target)
    talk.request("/index.html", body=b"name=value&" * 90)
    talk.close()
    scene.get(log, OTHER, modern, "/index.html", "/missing")
    scene.get(log, RETRY, modern, "/index.html")


def http2(scene: Scene, log: Log) -> None:
    """curl with HTTP/2 over TLS 1.3 and 1.2, and with HTTP/1.1."""
    for options in (("--http2", "--tlsv1.3"), ("--http2", "--tls-max", "1.2"), ("--http1.1",)):
        urls = [f"https://127.0.0.1:{WEB}/{page}?by=curl" for page in ("index.html", "missing", "index.html")]
        told = "%{json}\n"
        command = ["curl", "--silent", "--insecure", *options, "--write-out", told]
        for url in urls:
            command += ["--output", str(scene.work / "page"), url]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=30, check=True, env={"SSLKEYLOGFILE": str(scene.keys)}
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        log.append(
            {
                "client_port": answers[0]["local_port"],
                "server_port": WEB,
                "server_name": "",
                "alpn": "h2" if answers[0]["http_version"] == "2" else "http/1.1",
                "requests": [
                    {
                        "method": answer["method"],
                        "target": answer["url"].partition(str(WEB))[2],
                        "status": answer["http_code"],
                        "body_bytes": answer["size_download"],
                    }
                    for answer in answers
                ],
            }
        )


def resumption(scene: Scene, log: Log) -> None:
    """Sessions resumed by ticket, by id, and by pre-shared key; early data."""
    for version, options in (("TLSv1_2", 0), ("TLSv1_2", ssl.OP_NO_TICKET), ("TLSv1_3", 0)):
        settings = context(scene.keys, version)
        settings.options |= options
        talk = scene.get(log, WEB, settings)
        again = Talk(WEB, settings, log, session=talk.session)
        again.request("/missing?resumed")
        again.close()
    early = scene.work / "early"
    early.write_bytes(b"GET /index.html?early HTTP/1.1\r\nHost: api.example.com\r\n\r\n")
    session = scene.work / "session"
    for options in (("-sess_out", str(session)), ("-sess_in", str(session), "-early_data", str(early))):
        _s_client(scene, log, WEB, "-tls1_3", *options, said=("GET /missing HTTP/1.1\nHost: api.example.com\n\n",))
        if "-early_data" in options:
            log[-1]["requests"].insert(0, {"method": "GET", "target": "/index.html?early", "status": 200})


def key_update(scene: Scene, log: Log) -> None:
    """TLS 1.3 with keys that change on the way: the client's alone, then both."""
    said = []
    for number, command in enumerate(("", "k\n", "K\n", "K\n", "k\n")):
        said += [command, f"GET /missing?{number} HTTP/1.1\nHost: api.example.com\n\n"]
    _s_client(scene, log, WEB, "-tls1_3", said=tuple(part for part in said if part))


def mutual(scene: Scene, log: Log) -> None:
    """Certificates of clients, asked for and shown."""
    shown = (scene.work / "client.pem", scene.work / "client.key")
    for version in ("TLSv1_2", "TLSv1_3"):
        scene.get(log, PRIVATE, context(scene.keys, version, certificate=shown), "/index.html")
        scene.get(log, PRIVATE, context(scene.keys, version), "/index.html")


def alerts(scene: Scene, log: Log) -> None:
    """Handshakes that fail, each for another reason. There is no key log: what is encrypted stays so."""
    for version in ("TLSv1_2", "TLSv1_3"):
        scene.get(log, WEB, context(None, version, trust=scene.work / "client.pem"))
    scene.get(log, OTHER, context(None, "TLSv1_2"))
    scene.get(log, REFUSING, context(None))
    with _s_server(scene, "-cipher", "AES256-GCM-SHA384", "-tls1_2"):
        scene.get(log, OPENSSL, context(None, "TLSv1_2", "AES128-GCM-SHA256"))
    with _s_server(scene, "-alpn", "h2"):
        scene.get(log, OPENSSL, context(None, "TLSv1_2", alpn=["spdy/3"]))
    for version in ("TLSv1_2", "TLSv1_3"):
        with _s_server(scene, "-Verify", "1", "-verify_return_error"):
            scene.get(log, OPENSSL, context(None, version))


def weak(scene: Scene, log: Log) -> None:
    """Suites without encryption or authentication, a small prime, an expired certificate."""
    scene.get(log, WEB, context(None, "TLSv1_2", "NULL-SHA256"), "/index.html?nobody=hides")
    scene.get(log, WEB, context(scene.keys, "TLSv1_2", "ADH-AES128-SHA256"))
    scene.get(log, WEB, context(scene.keys, "TLSv1_2", "DHE-RSA-AES128-SHA256"))
    with _s_server(scene, "-cert", "expired.pem", "-key", "ec.key", certificate=False):
        Talk(OPENSSL, context(scene.keys, "TLSv1_2"), log).close()


CASES: tuple[Callable[[Scene, Log], None], ...] = (
    suites_aead, suites_cbc, old_versions, version13, http2, resumption, key_update, mutual, alerts, weak,
)  # fmt: skip


def _s_client(scene: Scene, log: Log, port: int, *options: str, said: tuple[str, ...]) -> None:
    """Type into openssl's client, a line a write, and log what it prints."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "api.example.com", "-crlf"]
    command += ["-keylogfile", str(scene.keys), *options]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
    assert process.stdin is not None
    time.sleep(0.4)
    for part in said:
        process.stdin.write(part.encode())
        process.stdin.flush()
        time.sleep(0.25)
    printed = process.communicate(timeout=20)[0].decode("latin-1")
    name = re.search(r"(New|Reused), (TLSv[\d.]+), Cipher is (\S+)", printed)
    assert name is not None, printed
    statuses = [int(status) for status in re.findall(r"HTTP/1\.1 (\d+) ", printed)]
    asked = re.findall(r"GET (\S+)", "".join(said))
    log.append(
        {
            "server_port": port,
            "server_name": "api.example.com",
            "version": name[2],
            "suite_name": name[3],
            "resumed": name[1] == "Reused",
            "early_data": "accepted" if "Early data was accepted" in printed else None,
            "requests": [
                {"method": "GET", "target": target, "status": status}
                for target, status in zip(asked, statuses[-len(asked) :], strict=True)
            ],
        }
    )


@contextmanager
def _s_server(scene: Scene, *options: str, certificate: bool = True) -> Iterator[None]:
    work = scene.work
    paths = [str(work / option) if option.endswith((".pem", ".key")) else option for option in options]
    shown = ["-cert", str(work / "ec.pem"), "-key", str(work / "ec.key")] if certificate else []
    shown += ["-dcert", str(work / "rsa.pem"), "-dkey", str(work / "rsa.key")] if certificate else []
    command = ("openssl", "s_server", "-www", "-accept", f"127.0.0.1:{OPENSSL}", *shown, *paths)
    with server(*command, port=OPENSSL):
        yield


def _openssl(*arguments: str) -> None:
    subprocess.run(("openssl", *arguments), capture_output=True, timeout=120, check=True)


def _prepare(work: Path) -> None:
    """Make certificates, pages and the configuration of nginx."""
    names = "subjectAltName=DNS:api.example.com,DNS:*.shop.example,IP:127.0.0.1"
    kinds = {"ec": ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), "rsa": ("rsa:2048",)}
    for kind, options in kinds.items():
        made = ("-keyout", str(work / f"{kind}.key"), "-out", str(work / f"{kind}.pem"), "-days", "3650")
        subject = ("-subj", f"/O=Shop/CN={kind}.example.com", "-addext", names)
        _openssl("req", "-x509", "-nodes", "-newkey", *options, *made, *subject)
    made = ("-keyout", str(work / "client.key"), "-out", str(work / "client.pem"), "-subj", "/O=Shop/CN=cart")
    _openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *made)
    _expired(work)
    _openssl("dhparam", "-dsaparam", "-out", str(work / "dh.pem"), "1024")
    (work / "pages").mkdir()
    (work / "pages" / "index.html").write_text("<h1>shop</h1>\n")
    (work / "pages" / "big.txt").write_text("0123456789abcde\n" * 400)
    (work / "nginx.conf").write_text(CONFIGURATION.replace("WORK", str(work)))


def _expired(work: Path) -> None:
    (work / "index").touch()
    (work / "serial").write_text("0A1B\n")
    (work / "ca.conf").write_text(
        f"[ca]\ndefault_ca=a\n[a]\ndatabase={work}/index\nserial={work}/serial\nnew_certs_dir={work}\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    request = ("-new", "-key", str(work / "ec.key"), "-subj", "/CN=old.example.com", "-out", str(work / "old.csr"))
    _openssl("req", *request)
    signed = ("-selfsign", "-keyfile", str(work / "ec.key"), "-in", str(work / "old.csr"), "-notext", "-batch")
    dates = ("-startdate", "20200101000000Z", "-enddate", "20210101000000Z", "-out", str(work / "expired.pem"))
    _openssl("ca", "-config", str(work / "ca.conf"), *signed, *dates)


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/tlsx`."""
    folder = out / "tlsx"
    folder.mkdir(parents=True, exist_ok=True)
    _prepare(work)
    for case in CASES:
        log: Log = []
        path = folder / f"{case.__name__}.pcap"
        keys = path.with_suffix(".pcap.keylog")
        keys.unlink(missing_ok=True)
        ports = " or ".join(f"tcp port {port}" for port in (WEB, OTHER, PRIVATE, RETRY, REFUSING, OPENSSL))
        with server("nginx", "-c", str(work / "nginx.conf"), port=WEB), capture(path, ports):
            case(Scene(work, keys), log)
        told = {"about": (case.__doc__ or "").strip(), "calls": log}
        path.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n")
