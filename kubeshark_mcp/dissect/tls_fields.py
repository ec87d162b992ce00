"""The KFL fields of TLS handshakes and alerts, and those that lie on whatever was decrypted."""

from __future__ import annotations

from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.field import Field, FieldType

_BOOL, _INT, _STRING = FieldType.BOOL, FieldType.INT, FieldType.STRING
_LIST, _TIME = FieldType.STRING_LIST, FieldType.TIMESTAMP

_TLS = tuple(
    Field(name, kind, meaning, example, "TLS", aliases)
    for name, kind, meaning, example, aliases in (
        ("tls", _BOOL, "a TLS handshake or alert, or what was carried in TLS and decrypted", "http && tls", ("ssl",)),
        ("tls_summary", _STRING, "the handshake in one line", 'tls_summary.contains("example.com")', ()),
        ("tls_info", _STRING, "version and cipher suite as text", 'tls_info.contains("TLS 1.3")', ()),
        ("tls_request_size", _INT, "bytes of the client's handshake messages in clear", "tls_request_size > 500", ()),
        (
            "tls_response_size",
            _INT,
            "bytes of the server's handshake messages in clear",
            "tls_response_size > 4000",
            (),
        ),
        ("tls_total_size", _INT, "bytes of the handshake messages in clear of both sides", "tls_total_size > 5000", ()),
    )
)

_HELLO = (
    ("tlsx", _BOOL, "a TLS handshake, or an alert", "tlsx", ("tls.handshake", "ssl.handshake")),
    (
        "tlsx_sni",
        _STRING,
        "server name that the client asked for",
        'tlsx_sni == "api.example.com"',
        ("sni", "tls.sni", "tls_sni", "tls.handshake.extensions_server_name", "server_name"),
    ),
    (
        "tlsx_cipher_suite",
        _INT,
        "number of the cipher suite that the server chose",
        "tlsx_cipher_suite == 4865",
        ("tls.handshake.ciphersuite",),
    ),
    (
        "tlsx_cipher",
        _STRING,
        "name of the cipher suite that the server chose",
        'tlsx_cipher == "TLS_AES_128_GCM_SHA256"',
        ("cipher", "cipher_suite"),
    ),
    (
        "tlsx_cipher_suites",
        _LIST,
        "cipher suites that the client offered, in its order",
        '"TLS_AES_128_GCM_SHA256" in tlsx_cipher_suites',
        (),
    ),
    (
        "tlsx_alpn",
        _STRING,
        "application protocol that was agreed; in TLS 1.3 known only with its secrets",
        'tlsx_alpn == "h2"',
        ("alpn", "tls.alpn"),
    ),
    ("tlsx_alpn_offered", _LIST, "application protocols that the client offered", '"h2" in tlsx_alpn_offered', ()),
    (
        "tlsx_version",
        _INT,
        "number of the version that was agreed: 772 TLS 1.3, 771 TLS 1.2, 769 TLS 1.0",
        "tlsx && tlsx_version < 771",
        ("tls.version", "tls_version", "tls.handshake.version"),
    ),
    ("tlsx_versions_offered", _LIST, "versions that the client offered", '"TLS 1.0" in tlsx_versions_offered', ()),
    ("tlsx_summary", _STRING, "the handshake in one line", 'tlsx_summary.contains("example.com")', ()),
    ("tlsx_info", _STRING, "version and cipher suite as text", 'tlsx_info.contains("TLS 1.2")', ()),
    (
        "tlsx_group",
        _STRING,
        "key exchange group; `DH 1024` for a prime of the server's own",
        'tlsx_group == "X25519MLKEM768"',
        ("curve", "key_share"),
    ),
    (
        "tlsx_forward_secrecy",
        _BOOL,
        "recordings stay secret when the server's key becomes known later",
        "tlsx_cipher_suite > 0 && !tlsx_forward_secrecy",
        ("pfs",),
    ),
    ("tlsx_ja3", _STRING, "JA3 fingerprint of the client", 'tlsx_ja3 == "cd08e31494f9531f560d64c695473da9"', ("ja3",)),
    ("tlsx_ja3s", _STRING, "JA3S fingerprint of the server", 'tlsx_ja3s != ""', ("ja3s",)),
    ("tlsx_ja4", _STRING, "JA4 fingerprint of the client", 'tlsx_ja4.startsWith("t13d")', ("ja4",)),
)

_OUTCOME = (
    ("tlsx_complete", _BOOL, "both sides have finished the handshake", "tlsx && !tlsx_complete && !failed", ()),
    ("tlsx_resumed", _BOOL, "an earlier session was resumed", "tlsx_resumed", ("session_resumed",)),
    ("tlsx_session_ticket", _BOOL, "the server handed out a session ticket, in clear", "tlsx_session_ticket", ()),
    ("tlsx_hello_retry", _BOOL, "the server asked for another ClientHello", "tlsx_hello_retry", ()),
    (
        "tlsx_early_data",
        _STRING,
        "data sent before the handshake was done: offered, accepted or rejected",
        'tlsx_early_data == "accepted"',
        ("0rtt",),
    ),
    (
        "tlsx_ech",
        _BOOL,
        "the client sent an encrypted ClientHello or server name; many send an empty one for practice",
        "tlsx_ech",
        ("esni",),
    ),
    ("tlsx_renegotiation", _BOOL, "a handshake within an encrypted connection", "tlsx_renegotiation", ()),
    ("tlsx_decrypted", _BOOL, "the records behind the handshake were decrypted", "tlsx && !tlsx_decrypted", ()),
    (
        "tlsx_weak",
        _BOOL,
        "version, suite or key exchange is forbidden or discouraged",
        "tlsx_weak",
        ("weak_cipher", "insecure"),
    ),
    (
        "tlsx_weaknesses",
        _LIST,
        "what is weak, with the RFC that says so",
        '"TLS 1.0 (RFC 8996)" in tlsx_weaknesses',
        (),
    ),
    ("tlsx_alert", _STRING, "name of the alert", 'tlsx_alert == "unknown_ca"', ("alert", "tls.alert")),
    ("tlsx_alert_code", _INT, "number of the alert", "tlsx_alert_code == 48", ()),
    ("tlsx_alert_level", _STRING, "level of the alert: warning or fatal", 'tlsx_alert_level == "fatal"', ()),
    ("tlsx_alert_from", _STRING, "who sent the alert: client or server", 'tlsx_alert_from == "client"', ()),
)

_CERTIFICATE = (
    (
        "tlsx_certificate_subject",
        _STRING,
        "whom the server's certificate names",
        'tlsx_certificate_subject.contains("CN=api")',
        ("cert_subject", "x509.subject"),
    ),
    (
        "tlsx_certificate_issuer",
        _STRING,
        "who issued the server's certificate",
        'tlsx_certificate_issuer.contains("Let\'s Encrypt")',
        ("cert_issuer", "x509.issuer"),
    ),
    (
        "tlsx_certificate_names",
        _LIST,
        "alternative names in the server's certificate",
        '"api.example.com" in tlsx_certificate_names',
        ("san", "subject_alt_name"),
    ),
    ("tlsx_certificate_serial", _STRING, "serial number, hexadecimal", 'tlsx_certificate_serial == "32"', ()),
    (
        "tlsx_certificate_sha256",
        _STRING,
        "SHA-256 of the server's certificate, hexadecimal",
        'tlsx_certificate_sha256.startsWith("9f86d081")',
        ("fingerprint",),
    ),
    (
        "tlsx_certificate_not_before",
        _TIME,
        "begin of validity",
        'tlsx_certificate_not_before > timestamp("2026-01-01T00:00:00Z")',
        (),
    ),
    (
        "tlsx_certificate_not_after",
        _TIME,
        "end of validity",
        'tlsx && tlsx_certificate_not_after < timestamp("2026-06-01T00:00:00Z")',
        ("cert_expiry", "expires"),
    ),
    (
        "tlsx_certificate_expired",
        _BOOL,
        "the server's certificate was not valid at the time of the handshake: expired, or not yet valid",
        "tlsx_certificate_expired",
        ("expired",),
    ),
    (
        "tlsx_certificate_self_signed",
        _BOOL,
        "the certificate names itself as issuer",
        "tlsx_certificate_self_signed",
        (),
    ),
    ("tlsx_certificates", _INT, "certificates that the server sent", "tlsx && tlsx_certificates > 4", ()),
    (
        "tlsx_client_certificate_requested",
        _BOOL,
        "the server asked for a certificate of the client",
        "tlsx_client_certificate_requested",
        ("mtls", "mutual_tls"),
    ),
    (
        "tlsx_client_certificate_subject",
        _STRING,
        "whom the client's certificate names",
        'tlsx_client_certificate_subject.contains("CN=cart")',
        (),
    ),
)

FIELDS: tuple[Field, ...] = (
    *(
        Field(name, kind, meaning, example, "TLS handshake", aliases)
        for name, kind, meaning, example, aliases in (*_HELLO, *_OUTCOME, *_CERTIFICATE)
    ),
    *_TLS,
)
"""Fields of the handshake's own entries."""

CARRIED_FIELDS: tuple[Field, ...] = (
    _TLS[0],
    *(field for field in COMMON_FIELDS if field.name == "capture_source"),
)
"""Fields of the entries of what was decrypted, besides their own."""

CARRIED: dict[str, object] = {"tls": True, "capture_source": "pcap_tls"}
"""What lies on the entries of what was decrypted."""
