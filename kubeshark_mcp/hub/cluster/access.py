"""The way to a Hub in a cluster: its front service through a forwarded port, with a minted token, made when needed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from kubeshark_mcp.errors import NotFoundError
from kubeshark_mcp.hub.cluster.forward import Forward
from kubeshark_mcp.hub.cluster.kube import Kube
from kubeshark_mcp.hub.cluster.names import AUDIENCE, FRONT_SERVICE, SERVICE_ACCOUNT
from kubeshark_mcp.hub.cluster.processes import program
from kubeshark_mcp.hub.cluster.tokens import Tokens
from kubeshark_mcp.hub.remote.access import TOKEN_HEADER, Trust

AGAIN_SECONDS = 10.0


class ClusterAccess:
    """Reaches the Kubeshark of one release namespace. clock: monotonic seconds."""

    def __init__(self, kube: Kube, namespace: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self.namespace = namespace
        self._forward: Forward | None = None
        self._tokens = Tokens(lambda: kube.mint(namespace), clock)
        self._seen: tuple[str, ...] = ()
        self._clock = clock
        self._broken_at = float("-inf")

    @property
    def location(self) -> str:
        """Name the place."""
        return f"Kubeshark in namespace {self.namespace} ({self._kube.location()})"

    @property
    def trust(self) -> Trust:
        """Use no proxy: the way begins on this machine."""
        return Trust(use_proxies=False)

    async def base(self) -> str:
        """Give the forwarded port's address; raises NotFoundError where there is no Kubeshark."""
        if self._forward is None:
            port = await self._kube.front_port(self.namespace)
            if port is None:
                raise NotFoundError(await self.missing())
            self._forward = Forward(self._command(port), f"service {FRONT_SERVICE} in namespace {self.namespace}")
        return await self._forward.url()

    async def missing(self) -> str:
        """Say that Kubeshark is not there, and where it is instead."""
        elsewhere = [name for name in await self._kube.namespaces_with_front() if name != self.namespace]
        found = (
            f"It is in {', '.join(elsewhere[:5])}: start the server with --release-namespace {elsewhere[0]}."
            if elsewhere
            else "Install it with `kubeshark tap` or its Helm chart, or let this server start it (--allow-destructive)."
        )
        return (
            f"There is no Kubeshark in namespace {self.namespace} ({self._kube.location()}): "
            f"no service {FRONT_SERVICE} is there. {found}"
        )

    def _command(self, port: int) -> list[str]:
        command = [program("kubectl")]
        command += [f"--kubeconfig={self._kube.kubeconfig}"] if self._kube.kubeconfig else []
        command += [f"--context={self._kube.context}"] if self._kube.context else []
        return [
            *command,
            f"--namespace={self.namespace}",
            "port-forward",
            "--address=127.0.0.1",
            f"service/{FRONT_SERVICE}",
            f":{port}",
        ]

    async def headers(self) -> Mapping[str, str]:
        """Give the token's header; nothing where no token is to be had."""
        token = await self._tokens.get()
        if token is None:
            return {}
        self._seen = tuple(dict.fromkeys((token, *self._seen)))[:3]
        return {TOKEN_HEADER: token}

    async def renew(self) -> bool:
        """Mint a token in place of one that was refused."""
        if self._tokens.present is None:
            return False
        self._tokens.refuse()
        return await self._tokens.get() is not None

    async def reconnect(self) -> bool:
        """End the forwarding when it is to blame, and look for the service anew the next time.

        One broken connection may be the Hub's doing, and other questions and downloads use the same way: so a child
        that runs is ended only when connections break twice within ten seconds.
        """
        now = self._clock()
        again, self._broken_at = now - self._broken_at < AGAIN_SECONDS, now
        if self._forward is not None and (again or not self._forward.running):
            await self._leave()
        return True

    async def _leave(self) -> None:
        forward, self._forward = self._forward, None
        if forward is not None:
            await forward.close()

    async def forget(self) -> None:
        """Leave the way: Kubeshark was started or stopped, and its service and token are others now."""
        await self._leave()
        self._tokens.refuse()

    def advice(self) -> str:
        """Say why there is no token, or what its owner may lack."""
        problem = self._tokens.problem()
        right = (
            f"A token is minted for ServiceAccount {SERVICE_ACCOUNT} (audience {AUDIENCE}); it needs the right to "
            f"create serviceaccounts/token in {self.namespace}: `kubectl auth can-i create serviceaccounts/"
            f"{SERVICE_ACCOUNT} --subresource=token -n {self.namespace}` tells."
        )
        return f"{problem} {right}".strip()

    def secrets(self) -> tuple[str, ...]:
        """Give the tokens that were used."""
        return self._seen

    def warnings(self) -> list[str]:
        """Tell why no token could be minted."""
        problem = self._tokens.problem()
        return [problem] if problem else []

    async def close(self) -> None:
        """End the forwarding and leave the cluster."""
        await self._leave()
        await self._kube.close()
