"""What a served Hub refuses to start with."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.api import ApiSettings
from kubeshark_mcp.hub.api.settings import is_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "hub.lan", "127.0.0.1.evil.example"])
def test_other_machines_are_served_with_a_token_only(host):
    with pytest.raises(UsageError, match="give a --token"):
        ApiSettings(host=host)
    assert ApiSettings(host=host, token="x" * 16).host == host


def test_loopback_is_known_by_all_its_names():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LocalHost."]))


@pytest.mark.parametrize(
    ("token", "says"), [("short", "guessed"), ("with blanks in the middle", "blanks"), ("ü" * 20, "ASCII")]
)
def test_a_token_that_can_be_guessed_or_that_no_header_carries_is_refused(token, says):
    with pytest.raises(UsageError, match=says) as caught:
        ApiSettings(token=token)
    assert token not in str(caught.value)


def test_the_token_is_not_in_the_representation():
    assert "x" * 16 not in repr(ApiSettings(token="x" * 16))
