from __future__ import annotations

from kubeshark_mcp.kfl.overloads import CEL_TYPES, EVERY_TYPE, PYTHON_TYPES, of_value
from kubeshark_mcp.kfl.types import STRING, list_of, map_of


def test_every_python_type_of_a_value_has_one_cel_type():
    assert {PYTHON_TYPES[CEL_TYPES[kind].name] for kind in EVERY_TYPE} == set(EVERY_TYPE)


def test_a_constant_knows_its_type():
    assert str(of_value(1)) == "int"
    assert str(of_value(True)) == "bool"
    assert of_value(["a"]) == list_of(STRING)
    assert of_value({"a": "b"}) == map_of(STRING, STRING)
