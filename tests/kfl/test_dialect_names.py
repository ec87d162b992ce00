from __future__ import annotations

from kubeshark_mcp.kfl import Catalogue, check
from kubeshark_mcp.kfl.dialect_names import OLDER_KFL, WIRESHARK


def test_every_foreign_name_means_a_field_with_a_scale_or_a_condition():
    for name, meaning in {**WIRESHARK, **OLDER_KFL}.items():
        assert bool(meaning.fields) != bool(meaning.test), name
        assert meaning.scale >= 1


def test_no_foreign_name_is_a_field_already(everything: Catalogue):
    assert not [name for name in (*WIRESHARK, *OLDER_KFL) if name in everything]


def test_conditions_are_valid(everything: Catalogue):
    assert all(check(meaning.test, everything).valid for meaning in WIRESHARK.values() if meaning.test)
