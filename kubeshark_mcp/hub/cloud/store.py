"""The one door to obstore: objects of one storage, under its prefix, with its errors as sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.errors import HubError, NotFoundError, UsageError
from kubeshark_mcp.hub.cloud.aws import assume_role, own_keys
from kubeshark_mcp.hub.cloud.failures import CONTAINERS, failure
from kubeshark_mcp.hub.cloud.settings import CloudSettings, Provider

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SNAPSHOTS = "snapshots"
PART_BYTES = 8 << 20
"""Of a multipart upload, as long as the object has few enough parts."""
MOST_PARTS = 9_000
"""S3 takes 10,000 parts of an object."""
PARTS_AT_ONCE = 3
CHUNK_BYTES = 1 << 20


class CloudStore:
    """Objects by their names below the prefix. settings: for the words of errors."""

    def __init__(self, store: ObjectStore, settings: CloudSettings) -> None:
        self._store = store
        self._settings = settings

    def ids(self) -> list[str]:
        """Give the names of the folders below `snapshots/`, sorted; some may be no snapshots."""
        import obstore

        with self._telling():
            found = obstore.list_with_delimiter(self._store, SNAPSHOTS)
            return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"])

    def read(self, name: str, most: int) -> bytes:
        """Give a small object; raises NotFoundError without it, HubError when it is bigger than `most` bytes."""
        import obstore

        with self._telling():
            found = obstore.get(self._store, name)
            if found.meta["size"] <= most:
                return bytes(found.bytes())
        raise HubError(f"{name!r} in cloud storage has {found.meta['size']:,} bytes, which is too much: look at it.")

    def write(self, name: str, data: bytes) -> None:
        """Write a small object at once."""
        import obstore

        with self._telling():
            obstore.put(self._store, name, data, use_multipart=False)

    def upload(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        """Write an object of about `size` bytes from chunks, holding a few parts in memory.

        What the chunks raise passes through, and the object is not there then.
        """
        import obstore

        if size <= PART_BYTES:
            self.write(name, b"".join(chunks))
            return
        part = max(PART_BYTES, -(-size // MOST_PARTS))
        with self._telling():
            obstore.put(self._store, name, chunks, chunk_size=part, max_concurrency=PARTS_AT_ONCE)

    def download(self, name: str) -> Iterator[bytes]:
        """Give an object in chunks of about 1 MiB."""
        import obstore

        with self._telling():
            for chunk in obstore.get(self._store, name).stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error) or "ContainerNotFound" in str(error):
                raise failure(self._settings, error) from None
            raise NotFoundError(f"Cloud storage {self._settings.location} does not have that object.") from None
        except (BaseError, OSError, ValueError) as error:
            raise failure(self._settings, error) from None


def open_store(settings: CloudSettings, environment: Mapping[str, str], patient: bool = False) -> CloudStore:
    """Open a storage; nothing is asked of it yet, but for a role of AWS. patient: for transfers, not for answers.

    Raises UsageError for settings that cannot be used.
    """
    from obstore.exceptions import BaseError

    try:
        return CloudStore(_OPENERS[settings.provider](settings, environment, _options(settings, patient)), settings)
    except (BaseError, OSError, ValueError) as error:
        raise failure(settings, error) from None


def _options(settings: CloudSettings, patient: bool) -> dict[str, Any]:
    return {
        "prefix": settings.prefix or None,
        "client_options": {
            "connect_timeout": "5s",
            "timeout": "15m" if patient else "15s",
            "read_timeout": "60s" if patient else "10s",
            "allow_http": settings.endpoint.startswith("http://") or _emulated(settings),
        },
        "retry_config": {
            "max_retries": 8 if patient else 1,
            "retry_timeout": timedelta(seconds=180 if patient else 10),
        },
    }


def _emulated(settings: CloudSettings) -> bool:
    return settings.provider is Provider.GCS and '"gcs_base_url"' in settings.secret and "http://" in settings.secret


def _s3(settings: CloudSettings, environment: Mapping[str, str], options: dict[str, Any]) -> ObjectStore:
    from obstore.store import S3Store

    config: dict[str, Any] = {"region": settings.region}
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    provider = _aws_provider(settings, environment)
    if provider is not None:
        options["credential_provider"] = provider
    elif settings.role_arn:
        config["role_arn"] = settings.role_arn
    return S3Store(settings.container, config=config, **options)  # type: ignore[arg-type]


def _aws_provider(settings: CloudSettings, environment: Mapping[str, str]) -> Callable[[], dict[str, Any]] | None:
    """Give what tells the client its key, also after an hour; None for the client's own search."""
    keys = own_keys(settings, environment)
    if keys is None:
        if settings.role_arn and (settings.external_id or not environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")):
            raise UsageError(
                "SNAPSHOT_AWS_ROLE_ARN needs a key that may assume the role: set SNAPSHOT_AWS_ACCESS_KEY and "
                "SNAPSHOT_AWS_SECRET_KEY, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        return None

    def current() -> dict[str, Any]:
        now = assume_role(settings, keys) if settings.role_arn else keys
        return {
            "access_key_id": now.key,
            "secret_access_key": now.secret,
            "token": now.token or None,
            "expires_at": now.expires,
        }

    return current


def _azblob(settings: CloudSettings, environment: Mapping[str, str], options: dict[str, Any]) -> ObjectStore:
    from obstore.store import AzureStore

    config: dict[str, Any] = {"account_name": settings.account}
    if settings.secret:
        config |= {"account_key": settings.secret, "credential_type": "access_key"}
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    return AzureStore(settings.container, config=config, **options)  # type: ignore[arg-type]


def _gcs(settings: CloudSettings, environment: Mapping[str, str], options: dict[str, Any]) -> ObjectStore:
    from obstore.store import GCSStore

    config: dict[str, Any] = {}
    if settings.secret.startswith("{"):
        config["service_account_key"] = settings.secret
    elif settings.secret:
        config["service_account"] = str(Path(settings.secret).expanduser())
    return GCSStore(settings.container, config=config, **options)  # type: ignore[arg-type]


def _file(settings: CloudSettings, environment: Mapping[str, str], options: dict[str, Any]) -> ObjectStore:
    from obstore.store import LocalStore

    if not Path(settings.container).is_dir():
        wanted = CONTAINERS[settings.provider]
        raise HubError(f"Cloud storage {settings.location} does not exist: check the {wanted}, or create it.")
    return LocalStore(Path(settings.container) / settings.prefix, mkdir=True)


_OPENERS = {Provider.S3: _s3, Provider.AZBLOB: _azblob, Provider.GCS: _gcs, Provider.FILE: _file}
