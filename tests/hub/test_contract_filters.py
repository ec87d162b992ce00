"""Answers about filters: unknown keys are errors, as everywhere in the contract."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kubeshark_mcp.hub.contract_filters import ClausePlan, FieldUse, FilterCheck, FilterPlan


def test_shapes_refuse_what_they_do_not_know():
    for shape, known in (
        (FilterCheck, {"valid": True}),
        (ClausePlan, {"text": "http", "in_sql": True}),
        (FilterPlan, {"canonical": "http", "total": 1, "matches": 1, "clauses": []}),
        (FieldUse, {"name": "http", "filled": 1, "total": 1}),
    ):
        assert shape(**known).model_dump(exclude_unset=True) == known
        with pytest.raises(ValidationError):
            shape(**known, surprise=1)
