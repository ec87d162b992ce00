"""Certificates for hosts outside: an authority of the lab that its clients trust, and what it signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_authority(work: Path) -> None:
    """Write `authority.pem`, which programs trust, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Root Authority")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=900))
        .not_valid_after(now + timedelta(days=3000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (work / "authority.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(work / "authority.key", key)


def make_certificate(work: Path, host: str, days_left: float = 60, names: tuple[str, ...] = ()) -> tuple[Path, Path]:
    """Write a certificate for a host, signed by the authority; negative days_left: expired. Returns chain and key."""
    authority = x509.load_pem_x509_certificate((work / "authority.pem").read_bytes())
    signer = serialization.load_pem_private_key((work / "authority.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    end = datetime.now(UTC) + timedelta(days=days_left)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(host))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=90))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names or (host,)]), critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    )
    chain, secret = work / f"{host}.pem", work / f"{host}.key"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_key(secret, key)
    return chain, secret


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form))
