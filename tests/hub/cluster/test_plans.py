"""What starting and stopping would run."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_fakes import Programs

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.cluster.plans import Planner, parse_set
from kubeshark_mcp.hub.contract_remote import StartRequest


def planner(values: dict[str, str] | None = None, context: str | None = None, config: Path | None = None) -> Planner:
    return Planner(config, context, "default", values)


def test_kubeshark_is_started_by_its_own_program_where_it_is_installed(programs: Programs):
    programs.write("kubeshark")
    programs.write("helm")
    plan = planner({"tap.docker.tag": "v53"}, "prod", Path("/k")).start(
        StartRequest(namespaces=("shop", "pay"), pod_regex="^web-.*", release_namespace="sharks")
    )
    assert plan.command == (
        str(programs.folder / "kubeshark"), "tap", "^web-.*", "-n", "shop", "-n", "pay", "-s", "sharks",
        "--set", "kube.configPath=/k", "--set", "kube.context=prod",
        "--set", "tap.docker.tag=v53", "--set", "headless=true",
    )  # fmt: skip
    assert plan.lines[0] == "Start Kubeshark in namespace sharks (context prod) with kubeshark"
    assert plan.lines[1] == "captured: pods matching ^web-.* in shop, pay"


def test_helm_starts_it_else(programs: Programs):
    programs.write("helm")
    plan = planner(context="prod").start(StartRequest(namespaces=("shop",), pod_regex='a{1,2}"'))
    assert plan.command == (
        str(programs.folder / "helm"), "--kube-context=prod", "upgrade", "--install", "kubeshark", "kubeshark",
        "--repo=https://helm.kubeshark.com", "--namespace=default", "--create-namespace",
        "--set", "tap.release.namespace=default",
        "--set-json", 'tap.namespaces=["shop"]', "--set-json", 'tap.regex="a{1,2}\\""',
    )  # fmt: skip


def test_without_either_program_it_says_so(programs: Programs):
    for plan in (lambda: planner().start(StartRequest()), lambda: planner().stop(None)):
        with pytest.raises(UsageError, match="Neither kubeshark nor helm is installed"):
            plan()


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        ({}, ["tap.delayedDissection.storageSize = 20Gi (falls back to tap.snapshots.local.storageSize)",
              "tap.delayedDissection.storageClass = the default class of the cluster (falls back to "
              "tap.snapshots.local.storageClass)"]),
        ({"tap.snapshots.local.storageSize": "50Gi", "tap.snapshots.local.storageClass": "fast"},
         ["tap.snapshots.local.storageClass = fast", "tap.snapshots.local.storageSize = 50Gi",
          "tap.delayedDissection.storageSize = 50Gi (falls back to tap.snapshots.local.storageSize)",
          "tap.delayedDissection.storageClass = fast (falls back to tap.snapshots.local.storageClass)"]),
        ({"tap.delayedDissection.storageSize": "5Gi", "tap.delayedDissection.storageClass": "slow"},
         ["tap.delayedDissection.storageClass = slow", "tap.delayedDissection.storageSize = 5Gi"]),
        ({"tap.snapshots.local.storageSize": "", "tap.delayedDissection.storageClass": "slow"},
         ["tap.delayedDissection.storageClass = slow", 'tap.snapshots.local.storageSize = ""',
          "tap.delayedDissection.storageSize = the default class of the cluster (falls back to "
          "tap.snapshots.local.storageSize)",
          "dissections of snapshots use an emptyDir, for there is no size of storage"]),
    ],
)  # fmt: skip
def test_the_plan_shows_the_storage_that_dissections_get(programs: Programs, values, lines):
    programs.write("kubeshark")
    assert list(planner().start(StartRequest(values=values)).lines[2:]) == lines


def test_secrets_among_the_values_are_not_shown(programs: Programs):
    programs.write("kubeshark")
    plan = planner({"license": "hunter2-license", "tap.auth.clientSecret": "hunter2"}).start(StartRequest())
    assert "hunter2" not in " ".join(plan.lines)
    assert "license=hunter2-license" in plan.command


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"namespaces": ("shop; rm -rf /",)}, "is no Kubernetes name"),
        ({"namespaces": ("--all",)}, "is no Kubernetes name"),
        ({"release_namespace": "Prod"}, "release_namespace 'Prod' is no Kubernetes name"),
        ({"pod_regex": "--set"}, "cannot be used"),
        ({"pod_regex": "("}, "is no regular expression"),
        ({"pod_regex": "a\nb"}, "cannot be used"),
        ({"pod_regex": "a" * 300}, "cannot be used"),
        ({"values": {"tap.docker.registry": "evil.test"}}, "the operator of this server can"),
        ({"values": {"tap.delayedDissection.storageSize": "big"}}, "no Kubernetes quantity"),
        ({"values": {"tap.delayedDissection.storageClass": "a b"}}, "is no Kubernetes name"),
        ({"values": {"tap.delayedDissection.cpu": "1,x=y"}}, "holds a comma"),
    ],
)
def test_what_could_become_something_else_is_refused(programs: Programs, request_, says):
    programs.write("kubeshark")
    with pytest.raises(UsageError, match=says):
        planner().start(StartRequest(**request_))


def test_values_of_the_operator_are_read_and_checked():
    assert parse_set(["a.b=1", "a.c=x=y", "tap.namespaces={a,b}", "e="]) == {
        "a.b": "1", "a.c": "x=y", "tap.namespaces": "{a,b}", "e": "",
    }  # fmt: skip
    for pair, says in (("novalue", "has no value"), ("a b=1", "is no name of a Helm value"), ("a=x\ny", "control")):
        with pytest.raises(UsageError, match=says):
            parse_set([pair])


def test_stopping_is_planned_with_either_program(programs: Programs):
    programs.write("helm")
    assert planner().stop("sharks").command == (
        str(programs.folder / "helm"), "uninstall", "kubeshark", "--namespace=sharks",
    )  # fmt: skip
    programs.write("kubeshark")
    plan = planner(context="prod").stop(None)
    assert plan.command == (
        str(programs.folder / "kubeshark"), "clean", "-s", "default", "--set", "kube.context=prod",
    )  # fmt: skip
    assert "snapshots that are not on lasting storage" in plan.lines[0]
