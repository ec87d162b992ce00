"""Which tools of the cloud a Hub with a workspace has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kubeshark_mcp.hub.cloud.answers import NEED_STORAGE, is_set_up
from kubeshark_mcp.hub.contract_remote import HubTools
from kubeshark_mcp.hub.embedded import EmbeddedHub


@pytest.mark.parametrize(
    ("environment", "there"),
    [
        ({}, False),
        ({"SNAPSHOT_CLOUD_PREFIX": "team", "SNAPSHOT_OTHER": "x"}, False),
        ({"SNAPSHOT_AWS_BUCKET": " "}, False),
        ({"SNAPSHOT_AWS_BUCKET": "b"}, True),
        ({"SNAPSHOT_AWS_ACCESS_KEY": "half of it"}, True),
    ],
)
async def test_tools_that_need_storage_are_there_when_any_is_named(tmp_path, environment, there):
    assert is_set_up(environment) is there
    hub = EmbeddedHub(tmp_path, environment=environment)
    assert await hub.tools() == HubTools(lacking=frozenset() if there else NEED_STORAGE)
    await hub.close()


def test_a_start_does_not_import_the_storage_client(tmp_path):
    code = (
        "import sys, pathlib; from kubeshark_mcp.hub.embedded import EmbeddedHub; import kubeshark_plugins.cloud;"
        f"EmbeddedHub(pathlib.Path({str(tmp_path)!r}), environment={{'SNAPSHOT_AWS_BUCKET': 'b'}});"
        "sys.exit('obstore' in sys.modules or 'xml.etree' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
