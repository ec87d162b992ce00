"""What a person asks of a certificate (RFC 5280): for whom, by whom, from when to when. Damaged ones are no fault."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509

MOST_NAMES = 100
"""Alternative names of one certificate that are kept."""
TEXT = 1000
"""Characters of a name that are kept."""
_ATTRIBUTES = {
    "1.2.840.113549.1.9.1": "emailAddress",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.12": "title",
    "2.5.4.15": "businessCategory",
    "2.5.4.17": "postalCode",
    "2.5.4.42": "GN",
    "2.5.4.97": "organizationIdentifier",
    "1.3.6.1.4.1.311.60.2.1.1": "jurisdictionL",
    "1.3.6.1.4.1.311.60.2.1.2": "jurisdictionST",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}
"""Attributes that have no short name in RFC 4514, as OpenSSL writes them."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate, as far as it could be read; empty where it could not.

    subject, issuer: RFC 4514 in the order of the certificate (`C=US, O=Example, CN=R3`).
    names: alternative names (DNS names, IP addresses, mail addresses, URIs). serial: hexadecimal.
    not_before, not_after: Unix nanoseconds UTC, 0 where unknown. sha256: of the DER, hexadecimal.
    """

    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    serial: str = ""
    not_before: int = 0
    not_after: int = 0
    sha256: str = ""
    malformed: str = ""

    @property
    def self_issued(self) -> bool:
        """Tell whether it names itself as its issuer."""
        return bool(self.subject) and self.subject == self.issuer

    def expired(self, at_ns: int) -> bool:
        """Tell whether it was no longer valid then."""
        return bool(self.not_after) and at_ns > self.not_after

    def not_yet_valid(self, at_ns: int) -> bool:
        """Tell whether it was not valid yet then."""
        return bool(self.not_before) and at_ns < self.not_before


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate; never raises on its bytes, and has no opinion on those that break RFC 5280."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read(der)


def _read(der: bytes) -> Certificate:
    from cryptography import x509  # 60 ms: only captures with certificates pay for it

    sha256 = hashlib.sha256(der).hexdigest()
    problems = (ValueError, TypeError, OverflowError, x509.InvalidVersion)
    try:
        found = x509.load_der_x509_certificate(der)
    except problems as error:
        return Certificate(sha256=sha256, malformed=f"the certificate cannot be read: {_said(error)}")
    malformed = ""
    parts: dict[str, str] = {}
    for part in ("subject", "issuer"):
        try:
            parts[part] = _distinguished(getattr(found, part))
        except problems as error:
            malformed = f"the certificate's {part} cannot be read: {_said(error)}"
    before, after = _validity(found)
    try:
        names = _alternative_names(found)
    except (*problems, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        names, malformed = (), f"the certificate's alternative names cannot be read: {_said(error)}"
    return Certificate(
        parts.get("subject", ""),
        parts.get("issuer", ""),
        names,
        f"{found.serial_number:X}",
        before,
        after,
        sha256,
        malformed,
    )


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _validity(found: x509.Certificate) -> tuple[int, int]:
    try:
        return _nanoseconds(found.not_valid_before_utc), _nanoseconds(found.not_valid_after_utc)
    except (ValueError, OverflowError):
        return 0, 0


def _nanoseconds(moment: datetime) -> int:
    """Give Unix nanoseconds within what 64 bits hold: certificates may say the year 1950 or 9999."""
    return max(-(1 << 63), min((1 << 63) - 1, int((moment - _EPOCH).total_seconds()) * 10**9))


def _distinguished(name: x509.Name) -> str:
    from cryptography import x509

    short = {x509.ObjectIdentifier(number): text for number, text in _ATTRIBUTES.items()}
    return ", ".join(rdn.rfc4514_string(short) for rdn in name.rdns)[:TEXT]


def _alternative_names(found: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509

    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    names = []
    for general in extension.value:
        if isinstance(general, x509.DirectoryName):
            names.append(_distinguished(general.value))
        elif not isinstance(general, x509.OtherName):
            value = general.value
            names.append(value.dotted_string if isinstance(value, x509.ObjectIdentifier) else str(value)[:TEXT])
        if len(names) == MOST_NAMES:
            break
    return tuple(names)
