from __future__ import annotations

import time

import pytest

from kubeshark_mcp.errors import FilterError, UsageError
from kubeshark_mcp.identity.selection import WorkloadFilter, searcher
from kubeshark_mcp.model.workload import Tenure, Workload

WEB = Tenure("10.1.0.1", Workload("web-1", "shop", "pod", {"app": "web", "tier": "front"}), 100, 200)


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"name": "web-1", "namespace": "shop"},
        {"namespaces": ("other", "shop")},
        {"name_regex": "^web-[0-9]+$"},
        {"name_regex": "eb"},
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
        {"name_regex": "^eb"},
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
        ({"name_regex": "web("}, FilterError, "name pattern 'web(' is no regular expression of RE2: missing ): web("),
        ({"name_regex": "(?=web)"}, FilterError, "is no regular expression of RE2: invalid perl operator"),
        ({"name_regex": "a" * 1001}, FilterError, "the name pattern has 1001 characters: use at most 1000"),
        ({"kind": "deployment"}, UsageError, "type 'deployment' is no kind of workload: use one of pod, service, node"),
        ({"labels": {"app": 1}}, UsageError, "label 'app' has the value 1: give labels as text, name and value"),
    ],
)
def test_a_wrong_condition_is_refused_with_a_sentence(chosen: dict[str, object], error: type[Exception], sentence: str):
    with pytest.raises(error) as caught:
        WorkloadFilter(**chosen)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


def test_no_pattern_explodes():
    begin = time.process_time()
    assert not searcher("(a+)+(a+)+(a+)+$")("a" * 250 + "!")
    assert time.process_time() - begin < 1
