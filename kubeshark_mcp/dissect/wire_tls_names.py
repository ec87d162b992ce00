"""Numbers of TLS and their registered names: versions, groups, alerts, and those that the dissector asks for."""

from __future__ import annotations

from collections.abc import Mapping

from kubeshark_mcp.dissect.wire_tls_suites import GREASE

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
"""Content types of records (RFC 8446 section 5.1, RFC 6520)."""

CLIENT_HELLO, SERVER_HELLO, NEW_SESSION_TICKET, END_OF_EARLY_DATA, HELLO_RETRY_REQUEST = 1, 2, 4, 5, 6
ENCRYPTED_EXTENSIONS, CERTIFICATE, SERVER_KEY_EXCHANGE, CERTIFICATE_REQUEST, SERVER_HELLO_DONE = 8, 11, 12, 13, 14
CERTIFICATE_VERIFY, CLIENT_KEY_EXCHANGE, FINISHED, COMPRESSED_CERTIFICATE = 15, 16, 20, 25
HANDSHAKE_TYPES = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 15, 16, 20, 21, 22, 23, 24, 25, 67, 203, 254})
"""Handshake messages that exist (IANA TLS HandshakeType)."""

SERVER_NAME, SUPPORTED_GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS, ALPN = 0, 10, 11, 13, 16
ENCRYPT_THEN_MAC, EXTENDED_MASTER_SECRET, SESSION_TICKET, PRE_SHARED_KEY, EARLY_DATA = 22, 23, 35, 41, 42
SUPPORTED_VERSIONS, KEY_SHARE, OLD_KEY_SHARE, NEXT_PROTOCOL = 43, 51, 40, 13172
ENCRYPTED_CLIENT_HELLO, ENCRYPTED_SERVER_NAME = 0xFE0D, 0xFFCE
"""Extensions (IANA TLS ExtensionType Values)."""

SSL2, SSL3, TLS10, TLS11, TLS12, TLS13 = 0x0002, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304
DTLS10, DTLS12, DTLS13 = 0xFEFF, 0xFEFD, 0xFEFC
DRAFT = 0x7F
"""High byte of the version of TLS 1.3 drafts; the low byte is the number of the draft."""

VERSIONS: Mapping[int, str] = {
    SSL2: "SSL 2.0",
    SSL3: "SSL 3.0",
    TLS10: "TLS 1.0",
    TLS11: "TLS 1.1",
    TLS12: "TLS 1.2",
    TLS13: "TLS 1.3",
    DTLS10: "DTLS 1.0",
    DTLS12: "DTLS 1.2",
    DTLS13: "DTLS 1.3",
}

_WEAK_VERSIONS: Mapping[int, str] = {
    SSL2: "SSL 2.0 (RFC 6176)",
    SSL3: "SSL 3.0 (RFC 7568)",
    TLS10: "TLS 1.0 (RFC 8996)",
    TLS11: "TLS 1.1 (RFC 8996)",
    DTLS10: "DTLS 1.0 (RFC 8996)",
}

ALERTS: Mapping[int, str] = {
    0: "close_notify",
    1: "end_of_early_data",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    52: "too_many_cids_requested",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}
"""TLS Alerts (RFC 8446 section 6, IANA)."""

GROUPS: Mapping[int, str] = {
    0x0015: "secp224r1",
    0x0016: "secp256k1",
    0x0017: "secp256r1",
    0x0018: "secp384r1",
    0x0019: "secp521r1",
    0x001A: "brainpoolP256r1",
    0x001B: "brainpoolP384r1",
    0x001C: "brainpoolP512r1",
    0x001D: "x25519",
    0x001E: "x448",
    0x001F: "brainpoolP256r1tls13",
    0x0020: "brainpoolP384r1tls13",
    0x0021: "brainpoolP512r1tls13",
    0x0029: "curveSM2",
    0x0001: "sect163k1",
    0x0003: "sect163r2",
    0x0006: "sect233k1",
    0x0007: "sect233r1",
    0x0009: "sect283k1",
    0x000A: "sect283r1",
    0x000B: "sect409k1",
    0x000C: "sect409r1",
    0x000D: "sect571k1",
    0x000E: "sect571r1",
    0x0010: "secp160r1",
    0x0012: "secp192k1",
    0x0013: "secp192r1",
    0x0014: "secp224k1",
    0x0100: "ffdhe2048",
    0x0101: "ffdhe3072",
    0x0102: "ffdhe4096",
    0x0103: "ffdhe6144",
    0x0104: "ffdhe8192",
    0x0200: "MLKEM512",
    0x0201: "MLKEM768",
    0x0202: "MLKEM1024",
    0x11EB: "SecP256r1MLKEM768",
    0x11EC: "X25519MLKEM768",
    0x11ED: "SecP384r1MLKEM1024",
    0x6399: "X25519Kyber768Draft00",
}
"""TLS Supported Groups (IANA)."""


def version_name(number: int) -> str:
    """Give a version as people write it; the draft where it is one."""
    if number >> 8 == DRAFT:
        return f"TLS 1.3 (draft {number & 0xFF})"
    if number in GREASE:
        return "GREASE"
    return VERSIONS.get(number) or f"0x{number:04X}"


def version_weakness(number: int) -> str:
    """Say by which RFC a version is forbidden; empty where it is not."""
    return _WEAK_VERSIONS.get(number, "")


def is_tls13(number: int) -> bool:
    """Tell whether a version, drafts included, has the handshake of TLS 1.3."""
    return number == TLS13 or number >> 8 == DRAFT


def newest(versions: list[int]) -> int:
    """Give the newest of the versions that a client offered; 0 where none is known."""
    known = [number for number in versions if number in VERSIONS or number >> 8 == DRAFT]
    dtls = [number for number in known if number >> 8 == DTLS12 >> 8]
    if dtls:
        return min(dtls)
    return max(known, key=lambda number: (TLS13, number) if is_tls13(number) else (number, 0), default=0)


def group_name(number: int) -> str:
    """Give the name of a key exchange group, or its number."""
    if number in GREASE:
        return "GREASE"
    return GROUPS.get(number) or f"0x{number:04X}"


def alert_name(number: int) -> str:
    """Give the name of an alert, or its number."""
    return ALERTS.get(number) or f"alert_{number}"
