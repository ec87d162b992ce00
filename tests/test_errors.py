"""The exception tree: one root, and each name says what the caller can do about it."""

from __future__ import annotations

import inspect

from kubeshark_mcp import errors


def test_every_error_has_one_root_and_says_what_it_is_for():
    found = [member for _, member in inspect.getmembers(errors, inspect.isclass)]
    assert all(issubclass(member, errors.KubesharkError) for member in found)
    assert all(member.__doc__ for member in found)
    assert len(found) >= 9
