from __future__ import annotations

from kubeshark_mcp.kfl.library import FUNCTIONS, METHODS, OPERATORS
from kubeshark_mcp.kfl.overloads import CEL_TYPES


def test_the_functions_of_cel_its_string_extension_and_kfl_are_there():
    assert {
        "size",
        "int",
        "uint",
        "double",
        "string",
        "bool",
        "bytes",
        "timestamp",
        "duration",
        "type",
        "dyn",
        "matches",
        "map_get",
    } <= set(FUNCTIONS)
    text = {
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "charAt",
        "indexOf",
        "lastIndexOf",
        "lowerAscii",
        "upperAscii",
    }
    more = {"replace", "split", "join", "substring", "trim", "reverse", "format", "size"}
    times = {
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
    }
    assert text | more | times | {"getSeconds", "getMilliseconds"} == set(METHODS)


def test_every_overload_is_about_cel_types():
    for table in (FUNCTIONS, METHODS, OPERATORS):
        for overloads in table.values():
            assert all(kind in CEL_TYPES for types in overloads for kind in types)
