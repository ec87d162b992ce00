"""The fields that Kubeshark documents."""

from __future__ import annotations

from kubeshark_mcp.dissect.discovery import all_fields, load_protocols
from kubeshark_mcp.hub.remote.kubeshark_fields import KUBESHARK_FIELDS


def test_each_of_them_is_known_here_and_ours_are_not_among_them():
    known = {field.name for field in all_fields(load_protocols())}
    assert known >= KUBESHARK_FIELDS
    assert not KUBESHARK_FIELDS & {"failed", "summary", "tcp_retransmissions"}
