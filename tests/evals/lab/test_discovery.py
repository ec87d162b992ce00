"""Incidents are found by being there."""

from __future__ import annotations

import pytest

from evals.lab.discovery import FOLDER, find, find_all, names


def test_every_file_is_an_incident():
    assert names() == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert [incident.name for incident in find_all()] == names()


def test_some_can_be_chosen():
    assert [incident.name for incident in find_all(["mosel", "elbe"])] == ["mosel", "elbe"]


def test_an_unknown_name_is_answered_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"no incident 'nile'\. There are: aare, adige, "):
        find("nile")
