from __future__ import annotations

import re

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.identity.selection import WorkloadFilter
from kubeshark_mcp.model.workload import Tenure, Workload

WEB = Tenure("10.1.0.1", Workload("web-1", "shop", "pod", {"app": "web", "tier": "front"}), 100, 200)


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"name": "web-1", "namespace": "shop"},
        {"namespaces": ("other", "shop")},
        {"named": re.compile("^web-[0-9]+$").search},
        {"labels": {"app": "web", "tier": "front"}},
        {"kind": "pod"},
        {"time_ns": 100},
        {"time_ns": 199},
    ],
)
def test_a_workload_that_meets_all_conditions_is_shown(chosen: dict[str, object]):
    assert WorkloadFilter(**chosen).accepts(WEB)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "chosen",
    [
        {"name": "web"},
        {"namespace": "sho"},
        {"namespaces": ("other",)},
        {"named": re.compile("^eb").search},
        {"labels": {"app": "web", "tier": "back"}},
        {"labels": {"gone": ""}},
        {"kind": "service"},
        {"time_ns": 99},
        {"time_ns": 200},
    ],
)
def test_one_condition_that_fails_hides_it(chosen: dict[str, object]):
    assert not WorkloadFilter(**chosen).accepts(WEB)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("chosen", "error", "sentence"),
    [
        ({"kind": "deployment"}, UsageError, "type 'deployment' is no kind of workload: use one of pod, service, node"),
        ({"labels": {"app": 1}}, UsageError, "label 'app' has the value 1: give labels as text, name and value"),
    ],
)
def test_a_wrong_condition_is_refused_with_a_sentence(chosen: dict[str, object], error: type[Exception], sentence: str):
    with pytest.raises(error) as caught:
        WorkloadFilter(**chosen)  # type: ignore[arg-type]
    assert sentence in str(caught.value)
