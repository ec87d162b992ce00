"""Carrying out plans: pods come up or go, failures are told, cancelling ends the program."""

from __future__ import annotations

import asyncio

import pytest
from cluster_fakes import WHOLE, Clock, FakeCluster, Programs, pod

from kubeshark_mcp.hub.cluster.kube import Kube
from kubeshark_mcp.hub.cluster.lifecycle import Lifecycle
from kubeshark_mcp.hub.contract_remote import Plan


class Reports:
    def __init__(self) -> None:
        self.seen: list[tuple[float, str]] = []

    async def __call__(self, done: float, total: float | None, message: str) -> None:
        self.seen.append((done, message))


def plan(programs: Programs, action: str = "start") -> Plan:
    command = (str(programs.folder / "kubeshark"), action)
    return Plan(action=action, command=command, lines=("Do it",), release_namespace="default")


async def test_starting_waits_until_the_hub_is_ready_and_reports(cluster: FakeCluster, programs: Programs):
    programs.write("kubeshark", "echo installing", "exec sleep 600")
    cluster.pods = []
    clock, reports, looks = Clock(), Reports(), 0

    async def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        await clock.sleep(seconds)
        cluster.pods = [pod("kubeshark-hub-1", ready=looks > 2)]

    outcome = await Lifecycle(Kube(cluster.kubeconfig), clock, sleep).run(plan(programs), reports)
    assert outcome.success
    assert outcome.exit_code is None
    assert outcome.output == "installing"
    assert outcome.lines == ("Kubeshark runs in namespace default.", "kubeshark-hub-1: ready, v53.1")
    assert [message for _, message in reports.seen] == [
        "start: Do it", "0 of 0 pods are ready", "0 of 1 pods are ready", "0 of 1 pods are ready",
    ]  # fmt: skip


async def test_a_program_that_fails_is_told_with_its_exit_code_and_output(cluster: FakeCluster, programs: Programs):
    programs.write("kubeshark", "echo no such cluster >&2", "exit 4")
    cluster.pods = []
    clock = Clock()
    outcome = await Lifecycle(Kube(cluster.kubeconfig), clock, clock.sleep).run(plan(programs), Reports())
    assert (outcome.success, outcome.exit_code, outcome.output) == (False, 4, "no such cluster")
    assert outcome.lines == ("Kubeshark was not started: exit code 4.",)


async def test_pods_that_do_not_come_up_are_told_after_120_seconds(cluster: FakeCluster, programs: Programs):
    programs.write("kubeshark", "exec sleep 600")
    cluster.pods = [pod("kubeshark-hub-1", ready=False)]
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += 40

    outcome = await Lifecycle(Kube(cluster.kubeconfig), clock, sleep).run(plan(programs), Reports())
    assert not outcome.success
    assert "was not ready within 120 s" in outcome.lines[0]
    assert outcome.lines[1] == "kubeshark-hub-1: Pending: not yet, v53.1"


async def test_a_hub_that_ran_before_is_not_taken_for_the_new_one_at_once(cluster: FakeCluster, programs: Programs):
    programs.write("kubeshark", "exec sleep 600")
    cluster.pods = list(WHOLE)
    clock = Clock()
    outcome = await Lifecycle(Kube(cluster.kubeconfig), clock, clock.sleep).run(plan(programs), Reports())
    assert outcome.success
    assert clock.now - 1000 >= 15


async def test_stopping_waits_until_the_pods_are_gone(cluster: FakeCluster, programs: Programs):
    programs.write("kubeshark", "echo cleaned")
    clock, looks = Clock(), 0

    async def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        await clock.sleep(seconds)
        cluster.pods = cluster.pods[:-1]

    outcome = await Lifecycle(Kube(cluster.kubeconfig), clock, sleep).run(plan(programs, "stop"), Reports())
    assert (outcome.success, outcome.exit_code) == (True, 0)
    assert outcome.lines == ("Kubeshark in namespace default is stopped.",)


async def test_cancelling_ends_the_program(cluster: FakeCluster, programs: Programs):
    programs.write("kubeshark", f"trap 'echo ended >> {programs.folder / 'ended'}; exit 0' TERM", "echo up",
                   "while :; do sleep 0.01; done")  # fmt: skip
    cluster.pods = []
    clock = Clock()
    seen = asyncio.Event()

    async def report(done, total, message) -> None:
        if "pods are ready" in message and (programs.folder / "kubeshark.log").exists():
            seen.set()

    task = asyncio.create_task(
        Lifecycle(Kube(cluster.kubeconfig), clock, lambda s: asyncio.sleep(0.01)).run(plan(programs), report)
    )
    await seen.wait()
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (programs.folder / "ended").exists()
