"""Errors of storage clients, as sentences without secrets."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.cloud.failures import failure, scrubbed
from kubeshark_mcp.hub.cloud.settings import CloudSettings, Provider

S3 = CloudSettings(Provider.S3, "captures", region="eu-west-1", key="AKIDOFTESTS", secret="hunter2")
AZURE = CloudSettings(Provider.AZBLOB, "captures", account="acme", secret="hunter2")
FOLDER = CloudSettings(Provider.FILE, "/mnt/captures")
STATUS = "Error performing GET http://h/b?sig=hunter2 in 1ms - Server returned non-2xx status code: "


@pytest.mark.parametrize(
    ("settings", "text", "says"),
    [
        (S3, f"{STATUS}404: <Code>NoSuchBucket</Code>", "does not exist: check the bucket (SNAPSHOT_AWS_BUCKET)"),
        (AZURE, f"{STATUS}404: <Code>ContainerNotFound</Code>", "check the container (SNAPSHOT_AZBLOB_CONTAINER)"),
        (
            S3,
            f"{STATUS}403: <Code>InvalidAccessKeyId</Code>",
            "refused the credentials (InvalidAccessKeyId): check SNAP",
        ),
        (AZURE, f"{STATUS}403 Forbidden", "refused the credentials (HTTP 403): check SNAPSHOT_AZBLOB_STORAGE_KEY"),
        (
            S3,
            "Error performing PUT http://169.254.169.254/latest/api/token",
            "no credential was found here: set SNAPSHOT_AWS",
        ),
        (S3, "Received redirect: incorrectly configured region", "not in the region 'eu-west-1': set SNAPSHOT_AWS_REG"),
        (S3, "HTTP error: error sending request", "cannot be reached: check the network"),
        (S3, f"{STATUS}503: <Code>SlowDown</Code>", "failed (HTTP 503 SlowDown): try again"),
        (S3, "something odd about hunter2", "failed (something odd about (hidden)): try again"),
    ],
)
def test_what_went_wrong_is_said_with_what_to_do(settings, text, says):
    found = failure(settings, ValueError(text))
    assert isinstance(found, HubError)
    assert says in str(found)
    assert "hunter2" not in str(found)
    assert str(found).startswith(f"Cloud storage {settings.location} ")


def test_a_folder_without_permission_or_with_a_broken_disk():
    assert "no permission): check the folder's permissions" in str(failure(FOLDER, PermissionError("no")))
    assert "cannot be used: check the folder (SNAPSHOT_CLOUD_URL)" in str(failure(FOLDER, OSError(5, "broken")))


def test_of_a_message_the_first_line_stays_without_queries_xml_and_secrets():
    assert scrubbed(S3, "GET http://h/x?sig=abc failed for hunter2 <xml>\nDebug source: hunter2") == (
        "GET http://h/x failed for (hidden)"
    )
    assert len(scrubbed(S3, "x" * 10_000)) == 240
