from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue
from kubeshark_mcp.kfl.suggest import closest, distance, nearest
from kubeshark_mcp.model.field import Field, FieldType


def test_meaning_comes_before_spelling(catalogue: Catalogue):
    assert nearest("response.status", catalogue) == "status_code"
    assert nearest("src.ns", catalogue) == "src.namespace"
    assert nearest("Latency", catalogue) == "elapsed_time"


def test_an_alias_of_a_field_is_known():
    fields = [Field("a_b", FieldType.INT, "", "", aliases=("Speed",)), Field("spend", FieldType.INT, "", "")]
    assert nearest("speed", fields) == "a_b"


@pytest.mark.parametrize(
    ("name", "meant"), [("statuscode", "status_code"), ("Path", "path"), ("src.prot", "src.port"), ("xyzzy", None)]
)
def test_a_slip_finds_the_nearest_name(catalogue: Catalogue, name: str, meant: str | None):
    assert nearest(name, catalogue) == meant


def test_edits_are_counted_up_to_a_limit():
    assert distance("abcd", "abdc", 3) == 1
    assert distance("kitten", "sitting", 5) == 3
    assert distance("abc", "xyzabc", 2) == 3
    assert closest("startWith", ["startsWith", "endsWith"]) == "startsWith"
    assert closest("zzz", ["startsWith"]) is None
