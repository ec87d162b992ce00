from __future__ import annotations

from kubeshark_mcp.dissect.tls_fields import CARRIED, CARRIED_FIELDS, FIELDS
from kubeshark_mcp.model.field import FieldType


def test_each_field_has_an_example_that_uses_it():
    assert [field.name for field in FIELDS if field.name not in field.example and field.name != "tls"] == []
    assert len({field.name for field in FIELDS}) == len(FIELDS)


def test_what_was_decrypted_is_marked_by_declared_fields():
    assert {field.name: field.type for field in CARRIED_FIELDS} == {
        "tls": FieldType.BOOL,
        "capture_source": FieldType.STRING,
    }
    assert CARRIED.keys() == {field.name for field in CARRIED_FIELDS}
