from __future__ import annotations

from kubeshark_mcp.kfl.types import DYN, FIELD_TYPES, INT, STRING, agree, join, list_of, map_of
from kubeshark_mcp.model.field import FieldType


def test_every_type_of_a_field_has_a_cel_type():
    assert set(FIELD_TYPES) == set(FieldType)


def test_dyn_agrees_with_everything_also_inside():
    assert agree(DYN, INT)
    assert agree(list_of(DYN), list_of(STRING))
    assert not agree(list_of(INT), list_of(STRING))
    assert not agree(list_of(INT), map_of(INT, INT))


def test_the_common_type_of_different_ones_is_dyn():
    assert join(INT, INT) == INT
    assert join(INT, STRING) == DYN
    assert join(list_of(INT), list_of(STRING)) == list_of(DYN)
    assert str(map_of(STRING, list_of(INT))) == "map(string, list(int))"
