"""Which storage the environment names."""

from __future__ import annotations

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.cloud.settings import CloudSettings, Provider, read_settings

S3 = {"SNAPSHOT_AWS_BUCKET": "captures", "SNAPSHOT_AWS_REGION": "eu-west-1"}
AZURE = {"SNAPSHOT_AZBLOB_STORAGE_ACCOUNT": "acme", "SNAPSHOT_AZBLOB_CONTAINER": "captures"}


def test_nothing_set_is_no_storage_and_a_prefix_alone_neither():
    assert read_settings({}) is None
    assert read_settings({"SNAPSHOT_CLOUD_PREFIX": "team", "SNAPSHOT_AWS_BUCKET": "  "}) is None


def test_each_provider_is_read_from_its_variables():
    keys = {"SNAPSHOT_AWS_ACCESS_KEY": "k", "SNAPSHOT_AWS_SECRET_KEY": "s", "SNAPSHOT_CLOUD_PREFIX": "/team//a/"}
    assert read_settings({**S3, **keys}) == CloudSettings(
        Provider.S3, "captures", "team/a", region="eu-west-1", key="k", secret="s"
    )
    role = {"SNAPSHOT_AWS_ROLE_ARN": "arn:aws:iam::1:role/r", "SNAPSHOT_AWS_EXTERNAL_ID": "x"}
    endpoints = {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_STS": "http://sts"}
    assert read_settings({**S3, **role, **endpoints}) == CloudSettings(
        Provider.S3,
        "captures",
        region="eu-west-1",
        role_arn="arn:aws:iam::1:role/r",
        external_id="x",
        endpoint="http://a",
        sts_endpoint="http://sts",
    )
    assert read_settings({**AZURE, "SNAPSHOT_AZBLOB_STORAGE_KEY": "s"}) == CloudSettings(
        Provider.AZBLOB, "captures", account="acme", secret="s"
    )
    gcs = {"SNAPSHOT_GCS_BUCKET": "b", "SNAPSHOT_GCS_PROJECT": "p", "SNAPSHOT_GCS_CREDENTIALS_JSON": "{}"}
    assert read_settings(gcs) == CloudSettings(Provider.GCS, "b", secret="{}")
    assert read_settings({"SNAPSHOT_CLOUD_URL": "file:///mnt/a%20b"}) == CloudSettings(Provider.FILE, "/mnt/a b")


def test_the_region_is_that_of_the_variables_else_of_aws_else_the_first():
    assert [
        read_settings({"SNAPSHOT_AWS_BUCKET": "b", **more}).region
        for more in ({}, {"AWS_DEFAULT_REGION": "eu-1"}, {"AWS_DEFAULT_REGION": "eu-1", "AWS_REGION": "eu-2"})
    ] == ["us-east-1", "eu-1", "eu-2"]


def test_a_location_names_the_place_and_no_representation_shows_a_secret():
    azure = read_settings({**AZURE, "SNAPSHOT_AZBLOB_STORAGE_KEY": "hunter2", "SNAPSHOT_CLOUD_PREFIX": "x"})
    assert azure.location == "azblob://acme/captures/x"
    assert "hunter2" not in repr(azure)
    assert azure.hidden == ("hunter2",)
    assert read_settings({"SNAPSHOT_CLOUD_URL": "file:///mnt/a%20b"}).location == "file:///mnt/a%20b"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({**S3, **AZURE}, r"more than once \(s3, azblob\)"),
        ({"SNAPSHOT_AWS_ACCESS_KEY": "hunter2"}, "SNAPSHOT_AWS_ACCESS_KEY is set, but SNAPSHOT_AWS_BUCKET is not"),
        ({"SNAPSHOT_AZBLOB_STORAGE_KEY": "hunter2"}, "but SNAPSHOT_AZBLOB_CONTAINER is not"),
        ({"SNAPSHOT_AZBLOB_CONTAINER": "c"}, "SNAPSHOT_AZBLOB_STORAGE_ACCOUNT is not"),
        ({**S3, "SNAPSHOT_AWS_ACCESS_KEY": "hunter2"}, "SNAPSHOT_AWS_SECRET_KEY is not: set both"),
        ({**S3, "SNAPSHOT_AWS_SECRET_KEY": "hunter2"}, "SNAPSHOT_AWS_ACCESS_KEY is not: set both"),
        ({**S3, "SNAPSHOT_AWS_EXTERNAL_ID": "hunter2"}, "SNAPSHOT_AWS_ROLE_ARN is not"),
        ({"SNAPSHOT_CLOUD_URL": "s3://key:hunter2@b"}, "it takes file:///FOLDER"),
        ({"SNAPSHOT_CLOUD_URL": "folder"}, "a text without a scheme"),
        ({**S3, "SNAPSHOT_CLOUD_PREFIX": "a/../b"}, r"has the part '\.\.'"),
    ],
)
def test_half_or_double_settings_are_refused_without_their_secrets(environment, says):
    with pytest.raises(UsageError, match=says) as refused:
        read_settings(environment)
    assert "hunter2" not in str(refused.value)
