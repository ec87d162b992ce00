"""A small Kubernetes API server on a real port (pods, services, TokenRequest), a fake Hub, and fake programs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "minted-5f2d8c1b9a7e"


def pod(name: str, ready: bool = True, tag: str = "v53.1", **status: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": name,
            "labels": {"app.kubernetes.io/name": "kubeshark"},
        },
        "spec": {"containers": [{"name": "main", "image": f"docker.io/kubeshark/hub:{tag}"}]},
        "status": {
            "phase": "Running" if ready else "Pending",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False", "message": "not yet"}],
            **status,
        },
    }


WHOLE = [pod("kubeshark-front-1"), pod("kubeshark-hub-1"), pod("kubeshark-worker-daemon-set-x")]
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "kubeshark-front", "namespace": "default"},
    "spec": {"ports": [{"name": "http", "port": 80}]},
}


class HttpServer:
    """Answers requests by a function of (method, target, headers, body) that gives (status, JSON)."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        raise NotImplementedError

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in head[1:] if line}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            status, value = self.answer(method, target, headers, json.loads(body) if body else None)
            data = json.dumps(value).encode()
            lines = [f"HTTP/1.1 {status} X", "Content-Type: application/json", f"Content-Length: {len(data)}"]
            writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode() + data)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class FakeHub(HttpServer):
    """A Hub that wants the token that is good now."""

    def __init__(self, tools: list[str], good: set[str] | None = None) -> None:
        super().__init__()
        self.good = good
        self.tools = tools
        self.presented: list[str | None] = []

    def answer(self, method: str, target: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        self.presented.append(headers.get("x-kubeshark-authorization"))
        if self.good is not None and self.presented[-1] not in self.good:
            return 401, "unauthorised"
        if method == "GET":
            tools = [{"name": name, "inputSchema": {}} for name in self.tools]
            return 200, {"name": "hub", "version": "53.1", "tools": tools}
        return 200, {"enabled": True} if body["name"] == "get_dissection_status" else {"snapshots": []}


class FakeCluster(HttpServer):
    """A Kubernetes API. pods, service: what there is; minting: what TokenRequest answers (a status, or tokens)."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.pods: list[dict[str, Any]] = list(WHOLE)
        self.service: dict[str, Any] | None = SERVICE
        self.minted = 0
        self.refuse_minting: int | None = None
        self.lifetime = 3600
        self.asked: list[str] = []
        self.requests: list[Any] = []
        self.forbidden: set[str] = set()
        self.kubeconfig = folder / "kubeconfig"
        self._folder = folder

    async def __aenter__(self) -> FakeCluster:
        port = await self.start()
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
                    "users": [{"name": "u", "user": {"token": "me"}}],
                    "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "test",
                }
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def answer(self, method: str, target: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        parts = urlsplit(target)
        self.asked.append(f"{method} {parts.path}")
        if any(parts.path.endswith(ending) for ending in self.forbidden):
            return 403, _status(403, "forbidden for you")
        if parts.path.endswith("/pods"):
            assert parse_qs(parts.query)["labelSelector"] == ["app.kubernetes.io/name=kubeshark"]
            return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self.pods}
        if parts.path == "/api/v1/services":
            items = [self.service] if self.service else []
            return 200, {"kind": "ServiceList", "apiVersion": "v1", "metadata": {}, "items": items}
        if "/services/" in parts.path:
            there = self.service and self.service["metadata"]["namespace"] in parts.path.split("/")
            return (200, self.service) if there else (404, _status(404, "services not found"))
        if parts.path.endswith("/serviceaccounts/kubeshark-cli/token"):
            return self._mint(body)
        return 404, _status(404, f"no {parts.path}")

    def _mint(self, body: Any) -> tuple[int, Any]:
        self.requests.append(body)
        if self.refuse_minting is not None:
            return self.refuse_minting, _status(self.refuse_minting, "cannot create serviceaccounts/token")
        self.minted += 1
        made, hours, minutes = "2020-01-01T00:00:00Z", self.lifetime // 3600, self.lifetime % 3600 // 60
        return 201, {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": "kubeshark-cli", "creationTimestamp": made},
            "spec": body["spec"],
            "status": {
                "token": f"{TOKEN}-{self.minted}",
                "expirationTimestamp": f"2020-01-01T{hours:02}:{minutes:02}:00Z",
            },
        }


def _status(code: int, message: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, "reason": "X"}


class Programs:
    """Shell scripts that stand in for kubectl, kubeshark and helm; each notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, *lines: str) -> None:
        path = self.folder / name
        log = f'printf "%s\\n" "$*" >> {self.folder / name}.log'
        path.write_text("\n".join(["#!/bin/sh", "PATH=/usr/bin:/bin", log, *lines, ""]))
        path.chmod(0o755)

    def calls(self, name: str) -> list[str]:
        path = self.folder / f"{name}.log"
        return path.read_text().splitlines() if path.exists() else []

    def kubectl_to(self, port: int) -> None:
        """Let kubectl forward to a port of this machine."""
        (self.folder / "port").write_text(str(port))
        self.write("kubectl", f'echo "Forwarding from 127.0.0.1:$(cat {self.folder / "port"}) -> 80"', "exec sleep 600")


class Clock:
    """Monotonic seconds that pass when told; sleeping lets them pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0.005)
