"""Names in a cluster."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.cluster.names import dns_label


@pytest.mark.parametrize("name", ["a", "kube-system", "x1", "a" * 63])
def test_a_dns_label_is_taken(name):
    assert dns_label(name, "namespace") == name


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "A", "a_b", "a.b", "a" * 64, "a;rm -rf /", "--kubeconfig", "a\n", "ä"]
)
def test_what_is_none_is_refused(name):
    with pytest.raises(UsageError, match="is no Kubernetes name"):
        dns_label(name, "namespace")
