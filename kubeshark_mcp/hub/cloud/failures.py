"""What goes wrong with object storage, as sentences: never with a credential, a signature or the answer's body."""

from __future__ import annotations

import re

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.cloud.settings import CloudSettings, Provider

_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")
_QUERY = re.compile(r"\?\S*")
_METADATA = re.compile(r"169\.254\.(?:169\.254|170\.\d+)|metadata\.google|identity/oauth2")
_REFUSED = frozenset(
    {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AccessDenied",
        "ExpiredToken",
        "InvalidToken",
        "AuthenticationFailed",
        "AuthorizationFailure",
        "AuthorizationPermissionMismatch",
    }
)
_SHOWN = 240

CREDENTIALS = {
    Provider.S3: "SNAPSHOT_AWS_ACCESS_KEY and SNAPSHOT_AWS_SECRET_KEY, or SNAPSHOT_AWS_ROLE_ARN",
    Provider.AZBLOB: "SNAPSHOT_AZBLOB_STORAGE_KEY",
    Provider.GCS: "SNAPSHOT_GCS_CREDENTIALS_JSON",
    Provider.FILE: "the folder's permissions",
}
CONTAINERS = {
    Provider.S3: "bucket (SNAPSHOT_AWS_BUCKET)",
    Provider.AZBLOB: "container (SNAPSHOT_AZBLOB_CONTAINER)",
    Provider.GCS: "bucket (SNAPSHOT_GCS_BUCKET)",
    Provider.FILE: "folder (SNAPSHOT_CLOUD_URL)",
}


def failure(settings: CloudSettings, error: BaseException) -> HubError:
    """Give the sentence for an error of the storage's client."""
    text = str(error)
    code = match[1] if (match := _CODE.search(text)) else ""
    status = match[1] if (match := _STATUS.search(text)) else ""
    where = f"Cloud storage {settings.location}"
    if code in {"NoSuchBucket", "ContainerNotFound"}:
        return HubError(f"{where} does not exist: check the {CONTAINERS[settings.provider]}, or create it.")
    if _METADATA.search(text):
        return HubError(
            f"{where} was not asked, for no credential was found here: set {CREDENTIALS[settings.provider]}."
        )
    if code in _REFUSED or status in {"401", "403"} or isinstance(error, PermissionError) or _is_refusal(error):
        why = code or (f"HTTP {status}" if status else "no permission")
        return HubError(f"{where} refused the credentials ({why}): check {CREDENTIALS[settings.provider]}.")
    if code in {"PermanentRedirect", "AuthorizationHeaderMalformed"} or "configured region" in text:
        return HubError(f"{where} is not in the region {settings.region!r}: set SNAPSHOT_AWS_REGION to the bucket's.")
    if "error sending request" in text or "timed out" in text or "operation timed out" in text:
        return HubError(f"{where} cannot be reached: check the network and the address, then try again.")
    if settings.provider is Provider.FILE and isinstance(error, OSError):
        return HubError(f"{where} cannot be used: check the {CONTAINERS[settings.provider]}.")
    detail = f"HTTP {status} {code}".strip() if status or code else scrubbed(settings, text)
    return HubError(f"{where} failed ({detail}): try again, or look at the storage.")


def _is_refusal(error: BaseException) -> bool:
    return type(error).__name__ in {"PermissionDeniedError", "UnauthenticatedError"}


def scrubbed(settings: CloudSettings, text: str) -> str:
    """Give the first line of a message without queries of URLs, XML and secrets, cut short."""
    line = _QUERY.sub("", text.partition("\n")[0].partition("<")[0])
    for secret in settings.hidden:
        line = line.replace(secret, "(hidden)")
    return line.strip()[:_SHOWN]
