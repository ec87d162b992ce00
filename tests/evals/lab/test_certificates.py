"""Certificates of hosts outside: trusted by the lab's own authority, and no longer when they have run out."""

from __future__ import annotations

import ssl

import pytest

from evals.lab.certificates import make_authority, make_certificate


def handshake(authority, chain, key, name: str) -> None:
    """A handshake between two contexts in memory."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    client = ssl.create_default_context(cafile=str(authority))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=name)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (near, far, near, far):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue


def test_a_host_is_trusted_by_its_name(tmp_path):
    make_authority(tmp_path)
    chain, key = make_certificate(tmp_path, "post.example.org")
    handshake(tmp_path / "authority.pem", chain, key, "post.example.org")
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(tmp_path / "authority.pem", chain, key, "else.example.org")


def test_a_certificate_that_has_run_out_is_refused(tmp_path):
    make_authority(tmp_path)
    chain, key = make_certificate(tmp_path, "post.example.org", days_left=-1)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(tmp_path / "authority.pem", chain, key, "post.example.org")
