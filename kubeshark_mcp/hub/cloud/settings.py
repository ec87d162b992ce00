"""Which object storage to use: from the environment's SNAPSHOT_ variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from kubeshark_mcp.errors import UsageError

PREFIX_VARIABLE = "SNAPSHOT_CLOUD_PREFIX"
VARIABLES = (
    "SNAPSHOT_AWS_BUCKET",
    "SNAPSHOT_AWS_REGION",
    "SNAPSHOT_AWS_ACCESS_KEY",
    "SNAPSHOT_AWS_SECRET_KEY",
    "SNAPSHOT_AWS_ROLE_ARN",
    "SNAPSHOT_AWS_EXTERNAL_ID",
    "SNAPSHOT_AZBLOB_STORAGE_ACCOUNT",
    "SNAPSHOT_AZBLOB_CONTAINER",
    "SNAPSHOT_AZBLOB_STORAGE_KEY",
    "SNAPSHOT_GCS_BUCKET",
    "SNAPSHOT_GCS_PROJECT",
    "SNAPSHOT_GCS_CREDENTIALS_JSON",
    "SNAPSHOT_CLOUD_URL",
    PREFIX_VARIABLE,
)
"""All variables that are read; the first twelve and the prefix are those of a Kubeshark Hub."""
WHAT_TO_SET = (
    "No cloud storage is set up. Start the server with SNAPSHOT_AWS_BUCKET and SNAPSHOT_AWS_REGION for S3, "
    "SNAPSHOT_AZBLOB_STORAGE_ACCOUNT and SNAPSHOT_AZBLOB_CONTAINER for Azure Blob, SNAPSHOT_GCS_BUCKET for Google "
    "Cloud Storage, or SNAPSHOT_CLOUD_URL=file:///FOLDER for a mounted folder; SNAPSHOT_CLOUD_PREFIX is put before "
    "all names. The section [cloud] of config.toml takes the same: aws_bucket, azblob_container, gcs_bucket, url."
)
_PREFIX_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._=@+-]{0,127}")


class Provider(StrEnum):
    """Kinds of object storage, named as a Kubeshark Hub names them; `file` is a folder."""

    S3 = "s3"
    AZBLOB = "azblob"
    GCS = "gcs"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """One storage. container: the bucket, container or folder. account: of Azure.

    key: an access key's name; secret: the secret access key, the storage key, or a service account's JSON (or its
    file). endpoint, sts_endpoint: other addresses than the provider's own.
    """

    provider: Provider
    container: str
    prefix: str = ""
    account: str = ""
    region: str = ""
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    role_arn: str = ""
    external_id: str = field(default="", repr=False)
    endpoint: str = ""
    sts_endpoint: str = ""

    @property
    def location(self) -> str:
        """Give the storage as people name it; there is no credential in it."""
        if self.provider is Provider.FILE:
            return "/".join(filter(None, (Path(self.container).as_uri(), self.prefix)))
        parts = (self.account, self.container, self.prefix)
        return f"{self.provider}://{'/'.join(filter(None, parts))}"

    @property
    def hidden(self) -> tuple[str, ...]:
        """Give what must not be in any message."""
        return tuple(value for value in (self.secret, self.external_id, self.key) if value)


def read_settings(environment: Mapping[str, str]) -> CloudSettings | None:
    """Give the storage that the environment names; None for none. Raises UsageError for half or double settings."""
    given = {name: value.strip() for name in VARIABLES if (value := environment.get(name, "")).strip()}
    found = {
        Provider.S3: "SNAPSHOT_AWS_BUCKET" in given,
        Provider.AZBLOB: "SNAPSHOT_AZBLOB_CONTAINER" in given,
        Provider.GCS: "SNAPSHOT_GCS_BUCKET" in given,
        Provider.FILE: "SNAPSHOT_CLOUD_URL" in given,
    }
    chosen = [provider for provider, there in found.items() if there]
    if len(chosen) > 1:
        raise UsageError(f"Cloud storage is set up more than once ({', '.join(chosen)}): keep one of them.")
    if not chosen:
        _refuse_rest(given)
        return None
    prefix = _prefix(given.get(PREFIX_VARIABLE, ""))
    if chosen[0] is Provider.S3:
        return _s3(given, prefix, environment)
    if chosen[0] is Provider.AZBLOB:
        return _azure(given, prefix, environment)
    if chosen[0] is Provider.FILE:
        return CloudSettings(Provider.FILE, _folder(given["SNAPSHOT_CLOUD_URL"]), prefix)
    secret = given.get("SNAPSHOT_GCS_CREDENTIALS_JSON", "")
    return CloudSettings(Provider.GCS, given["SNAPSHOT_GCS_BUCKET"], prefix, secret=secret)


def _refuse_rest(given: Mapping[str, str]) -> None:
    needed = {"SNAPSHOT_AWS": "BUCKET", "SNAPSHOT_AZBLOB": "CONTAINER", "SNAPSHOT_GCS": "BUCKET"}
    for name in given:
        for family, missing in needed.items():
            if name.startswith(family):
                raise UsageError(f"{name} is set, but {family}_{missing} is not: set it, or unset {name}.")


def _s3(given: Mapping[str, str], prefix: str, environment: Mapping[str, str]) -> CloudSettings:
    key, secret = given.get("SNAPSHOT_AWS_ACCESS_KEY", ""), given.get("SNAPSHOT_AWS_SECRET_KEY", "")
    if bool(key) != bool(secret):
        there, missing = ("ACCESS", "SECRET") if key else ("SECRET", "ACCESS")
        raise UsageError(f"SNAPSHOT_AWS_{there}_KEY is set, but SNAPSHOT_AWS_{missing}_KEY is not: set both or none.")
    role, external = given.get("SNAPSHOT_AWS_ROLE_ARN", ""), given.get("SNAPSHOT_AWS_EXTERNAL_ID", "")
    if external and not role:
        raise UsageError("SNAPSHOT_AWS_EXTERNAL_ID is set, but SNAPSHOT_AWS_ROLE_ARN is not: it belongs to a role.")
    common = environment.get("AWS_ENDPOINT_URL", "")
    named = environment.get("AWS_REGION", "") or environment.get("AWS_DEFAULT_REGION", "")
    return CloudSettings(
        Provider.S3,
        given["SNAPSHOT_AWS_BUCKET"],
        prefix,
        region=given.get("SNAPSHOT_AWS_REGION", "") or named or "us-east-1",
        key=key,
        secret=secret,
        role_arn=role,
        external_id=external,
        endpoint=environment.get("AWS_ENDPOINT_URL_S3", "") or common,
        sts_endpoint=environment.get("AWS_ENDPOINT_URL_STS", "") or common,
    )


def _azure(given: Mapping[str, str], prefix: str, environment: Mapping[str, str]) -> CloudSettings:
    account = given.get("SNAPSHOT_AZBLOB_STORAGE_ACCOUNT", "")
    if not account:
        raise UsageError(
            "SNAPSHOT_AZBLOB_CONTAINER is set, but SNAPSHOT_AZBLOB_STORAGE_ACCOUNT is not: set the account's name."
        )
    return CloudSettings(
        Provider.AZBLOB,
        given["SNAPSHOT_AZBLOB_CONTAINER"],
        prefix,
        account=account,
        secret=given.get("SNAPSHOT_AZBLOB_STORAGE_KEY", ""),
        endpoint=environment.get("AZURE_STORAGE_ENDPOINT", ""),
    )


def _folder(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not Path(path).is_absolute():
        shown = f"{parts.scheme}://…" if parts.scheme else "a text without a scheme"
        raise UsageError(f"SNAPSHOT_CLOUD_URL is {shown}: it takes file:///FOLDER, the other stores have variables.")
    return path


def _prefix(text: str) -> str:
    parts = [part for part in text.split("/") if part]
    for part in parts:
        if not _PREFIX_PART.fullmatch(part):
            raise UsageError(
                f"SNAPSHOT_CLOUD_PREFIX has the part {part[:80]!r}: use letters, digits and . _ = @ + -, "
                "beginning with a letter or digit, separated by /."
            )
    return "/".join(parts)
