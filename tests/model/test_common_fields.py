from __future__ import annotations

import re

from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.field import FieldType

OURS = {"first_byte_time", "answered", "failed", "malformed", "summary", "status", "sightings"}


def test_names_are_unique_and_no_alias_is_a_name():
    names = [field.name for field in COMMON_FIELDS]
    assert len(names) == len(set(names)) == 57
    assert set(names) >= OURS
    assert {alias for field in COMMON_FIELDS for alias in field.aliases} & set(names) == set()


def test_every_field_is_explained_by_a_meaning_a_group_and_an_example_that_uses_it():
    for field in COMMON_FIELDS:
        assert field.meaning
        assert field.group
        assert re.search(rf"(?<![\w.]){re.escape(field.name)}(?![\w])", field.example), field


def test_what_people_type_leads_to_the_field():
    aliases = {alias: field.name for field in COMMON_FIELDS for alias in field.aliases}
    assert aliases["src.ns"] == "src.namespace"
    assert aliases["dst.svc"] == "dst.service.name"
    assert aliases["latency_ms"] == "elapsed_time"


def test_maps_and_times_have_their_types():
    types = {field.name: field.type for field in COMMON_FIELDS}
    assert types["node"] is types["capture"] is FieldType.STRING_MAP
    assert types["timestamp"] is FieldType.TIMESTAMP
    assert types["sightings"] is types["first_byte_time"] is FieldType.INT
