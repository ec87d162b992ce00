"""The columns of files."""

from __future__ import annotations

from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.columns import COMPUTED, HEAVY, INTERNAL, column_types, quoted


def test_columns_are_common_fields_then_own_ones_then_internal_ones(make):
    types = column_types(make.COMMON, make.FIELDS["http"])
    names = list(types)
    common = [field.name for field in make.COMMON]
    own = [field.name for field in make.FIELDS["http"]]
    assert names[: len(common) + len(own)] == common + own
    assert set(names[len(common) + len(own) :]) == set(INTERNAL)
    assert types["request.headers"] is FieldType.STRING_MAP


def test_what_the_writer_computes_is_internal_where_it_is_not_declared():
    types = column_types((), ())
    assert set(types) == {f"_{name}" for name in COMPUTED} | set(INTERNAL)


def test_names_are_quoted_for_sql():
    assert quoted('src."ip') == '"src.""ip"'


def test_what_is_heavy_is_never_the_last_column():
    types = column_types((), ())
    assert set(types) >= HEAVY
    assert list(types)[-1] not in HEAVY
