"""The questions about cloud storage, for a Hub that keeps its snapshots in a workspace."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING

from kubeshark_mcp.hub.cloud.settings import PREFIX_VARIABLE, VARIABLES
from kubeshark_mcp.hub.contract_cloud import CloudJob, CloudStatus
from kubeshark_mcp.hub.contract_remote import HubTools
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.threaded import threaded

if TYPE_CHECKING:
    from kubeshark_mcp.hub.cloud.room import CloudRoom

NEED_STORAGE = frozenset({"upload_snapshot_to_cloud", "download_snapshot_from_cloud", "get_cloud_job_status"})
"""Tools that are of use with storage only; the status tool says how to get some."""


class CloudAnswers(Hub):
    """Answers about cloud storage from a room. _cloud_environment: the variables in which the storage is named."""

    _cloud_environment: Mapping[str, str]

    @property
    @abstractmethod
    def _cloud(self) -> CloudRoom:
        """Give the room."""

    async def tools(self) -> HubTools:
        """Leave out the tools that need storage where none is set up."""
        return HubTools() if is_set_up(self._cloud_environment) else HubTools(lacking=NEED_STORAGE)

    @threaded
    def cloud_status(self) -> CloudStatus:
        """Say whether storage is set up and answers."""
        return self._cloud.status()

    @threaded
    def upload_snapshot(self, snapshot_id: str) -> CloudJob:
        """Begin an upload."""
        return self._cloud.upload(snapshot_id)

    @threaded
    def download_snapshot(self, snapshot_id: str) -> CloudJob:
        """Begin a download."""
        return self._cloud.download(snapshot_id)

    @threaded
    def cloud_job(self, job_id: str) -> CloudJob:
        """Give the state of a transfer."""
        return self._cloud.job(job_id)


def is_set_up(environment: Mapping[str, str]) -> bool:
    """Tell whether any storage is named, be it rightly or not."""
    return any(environment.get(name, "").strip() for name in VARIABLES if name != PREFIX_VARIABLE)
