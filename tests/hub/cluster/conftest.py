"""A cluster that is not there: a small Kubernetes API on a real port, and a kubectl that forwards to a fake Hub."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cluster_fakes import FakeCluster, Programs


@pytest.fixture
async def cluster(tmp_path):
    async with FakeCluster(tmp_path) as one:
        yield one


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Programs:
    """Programs of the tests' own, and none else on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return Programs(folder)
