"""Types of fields and what a missing one is."""

from __future__ import annotations

from kubeshark_mcp.model.field import Field, FieldType


def test_every_type_has_a_default_of_its_own():
    assert {kind.value: kind.default for kind in FieldType} == {
        "string": "", "int": 0, "double": 0.0, "bool": False, "bytes": b"", "timestamp": 0, "[]string": (),
        "map[string]string": {},
    }  # fmt: skip


def test_a_field_may_have_another_default():
    plain = Field("status_code", FieldType.INT, "status", "status_code == 200")
    special = Field("grpc_status", FieldType.INT, "status", "grpc_status == 0", default=-1)
    assert (plain.missing_value, special.missing_value) == (0, -1)
