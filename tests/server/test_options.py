"""What the operator decides."""

from __future__ import annotations

from kubeshark_mcp.server import ServerOptions


def test_the_defaults_are_the_safe_ones():
    options = ServerOptions()
    assert options.redact
    assert not options.selection.allow_destructive
    assert options.allow_paths == ()


def test_each_process_has_a_key_of_its_own_that_is_not_printed():
    assert ServerOptions().key != ServerOptions().key
    assert "key" not in repr(ServerOptions())
