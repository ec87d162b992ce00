from __future__ import annotations

import re

from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.reserved_fields import RESERVED_FIELDS


def test_reserved_fields_are_unique_and_not_among_the_common_ones():
    names = [field.name for field in RESERVED_FIELDS]
    assert len(names) == len(set(names))
    assert set(names) & {field.name for field in COMMON_FIELDS} == set()


def test_every_reserved_field_is_explained_and_its_example_uses_it():
    for field in RESERVED_FIELDS:
        assert field.meaning
        assert field.group
        assert re.search(rf"\b{field.name}\b", field.example), field
