"""Hubs that are not on this machine: by URL, or found in a cluster."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.cli.console import warn
from kubeshark_mcp.config import default_workspace
from kubeshark_mcp.errors import UsageError

if TYPE_CHECKING:
    from kubeshark_mcp.cli.serve import ServeOptions
    from kubeshark_mcp.hub.interface import Hub

_HERE = (("--pcap", "pcaps"), ("--node", "nodes"), ("--resources", "resources"), ("--keylog", "key_logs"))
_CLUSTER = (
    ("--kubeconfig", "kubeconfig"),
    ("--context", "kube_context"),
    ("--release-namespace", "release_namespace"),
    ("--set", "set_values"),
)
_URL = (("--ca-file", "ca_file"), ("--insecure", "insecure"))


def hub_elsewhere(options: ServeOptions) -> Hub:
    """Give the Hub that `--url` or `--cluster` names; raises UsageError for options that do not go together."""
    chosen = "--url" if options.url is not None else "--cluster"
    if options.url is not None and options.cluster:
        raise UsageError("--url and --cluster were given together: give one of them.")
    for name, attribute in (*_HERE, *(_CLUSTER if options.url is not None else _URL)):
        if getattr(options, attribute):
            raise UsageError(f"{chosen} and {name} do not go together: leave one of them out.")
    from kubeshark_mcp.hub.nearby import NearbyHub

    hub = _by_url(options) if options.url is not None else _in_cluster(options)
    return NearbyHub(hub, options.workspace or default_workspace())  # type: ignore[abstract]


def refuse_orphans(options: ServeOptions) -> None:
    """Raise UsageError for options that mean a Hub elsewhere when none was named."""
    for name, attribute in _CLUSTER:
        if getattr(options, attribute):
            raise UsageError(f"{name} is for a Kubeshark in a cluster: add --cluster, or leave it out.")
    for name, attribute in (*_URL, ("--license-key", "license_key")):
        if getattr(options, attribute):
            raise UsageError(f"{name} is for a Hub elsewhere: add --url, or leave it out.")


def _by_url(options: ServeOptions) -> Hub:
    from kubeshark_mcp.hub.remote.access import Trust, UrlAccess
    from kubeshark_mcp.hub.remote.client import HubClient
    from kubeshark_mcp.hub.remote.hub import RemoteHub

    trust = Trust(ca_file=options.ca_file, insecure=options.insecure)
    access = UrlAccess(options.url or "", options.token, options.license_key, trust)
    for warning in access.warnings():
        warn(warning)
    hub = RemoteHub(HubClient(access))
    asyncio.run(hub.check())
    return hub


def _in_cluster(options: ServeOptions) -> Hub:
    from kubeshark_mcp.hub.cluster.hub import ClusterHub
    from kubeshark_mcp.hub.cluster.plans import parse_set

    return ClusterHub.of(
        options.kubeconfig, options.kube_context, options.release_namespace, parse_set(options.set_values)
    )


def settings_of(options: ServeOptions) -> dict[str, Any]:
    """Give these options as the command line has them, without credentials; for the client configuration."""
    return {
        "--url": [options.url] if options.url else [],
        "--ca-file": [options.ca_file.resolve()] if options.ca_file else [],
        "--kubeconfig": [options.kubeconfig.resolve()] if options.kubeconfig else [],
        "--context": [options.kube_context] if options.kube_context else [],
        "--release-namespace": [options.release_namespace] if options.release_namespace else [],
        "--set": [pair for pair in options.set_values if not _is_secret(pair)],
    }


def _is_secret(pair: str) -> bool:
    from kubeshark_mcp.present.secret_names import is_secret_name

    name = pair.partition("=")[0].rpartition(".")[2]
    return is_secret_name(name) or name.lower() == "license"


def warn_of_credentials(options: ServeOptions) -> None:
    """Say which credentials the client configuration leaves out."""
    for name, value in (("KUBESHARK_HUB_TOKEN", options.token), ("KUBESHARK_LICENSE_KEY", options.license_key)):
        if value and options.url:
            warn(f"the credential is not written into the configuration: set {name} in the client's environment.")
    for pair in filter(_is_secret, options.set_values):
        warn(f"--set {pair.partition('=')[0]} is not written into the configuration: add it there by hand.")
