"""AWS credentials that the storage's client cannot find itself: a role to assume, and the shared credentials file.

A role is assumed with STS AssumeRole (API version 2011-06-15), signed with Signature Version 4.
"""

from __future__ import annotations

import configparser
import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from kubeshark_mcp.errors import HubError, UsageError
from kubeshark_mcp.hub.cloud.settings import CloudSettings

SESSION_S = 3600
TIMEOUT_S = 20
_TYPE = "application/x-www-form-urlencoded"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """An access key. expires: None for one that stays."""

    key: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires: datetime | None = None


def own_keys(settings: CloudSettings, environment: Mapping[str, str]) -> AwsKeys | None:
    """Give the access key that is set: by our variables, by AWS's, or in the shared credentials file; else None."""
    if settings.key:
        return AwsKeys(settings.key, settings.secret)
    key, secret = environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", "")
    if key and secret:
        return AwsKeys(key, secret, environment.get("AWS_SESSION_TOKEN", ""))
    if any(environment.get(name) for name in ("AWS_WEB_IDENTITY_TOKEN_FILE", *_CONTAINER)):
        return None
    return _from_file(environment)


_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")


def _from_file(environment: Mapping[str, str]) -> AwsKeys | None:
    named = environment.get("AWS_SHARED_CREDENTIALS_FILE", "")
    if not named and not environment.get("HOME"):
        return None
    path = Path(named).expanduser() if named else Path(environment["HOME"]) / ".aws" / "credentials"
    profile = environment.get("AWS_PROFILE", "") or "default"
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text())
    except (OSError, UnicodeDecodeError, configparser.Error):
        return None
    if not parser.has_section(profile):
        return None
    found = dict(parser.items(profile))
    key, secret = found.get("aws_access_key_id", ""), found.get("aws_secret_access_key", "")
    return AwsKeys(key, secret, found.get("aws_session_token", "")) if key and secret else None


def assume_role(settings: CloudSettings, keys: AwsKeys) -> AwsKeys:
    """Take on the role of the settings for an hour; raises HubError when STS refuses or cannot be reached."""
    asked = {
        "Action": "AssumeRole",
        "Version": "2011-06-15",
        "RoleArn": settings.role_arn,
        "RoleSessionName": "kubeshark-mcp",
        "DurationSeconds": str(SESSION_S),
        **({"ExternalId": settings.external_id} if settings.external_id else {}),
    }
    url = settings.sts_endpoint or f"https://sts.{settings.region}.amazonaws.com"
    if urlsplit(url).scheme not in {"http", "https"}:
        raise UsageError("The address of AWS STS is neither http nor https: check AWS_ENDPOINT_URL_STS.")
    body = urlencode(asked).encode()
    headers = signed_headers(url, body, settings.region, keys, datetime.now(UTC))
    request = urllib.request.Request(url.rstrip("/") + "/", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            answer = response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        why = _text(error.read(_MOST_BYTES), "Code") or f"HTTP {error.code}"
        raise HubError(
            f"AWS refused the role {settings.role_arn} ({why[:64]}): check SNAPSHOT_AWS_ROLE_ARN, "
            "SNAPSHOT_AWS_EXTERNAL_ID, and who the role trusts."
        ) from None
    except OSError:
        raise HubError(
            f"AWS STS ({urlsplit(url).hostname}) cannot be reached to assume the role {settings.role_arn}: try again."
        ) from None
    return _session(answer, settings)


def _session(answer: bytes, settings: CloudSettings) -> AwsKeys:
    key, secret = _text(answer, "AccessKeyId"), _text(answer, "SecretAccessKey")
    try:
        expires = datetime.fromisoformat(_text(answer, "Expiration"))
    except ValueError:
        key, expires = "", datetime.now(UTC)
    if not key or not secret:
        raise HubError(f"AWS STS gave no credentials for the role {settings.role_arn}: try again.")
    return AwsKeys(
        key, secret, _text(answer, "SessionToken"), expires if expires.tzinfo else expires.replace(tzinfo=UTC)
    )


def _text(answer: bytes, name: str) -> str:
    """Give the text of the first element of that name, in any namespace; empty without."""
    try:
        root = ElementTree.fromstring(answer)
    except ElementTree.ParseError:
        return ""
    return next((one.text or "" for one in root.iter() if one.tag.rpartition("}")[2] == name), "")


def signed_headers(url: str, body: bytes, region: str, keys: AwsKeys, now: datetime) -> dict[str, str]:
    """Give the headers of a POST to STS with AWS Signature Version 4."""
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"content-type": _TYPE, "host": urlsplit(url).netloc, "x-amz-date": moment}
    if keys.token:
        headers["x-amz-security-token"] = keys.token
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        (
            "POST",
            "/",
            "",
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{day}/{region}/sts/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    secret = f"AWS4{keys.secret}".encode()
    for part in (day, region, "sts", "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, text.encode(), "sha256").hex()
    authorization = f"AWS4-HMAC-SHA256 Credential={keys.key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": authorization}
