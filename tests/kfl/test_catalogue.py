from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue
from kubeshark_mcp.model.field import Field, FieldType


def test_a_catalogue_finds_fields_by_their_exact_name(catalogue: Catalogue):
    found = catalogue.get("src.pod.name")
    assert found is not None
    assert found.type is FieldType.STRING
    assert catalogue.get("SRC.POD.NAME") is None
    assert "src.pod.name" in catalogue
    assert len(catalogue) == len(catalogue.names()) == len(list(catalogue))


def test_a_catalogue_knows_what_is_below_a_name(catalogue: Catalogue):
    assert catalogue.below("src.pod") == ("src.pod.name", "src.pod.namespace")


def test_a_name_that_is_declared_with_two_types_is_refused():
    with pytest.raises(ValueError, match="a is declared as int and as string"):
        Catalogue([Field("a", FieldType.INT, "", ""), Field("a", FieldType.STRING, "", "")])


def test_a_catalogue_suggests_what_was_meant(catalogue: Catalogue):
    assert catalogue.suggest("response.status") == "status_code"
    assert catalogue.suggest("zzzzzz") is None
