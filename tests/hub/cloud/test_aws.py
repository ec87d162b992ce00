"""Keys of AWS: where they come from, how a request is signed, what a role gives."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubeshark_mcp.errors import HubError, UsageError
from kubeshark_mcp.hub.cloud.aws import AwsKeys, assume_role, own_keys, signed_headers
from kubeshark_mcp.hub.cloud.settings import CloudSettings, Provider

PLAIN = CloudSettings(Provider.S3, "captures", region="us-east-1")
FILE = "[default]\naws_access_key_id = d\naws_secret_access_key = ds\n[sre]\naws_access_key_id = s\n"


def test_the_nearest_key_wins(tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(FILE)
    home = {"HOME": str(tmp_path)}
    variables = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "as", "AWS_SESSION_TOKEN": "t"}
    ours = CloudSettings(Provider.S3, "captures", key="k", secret="s")
    assert own_keys(ours, {**home, **variables}) == AwsKeys("k", "s")
    assert own_keys(PLAIN, {**home, **variables}) == AwsKeys("a", "as", "t")
    assert own_keys(PLAIN, {**home, "AWS_WEB_IDENTITY_TOKEN_FILE": "f"}) is None
    assert own_keys(PLAIN, home) == AwsKeys("d", "ds")
    assert own_keys(PLAIN, {**home, "AWS_PROFILE": "sre"}) is None, "half a key is none"
    assert own_keys(PLAIN, {**home, "AWS_PROFILE": "nobody"}) is None
    (tmp_path / ".aws" / "credentials").write_bytes(b"\xff no file of that kind")
    assert own_keys(PLAIN, home) is None
    assert own_keys(PLAIN, {}) is None


def test_keys_do_not_show_their_secrets():
    assert repr(AwsKeys("k", "hunter2", "hunter3")) == "AwsKeys(key='k', expires=None)"


def test_a_request_is_signed_as_the_specification_says():
    keys = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token")
    moment = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = signed_headers("https://sts.us-east-1.amazonaws.com", body, "us-east-1", keys, moment)
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    class Then(SigV4Auth):
        def _modify_request_before_signing(self, request):
            request.context["timestamp"] = "20150830T123600Z"
            del request.headers["X-Amz-Date"]
            request.headers["X-Amz-Date"] = "20150830T123600Z"
            request.headers["X-Amz-Security-Token"] = "token"

    request = AWSRequest("POST", "https://sts.us-east-1.amazonaws.com/", data=body)
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    request.context["timestamp"] = "20150830T123600Z"
    signer = Then(Credentials(keys.key, keys.secret, keys.token), "sts", "us-east-1")
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/sts/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature={signature}"
    )
    assert (headers["x-amz-date"], headers["x-amz-security-token"]) == ("20150830T123600Z", "token")


def role(endpoint: str) -> CloudSettings:
    arn = "arn:aws:iam::123456789012:role/captures"
    return CloudSettings(Provider.S3, "b", region="eu-west-1", role_arn=arn, external_id="x", sts_endpoint=endpoint)


def test_a_role_gives_keys_that_expire(s3):
    keys = assume_role(role(s3.url), AwsKeys("k", "hunter2"))
    assert keys.key.startswith("ASIA")
    assert keys.token
    assert keys.expires is not None
    assert 3000 < (keys.expires - datetime.now(UTC)).total_seconds() < 3700


def test_a_role_that_is_refused_unreachable_or_odd_is_said(s3):
    s3.interfere = lambda request: b"<E xmlns='x'><Error><Code>AccessDenied</Code></Error></E>"
    with pytest.raises(
        HubError, match=r"AWS refused the role arn:.*/captures \(AccessDenied\): check SNAPSHOT_AWS_ROLE"
    ):
        assume_role(role(s3.url), AwsKeys("k", "hunter2"))
    with pytest.raises(HubError, match=r"AWS STS \(127.0.0.1\) cannot be reached"):
        assume_role(role("http://127.0.0.1:9"), AwsKeys("k", "hunter2"))
    with pytest.raises(UsageError, match="neither http nor https: check AWS_ENDPOINT_URL_STS"):
        assume_role(role("file:///etc"), AwsKeys("k", "hunter2"))
    s3.interfere = None
    with pytest.raises(HubError, match="gave no credentials"):
        assume_role(role(f"{s3.url}/moto-api/?"), AwsKeys("k", "hunter2"))
