"""Workloads and how long they had an address."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.workload import FOREVER_NS, Identity, Tenure, Workload


def test_a_tenure_lasts_until_it_is_said_to_end():
    tenure = Tenure("10.0.0.1", Workload("web", "shop", "pod"))
    assert (tenure.since_ns, tenure.until_ns) == (0, FOREVER_NS)
    with pytest.raises(AttributeError):
        tenure.until_ns = 5  # type: ignore[misc]


def test_nobody_is_unresolved():
    assert Identity() == Identity(status="unresolved", name="", namespace="")
