"""Carrying out a plan: the program runs, the pods come up or go, and what happened is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.hub.cluster.kube import Kube, Pod
from kubeshark_mcp.hub.cluster.names import HUB
from kubeshark_mcp.hub.cluster.processes import Child
from kubeshark_mcp.hub.contract_remote import Outcome, Plan

READY_SECONDS = 120.0
LOOK_SECONDS = 1.0
SETTLE_SECONDS = 15.0
"""How long a Hub that was ready before is not taken for the new one."""
OUTPUT_LINES = 40

Report = Callable[[float, float | None, str], Awaitable[None]]
Sleep = Callable[[float], Awaitable[None]]


class Lifecycle:
    """Starts and stops one Kubeshark. clock: monotonic seconds; sleep: how to wait between two looks."""

    def __init__(self, kube: Kube, clock: Callable[[], float] = time.monotonic, sleep: Sleep = asyncio.sleep) -> None:
        self._kube = kube
        self._clock = clock
        self._sleep = sleep

    async def run(self, plan: Plan, report: Report) -> Outcome:
        """Run the program of a plan; cancelling ends it."""
        before = await self._pods(plan.release_namespace) or []
        await report(0, 100, f"{plan.action}: {plan.lines[0]}")
        child = await Child.start(plan.command)
        try:
            if plan.action == "start":
                return await self._started(plan, child, before, report)
            return await self._stopped(plan, child, report)
        except asyncio.CancelledError:
            await child.end()
            raise
        finally:
            # The program that starts Kubeshark stays to forward ports. It is ended at once rather than asked to end,
            # so that whatever it does when it is asked cannot touch the cluster again.
            if child.exit_code is None:
                await child.end(gently=False)

    async def _pods(self, namespace: str) -> list[Pod] | None:
        """Give the pods; None when the cluster does not say."""
        try:
            return await self._kube.pods(namespace)
        except KubesharkError:
            return None

    async def _started(self, plan: Plan, child: Child, before: list[Pod], report: Report) -> Outcome:
        known = {pod.uid for pod in before if pod.ready}
        began = self._clock()
        pods: list[Pod] | None = None
        while (spent := self._clock() - began) < READY_SECONDS:
            if child.exit_code not in (None, 0):
                return self._failed(plan, child, await child.wait())
            pods = await self._pods(plan.release_namespace)
            settled = child.exit_code == 0 or spent > SETTLE_SECONDS
            hub = [pod for pod in pods or [] if pod.name.startswith(HUB) and pod.ready]
            if any(settled or pod.uid not in known for pod in hub):
                return await self._up(plan, child, pods or [])
            ready = sum(pod.ready for pod in pods or [])
            await report(min(99.0, 100 * spent / READY_SECONDS), 100, f"{ready} of {len(pods or [])} pods are ready")
            await self._sleep(LOOK_SECONDS)
        lines = (
            f"Kubeshark's Hub was not ready within {READY_SECONDS:g} s; it may still come up. "
            "Look again later, or stop it.",
            *pod_lines(pods),
        )
        return Outcome(success=False, exit_code=child.exit_code, output=_output(child), lines=lines)

    async def _up(self, plan: Plan, child: Child, pods: list[Pod]) -> Outcome:
        code = child.exit_code
        waiting = [pod for pod in pods if not pod.ready]
        rest = f"; {len(waiting)} of {len(pods)} pods are not ready yet" if waiting else ""
        lines = (f"Kubeshark runs in namespace {plan.release_namespace}{rest}.", *pod_lines(pods))
        return Outcome(success=True, exit_code=code, output=_output(child), lines=lines)

    def _failed(self, plan: Plan, child: Child, code: int) -> Outcome:
        lines = (f"Kubeshark was not {'started' if plan.action == 'start' else 'stopped'}: exit code {code}.",)
        return Outcome(success=False, exit_code=code, output=_output(child), lines=lines)

    async def _stopped(self, plan: Plan, child: Child, report: Report) -> Outcome:
        began = self._clock()
        pods: list[Pod] | None = None
        while (spent := self._clock() - began) < READY_SECONDS:
            if child.exit_code not in (None, 0):
                return self._failed(plan, child, await child.wait())
            pods = await self._pods(plan.release_namespace)
            if child.exit_code == 0 and not pods:
                line = f"Kubeshark in namespace {plan.release_namespace} is stopped."
                return Outcome(success=True, exit_code=0, output=_output(child), lines=(line,))
            await report(min(99.0, 100 * spent / READY_SECONDS), 100, f"{len(pods or [])} pods are left")
            await self._sleep(LOOK_SECONDS)
        lines = (f"Pods are left after {READY_SECONDS:g} s:", *pod_lines(pods))
        return Outcome(success=False, exit_code=child.exit_code, output=_output(child), lines=lines)


def pod_lines(pods: list[Pod] | None) -> list[str]:
    """Write pods, one a line."""
    if pods is None:
        return ["The cluster did not say which pods there are."]
    return [f"{pod.name}: {pod.text}" for pod in pods] or ["There are no pods of Kubeshark."]


def _output(child: Child) -> str:
    return "\n".join(child.lines[-OUTPUT_LINES:])
