"""What the Kubernetes API says about Kubeshark: pods, its front service, tokens."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.errors import HubError, UsageError
from kubeshark_mcp.hub.cluster.names import AUDIENCE, FRONT_SERVICE, POD_LABEL, SERVICE_ACCOUNT, TOKEN_SECONDS
from kubeshark_mcp.hub.cluster.tokens import Minted
from kubeshark_mcp.hub.remote.failures import TRANSPORT_ERRORS, plain_message, unreachable

if TYPE_CHECKING:
    from lightkube import AsyncClient
    from lightkube.config.kubeconfig import SingleConfig


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of Kubeshark. version: tags of its images. reason: why it is not ready, empty when it is."""

    name: str
    component: str
    ready: bool
    phase: str
    restarts: int
    version: str
    reason: str = ""
    uid: str = ""

    @property
    def text(self) -> str:
        """Write one line: `ready, v53.1` or `Pending: ImagePullBackOff …`."""
        state = "ready" if self.ready else self.phase + (f": {self.reason}" if self.reason else ", not ready")
        again = f", {self.restarts} restarts" if self.restarts else ""
        return f"{state}{f', {self.version}' if self.version else ''}{again}"


class Kube:
    """Asks one cluster. kubeconfig, context: None for kubectl's own choice; read when the first question comes."""

    def __init__(self, kubeconfig: Path | None = None, context: str | None = None) -> None:
        self.kubeconfig = kubeconfig
        self.context = context
        self._client: AsyncClient | None = None

    def location(self) -> str:
        """Name the cluster for people, without asking it."""
        return f"context {self.context}" if self.context else "the current context"

    def _open(self) -> AsyncClient:
        if self._client is None:
            from lightkube import AsyncClient
            from msgspec import MsgspecError
            from yaml import YAMLError

            try:
                with explained(self.location()):
                    self._client = AsyncClient(self._config())
            except (YAMLError, MsgspecError, AttributeError, AssertionError) as error:
                # All of these come from files that are no kubeconfig; AssertionError from a context without a user.
                raise UsageError(
                    f"The kubeconfig cannot be used ({type(error).__name__}): see `kubectl config view`."
                ) from None
        return self._client

    def _config(self) -> SingleConfig:
        from lightkube import KubeConfig

        config = None
        for path in self._files():
            if not path.expanduser().is_file():
                continue
            found = KubeConfig.from_file(path)
            if self.context is None or self.context in found.contexts:
                config = found
                break
        if config is None:
            config = KubeConfig.from_env() if self.kubeconfig is None and self.context is None else None
        single = None if config is None else config.get(self.context)
        if single is None:
            wanted = f"context {self.context!r}" if self.context else "kubeconfig"
            raise UsageError(
                f"There is no {wanted} in {', '.join(str(path) for path in self._files())}: "
                "`kubectl config get-contexts` lists those there are; give them with --context and --kubeconfig."
            )
        return single

    def _files(self) -> list[Path]:
        if self.kubeconfig is not None:
            return [self.kubeconfig]
        given = os.environ.get("KUBECONFIG", "")
        return [Path(part) for part in given.split(os.pathsep) if part] or [Path("~/.kube/config")]

    async def pods(self, namespace: str) -> list[Pod]:
        """Give Kubeshark's pods in a namespace, by name."""
        from lightkube.resources.core_v1 import Pod as PodResource

        client = self._open()
        with explained(self.location()):
            listed = client.list(PodResource, namespace=namespace, labels={POD_LABEL[0]: POD_LABEL[1]})
            found = [_pod(one) async for one in listed]
        return sorted(found, key=lambda pod: pod.name)

    async def front_port(self, namespace: str) -> int | None:
        """Give the port of the front service in a namespace; None where there is none."""
        from lightkube import ApiError
        from lightkube.resources.core_v1 import Service

        client = self._open()
        with explained(self.location()):
            try:
                service = await client.get(Service, FRONT_SERVICE, namespace=namespace)
            except ApiError as error:
                if error.status.code == 404:
                    return None
                raise
        ports = list((service.spec and service.spec.ports) or [])
        return next(
            (int(port.port) for port in ports if port.name in {"http", "https"}), int(ports[0].port) if ports else 80
        )

    async def namespaces_with_front(self) -> list[str]:
        """Give the namespaces that have a front service; nothing where one may not look into all."""
        from lightkube.resources.core_v1 import Service

        client = self._open()
        try:
            with explained(self.location()):
                services = client.list(Service, namespace="*", fields={"metadata.name": FRONT_SERVICE})
                found = [one.metadata.namespace async for one in services if one.metadata and one.metadata.namespace]
        except HubError:
            return []
        return sorted(found)

    async def mint(self, namespace: str) -> Minted:
        """Get a token for the Hub; it holds as long as the API server says, by the server's own clock."""
        from lightkube.models.authentication_v1 import TokenRequestSpec
        from lightkube.models.meta_v1 import ObjectMeta
        from lightkube.resources.core_v1 import ServiceAccountToken

        client = self._open()
        request = ServiceAccountToken(
            metadata=ObjectMeta(name=SERVICE_ACCOUNT, namespace=namespace),
            spec=TokenRequestSpec(audiences=[AUDIENCE], expirationSeconds=TOKEN_SECONDS),
        )
        with explained(self.location(), f"getting a token for ServiceAccount {SERVICE_ACCOUNT} in {namespace}"):
            answer = await client.create(request, SERVICE_ACCOUNT, namespace=namespace)
        status = answer.status
        if status is None or not status.token:
            raise HubError(f"The API server of {self.location()} answered a TokenRequest without a token.")
        return Minted(str(status.token), _lifetime(answer))

    async def close(self) -> None:
        """Close connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


def _lifetime(answer: Any) -> float:
    """Give how many seconds a token holds: between two times of the server, so that our clock does not matter."""
    made = answer.metadata.creationTimestamp if answer.metadata is not None else None
    ends = answer.status.expirationTimestamp
    asked = float((answer.spec and answer.spec.expirationSeconds) or TOKEN_SECONDS)
    if made is None or ends is None:
        return asked
    return max(0.0, float((ends - made).total_seconds()))


def _pod(one: Any) -> Pod:
    metadata, status = one.metadata, one.status
    name = str(metadata.name)
    containers = list((status and status.containerStatuses) or [])
    conditions = list((status and status.conditions) or [])
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in conditions)
    images = [str(container.image or "") for container in (one.spec and one.spec.containers) or []]
    labels = metadata.labels or {}
    return Pod(
        name=name,
        component=labels.get("app.kubeshark.com/app") or labels.get("app.kubernetes.io/component") or _component(name),
        ready=ready and metadata.deletionTimestamp is None,
        phase="Terminating" if metadata.deletionTimestamp else str((status and status.phase) or "Unknown"),
        restarts=sum(int(container.restartCount or 0) for container in containers),
        version=", ".join(dict.fromkeys(filter(None, map(_tag, images)))),
        reason="" if ready else _reason(containers, conditions),
        uid=str(metadata.uid or ""),
    )


def _component(name: str) -> str:
    """Give `hub` of `kubeshark-hub-7d9c…-x2x5`."""
    return name.removeprefix("kubeshark-").split("-")[0]


def _tag(image: str) -> str:
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[2]


def _reason(containers: list[Any], conditions: list[Any]) -> str:
    for container in containers:
        state = container.state
        for held in ((state and state.waiting), (state and state.terminated)):
            if held is not None and held.reason:
                return f"{held.reason} {plain_message(held.message or '')}".strip()
    for condition in conditions:
        if condition.status == "False" and condition.message:
            return f"{condition.reason or ''} {plain_message(condition.message)}".strip()
    return ""


@contextmanager
def explained(location: str, doing: str = "") -> Iterator[None]:
    """Turn what lightkube raises into sentences."""
    from lightkube import ApiError
    from lightkube.core.exceptions import ConfigError

    try:
        yield
    except ApiError as error:
        raise HubError(_refusal(error, location, doing)) from None
    except ConfigError as error:
        raise UsageError(f"The kubeconfig cannot be used: {plain_message(str(error))}.") from None
    except TRANSPORT_ERRORS as error:
        raise HubError(
            f"The Kubernetes API server ({location}) cannot be reached. {unreachable(error, location)} "
            "`kubectl cluster-info` shows the same; --context and --kubeconfig choose another cluster."
        ) from None
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise UsageError(f"The kubeconfig cannot be used ({type(error).__name__}): check it with kubectl.") from None


def _refusal(error: Any, location: str, doing: str) -> str:
    status = error.status
    what = f" ({doing})" if doing else ""
    said = plain_message(status.message or status.reason or "")
    if status.code == 401:
        return f"The API server ({location}) does not know you{what}: sign in to the cluster anew, then try again."
    if status.code == 403:
        return f"You may not do this in the cluster ({location}){what}: {said} Ask its administrator for the right."
    return f"The API server ({location}) refused{what}: {said}"
