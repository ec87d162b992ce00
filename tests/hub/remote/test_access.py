"""The address, the credential, and whom to trust."""

from __future__ import annotations

import ssl

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.remote.access import LICENSE_HEADER, TOKEN_HEADER, Trust, UrlAccess, checked_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://hub.test/", "https://hub.test"),
        (" http://127.0.0.1:8899 ", "http://127.0.0.1:8899"),
        ("https://h/kubeshark/api/mcp", "https://h/kubeshark"),
        ("https://[::1]:8443/api/", "https://[::1]:8443"),
    ],
)
def test_a_url_is_kept_without_what_we_add_ourselves(given, url):
    assert checked_url(given) == url


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("https://ann:hunter2@h", "holds a user name or password"),
        ("ftp://h", "is no address of a Hub"),
        ("hub.test", "is no address of a Hub"),
        ("https://h:99999", "is no address of a Hub"),
        ("https://h/?token=hunter2", "goes on with a query"),
    ],
)
def test_a_url_that_cannot_be_one_is_refused_without_its_secrets(given, says):
    with pytest.raises(UsageError, match=says) as caught:
        checked_url(given)
    assert "hunter2" not in str(caught.value)


async def test_the_token_goes_before_the_licence_key_and_neither_is_printed():
    access = UrlAccess("https://h", "secret-token", "secret-key")
    assert await access.headers() == {TOKEN_HEADER: "secret-token"}
    assert await UrlAccess("https://h", None, "secret-key").headers() == {LICENSE_HEADER: "secret-key"}
    assert await UrlAccess("https://h").headers() == {}
    assert "secret" not in repr(access)
    assert (await access.renew(), await access.reconnect()) == (False, False)


@pytest.mark.parametrize("token", ["a b\n", "ab\r\nX: y", "", "schlüssel", " a"])
def test_a_token_that_would_break_the_header_is_refused(token):
    with pytest.raises(UsageError, match="--token holds blanks or signs"):
        UrlAccess("https://h", token)


def test_an_unsafe_way_is_warned_of():
    assert UrlAccess("https://h", "t").warnings() == []
    assert UrlAccess("http://127.0.0.1:1", "t").warnings() == []
    assert "unencrypted" in UrlAccess("http://h", "t").warnings()[0]
    assert "--insecure" in UrlAccess("https://h", trust=Trust(insecure=True)).warnings()[0]


def test_certificates_are_checked_unless_told_otherwise(tmp_path):
    assert Trust().context().verify_mode is ssl.CERT_REQUIRED
    insecure = Trust(insecure=True).context()
    assert (insecure.verify_mode, insecure.check_hostname) == (ssl.CERT_NONE, False)
    for path, data in ((tmp_path / "none.pem", None), (tmp_path / "odd.pem", "no certificate")):
        if data is not None:
            path.write_text(data)
        with pytest.raises(UsageError, match="--ca-file"):
            Trust(ca_file=path).context()
