"""What starting and stopping Kubeshark would run: checked, shown to a person first, secrets left out."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.cluster.names import dns_label
from kubeshark_mcp.hub.contract_remote import Plan, StartRequest
from kubeshark_mcp.present.secret_names import is_secret_name

CHART, RELEASE = "kubeshark", "kubeshark"
CHART_REPOSITORY = "https://helm.kubeshark.com"
SNAPSHOT_SIZE, SNAPSHOT_CLASS = "tap.snapshots.local.storageSize", "tap.snapshots.local.storageClass"
DISSECTION_SIZE, DISSECTION_CLASS = "tap.delayedDissection.storageSize", "tap.delayedDissection.storageClass"
FALL_BACK = MappingProxyType({DISSECTION_SIZE: SNAPSHOT_SIZE, DISSECTION_CLASS: SNAPSHOT_CLASS})
DEFAULTS = MappingProxyType({SNAPSHOT_SIZE: "20Gi", SNAPSHOT_CLASS: ""})
FOR_ANYBODY = frozenset({*FALL_BACK, *DEFAULTS, "tap.delayedDissection.cpu", "tap.delayedDissection.memory"})
"""Helm values that a caller of the tool may give; all others are the operator's, with `--set`."""
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}(?:(?:\.[A-Za-z0-9_-]{1,63})|(?:\[\d{1,3}\])){0,12}")
_QUANTITY = re.compile(r"\d{1,12}(?:\.\d{1,6})?(?:m|[kMGTPE]i?|Ki)?")
"""A Kubernetes resource quantity (resource.Quantity), without the exponent form."""
_LONGEST_VALUE, _LONGEST_REGEX = 1024, 256
_SECRET_KEYS = frozenset({"license", "licence"})


def parse_set(pairs: list[str]) -> dict[str, str]:
    """Read `--set KEY=VALUE`, each once; raises UsageError for what cannot be one."""
    values: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator:
            raise UsageError(f"--set {key[:60]!r} has no value: write it as KEY=VALUE, e.g. tap.docker.tag=v53.1.")
        values[key] = value
    return checked_values(values)


def checked_values(values: Mapping[str, str]) -> dict[str, str]:
    """Give Helm values back when each is one and nothing more; raises UsageError."""
    for key, value in values.items():
        if not _KEY.fullmatch(key):
            raise UsageError(f"{key[:80]!r} is no name of a Helm value: write it as tap.delayedDissection.storageSize.")
        if len(value) > _LONGEST_VALUE or any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
            raise UsageError(f"The value of {key} is too long or holds control characters.")
        if "," in re.sub(r"\\,", "", value) and not (value.startswith("{") and value.endswith("}")):
            raise UsageError(f"The value of {key} holds a comma, which begins another value: write it as \\, instead.")
        _check_known(key, value)
    return dict(values)


def _check_known(key: str, value: str) -> None:
    if key.endswith(("storageSize", ".memory", ".cpu")) and value and not _QUANTITY.fullmatch(value):
        raise UsageError(f"{key} is {value[:60]!r}, which is no Kubernetes quantity: write it as 20Gi or 500m.")
    if key.endswith("storageClass") and value:
        for label in value.split("."):
            dns_label(label, f"The storage class of {key},")


def checked_regex(pattern: str) -> str:
    """Give a pattern for pod names back; raises UsageError for one that is none, or that would be an option."""
    if not pattern or len(pattern) > _LONGEST_REGEX or pattern.startswith("-") or not pattern.isprintable():
        raise UsageError(
            f"pod_regex {pattern[:60]!r} cannot be used: give 1 to {_LONGEST_REGEX} printable characters, no leading -."
        )
    try:
        re.compile(pattern)
    except re.error as error:
        raise UsageError(f"pod_regex {pattern[:60]!r} is no regular expression ({error}): correct it.") from None
    return pattern


class Planner:
    """Writes plans for one cluster. values: what the operator gave with `--set`."""

    def __init__(
        self, kubeconfig: Path | None, context: str | None, namespace: str, values: Mapping[str, str] | None = None
    ) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._namespace = namespace
        self._values = checked_values(values or {})

    def start(self, request: StartRequest) -> Plan:
        """Plan `kubeshark tap`, or Helm's install where there is no such program."""
        release = dns_label(request.release_namespace or self._namespace, "release_namespace")
        namespaces = [dns_label(name, "namespace") for name in request.namespaces]
        regex = None if request.pod_regex is None else checked_regex(request.pod_regex)
        foreign = sorted(set(request.values) - FOR_ANYBODY)
        if foreign:
            raise UsageError(
                f"{foreign[0]!r} is no value that can be given here; the operator of this server can, with --set. "
                f"Here: {', '.join(sorted(FOR_ANYBODY))}."
            )
        values = {**self._values, **checked_values(request.values)}
        if tap := shutil.which("kubeshark"):
            command = self._tap(tap, release, namespaces, regex, values)
        elif helm := shutil.which("helm"):
            command = self._helm(helm, release, namespaces, regex, values)
        else:
            raise UsageError("Neither kubeshark nor helm is installed on this machine: install one of them.")
        lines = [
            f"Start Kubeshark in namespace {release} ({self._place()}) with {Path(command[0]).name}",
            f"captured: pods {f'matching {regex}' if regex else 'of any name'} in "
            f"{', '.join(namespaces) or 'all namespaces'}",
            *(f"{name} = {_shown(name, value)}" for name, value in sorted(values.items())),
            *_storage(values),
        ]
        return Plan(action="start", command=tuple(command), lines=tuple(lines), release_namespace=release)

    def stop(self, release_namespace: str | None) -> Plan:
        """Plan `kubeshark clean`, or Helm's uninstall."""
        release = dns_label(release_namespace or self._namespace, "release_namespace")
        if clean := shutil.which("kubeshark"):
            command = [clean, "clean", "-s", release, *self._own_cluster()]
        elif helm := shutil.which("helm"):
            command = [helm, *self._helm_cluster(), "uninstall", RELEASE, f"--namespace={release}"]
        else:
            raise UsageError("Neither kubeshark nor helm is installed on this machine: install one of them.")
        lines = (
            f"Stop Kubeshark in namespace {release} ({self._place()}) with {Path(command[0]).name}: "
            "its pods go, and with them capture and snapshots that are not on lasting storage",
        )
        return Plan(action="stop", command=tuple(command), lines=lines, release_namespace=release)

    def _place(self) -> str:
        return f"context {self._context}" if self._context else "the current context"

    def _own_cluster(self) -> list[str]:
        """Give the options by which the kubeshark program finds the cluster."""
        chosen = {"kube.configPath": self._kubeconfig and str(self._kubeconfig), "kube.context": self._context}
        return [part for name, value in chosen.items() if value for part in ("--set", f"{name}={value}")]

    def _tap(
        self, tap: str, release: str, namespaces: list[str], regex: str | None, values: Mapping[str, str]
    ) -> list[str]:
        command = [tap, "tap", *([regex] if regex else [])]
        for name in namespaces:
            command += ["-n", name]
        command += ["-s", release, *self._own_cluster()]
        for name, value in {**values, "headless": "true"}.items():
            command += ["--set", f"{name}={value}"]
        return command

    def _helm_cluster(self) -> list[str]:
        chosen = {"--kubeconfig": self._kubeconfig and str(self._kubeconfig), "--kube-context": self._context}
        return [f"{name}={value}" for name, value in chosen.items() if value]

    def _helm(
        self, helm: str, release: str, namespaces: list[str], regex: str | None, values: Mapping[str, str]
    ) -> list[str]:
        command = [helm, *self._helm_cluster(), "upgrade", "--install", RELEASE, CHART, f"--repo={CHART_REPOSITORY}"]
        command += [f"--namespace={release}", "--create-namespace", "--set", f"tap.release.namespace={release}"]
        if namespaces:
            command += ["--set-json", f"tap.namespaces={json.dumps(namespaces)}"]
        if regex:
            command += ["--set-json", f"tap.regex={json.dumps(regex)}"]
        for name, value in values.items():
            command += ["--set", f"{name}={value}"]
        return command


def _shown(name: str, value: str) -> str:
    last = name.rpartition(".")[2]
    secret = is_secret_name(last) or last.lower() in _SECRET_KEYS
    return f"<{len(value)} characters, not shown>" if secret and value else value or '""'


def _storage(values: Mapping[str, str]) -> list[str]:
    """Say what storage dissections of snapshots get, and why."""
    found: dict[str, str] = {}
    lines = []
    for name, other in FALL_BACK.items():
        own = values.get(name, "")
        found[name] = own or values.get(other, DEFAULTS[other])
        if not own:
            lines.append(f"{name} = {found[name] or 'the default class of the cluster'} (falls back to {other})")
    if not found[DISSECTION_SIZE]:
        lines.append("dissections of snapshots use an emptyDir, for there is no size of storage")
    return lines
