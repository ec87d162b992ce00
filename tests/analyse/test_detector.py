from __future__ import annotations

import types

from kubeshark_mcp.analyse import detector
from kubeshark_mcp.analyse.detector import Detector, detectors_in, load_detectors
from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Finding
from kubeshark_mcp.analyse.mechanisms import MEANINGS, Mechanism


class Silent(Detector):
    """Finds nothing."""

    name = "silent"
    looks_for = "nothing"
    mechanisms = frozenset({Mechanism.ERROR_BURST})

    def detect(self, facts: Facts) -> list[Finding]:
        return []


def test_a_module_gives_the_detectors_that_it_defines() -> None:
    module = types.ModuleType(__name__)
    vars(module).update(Silent=Silent, Detector=Detector, other=3)
    assert [type(found) for found in detectors_in(module)] == [Silent]


def test_installed_detectors_have_a_name_and_a_line_about_what_they_look_for() -> None:
    for found in load_detectors():
        assert found.name
        assert found.looks_for
        assert found.mechanisms
        assert type(found).__doc__
    assert detector.GROUP == "kubeshark_mcp.detectors"


def test_every_mechanism_is_explained() -> None:
    assert set(MEANINGS) == set(Mechanism)
