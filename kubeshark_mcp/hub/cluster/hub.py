"""ClusterHub: the Kubeshark of a cluster, found, reached, started and stopped through the Kubernetes API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.cluster.access import ClusterAccess
from kubeshark_mcp.hub.cluster.kube import Kube, Pod
from kubeshark_mcp.hub.cluster.lifecycle import Lifecycle
from kubeshark_mcp.hub.cluster.names import DEFAULT_NAMESPACE, HUB, dns_label
from kubeshark_mcp.hub.cluster.plans import Planner
from kubeshark_mcp.hub.contract_remote import HubTools, Outcome, Plan, StartRequest
from kubeshark_mcp.hub.remote.client import HubClient
from kubeshark_mcp.hub.remote.hub import RemoteHub

LISTING_SECONDS = 3.0
"""How long a list of tools waits for the Hub to say which it has."""
PARTS = ("hub", "front", "worker")
"""Components without which Kubeshark is not whole."""


class ClusterHub(RemoteHub):
    """A Hub in a cluster. Nothing is read or started before the first question.

    values: Helm values of the operator, for starting. clock: monotonic seconds.
    """

    kind = "cluster"

    def __init__(
        self,
        kube: Kube,
        namespace: str | None = None,
        values: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        self._kube = kube
        self._namespace = dns_label(namespace or DEFAULT_NAMESPACE, "--release-namespace")
        self._access = ClusterAccess(kube, self._namespace, clock)
        self._planner = Planner(kube.kubeconfig, kube.context, self._namespace, values)
        self._lifecycle = lifecycle or Lifecycle(kube)
        self._clock = clock
        self._listing: asyncio.Task[HubTools] | None = None
        self._listed_at = float("-inf")
        super().__init__(HubClient(self._access))

    @classmethod
    def of(
        cls,
        kubeconfig: Path | None = None,
        context: str | None = None,
        namespace: str | None = None,
        values: Mapping[str, str] | None = None,
    ) -> ClusterHub:
        """Make one for a cluster; asks nothing."""
        return cls(Kube(kubeconfig, context), namespace, values)

    async def check(self) -> None:
        """Do nothing: a cluster is asked when there is a question, so that status and start work with nothing there."""

    async def close(self) -> None:
        """Leave the Hub and the cluster."""
        if self._listing is not None:
            self._listing.cancel()
            await asyncio.gather(self._listing, return_exceptions=True)
        await super().close()

    async def tools(self) -> HubTools:
        """Give how the Hub's tools differ from ours, where it says so in time; all of ours until then."""
        if self._asking.known is None and self._clock() - self._listed_at < 30:
            return HubTools()
        if self._listing is None or self._listing.done():
            self._listing = asyncio.create_task(super().tools())
        done, _ = await asyncio.wait({self._listing}, timeout=LISTING_SECONDS)
        self._listed_at = self._clock()
        return self._listing.result() if done else HubTools()

    async def status(self) -> c.Status:
        """Say which pods there are, what is missing, and whether the Hub answers."""
        return await self._status(self._namespace, ask=True)

    async def status_in(self, release_namespace: str) -> c.Status:
        """Say which pods of Kubeshark another namespace has; only this server's own namespace is connected to."""
        namespace = dns_label(release_namespace, "release_namespace")
        return await self._status(namespace, ask=namespace == self._namespace)

    async def _status(self, namespace: str, ask: bool) -> c.Status:
        location = f"namespace {namespace} ({self._kube.location()})"
        try:
            pods = await self._kube.pods(namespace)
        except KubesharkError as error:
            return c.Status(
                running=False, kind=self.kind, location=location, version="", details={"problem": str(error)}
            )
        details: dict[str, Any] = {pod.name: pod.text for pod in pods}
        if missing := _missing(pods):
            details["missing"] = ", ".join(missing)
        version = next((pod.version for pod in pods if pod.name.startswith(HUB)), "")
        if not pods:
            missing_there = await self._not_there(namespace)
            return c.Status(
                running=False,
                kind=self.kind,
                location=location,
                version="",
                details=details,
                next_steps=[missing_there],
            )
        if not ask:
            details["note"] = (
                f"this server is connected to namespace {self._namespace}: --release-namespace {namespace}"
            )
            ready = not missing and all(pod.ready for pod in pods)
            return c.Status(running=ready, kind=self.kind, location=location, version=version, details=details)
        answered = await super().status()
        return answered.model_copy(
            update={
                "location": location,
                "version": answered.version or version,
                "details": {**details, **answered.details},
            }
        )

    async def _not_there(self, namespace: str) -> str:
        try:
            return await ClusterAccess(self._kube, namespace).missing()
        except KubesharkError as error:
            return str(error)

    async def plan_start(self, request: StartRequest) -> Plan:
        """Say what starting would run."""
        return self._planner.start(request)

    async def plan_stop(self, release_namespace: str | None = None) -> Plan:
        """Say what stopping would run."""
        return self._planner.stop(release_namespace)

    async def carry_out(self, plan: Plan, report: Callable[[float, float | None, str], Awaitable[None]]) -> Outcome:
        """Run a plan; what was known of the Hub is forgotten, whatever comes of it."""
        try:
            return await self._lifecycle.run(plan, report)
        finally:
            self._asking.forget()
            self._listed_at = float("-inf")
            await self._client.hang_up()
            await self._access.forget()


def _missing(pods: list[Pod]) -> list[str]:
    there = {part for part in PARTS for pod in pods if pod.component.startswith(part)}
    return [part for part in PARTS if part not in there] if pods else []
