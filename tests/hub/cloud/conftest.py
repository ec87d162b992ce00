"""A small snapshot, workspaces around it, a folder as storage, and S3 as moto serves it on the loopback."""

from __future__ import annotations

import os
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kubeshark_mcp.hub.contract import JobStatus, Snapshot
from kubeshark_mcp.hub.workspace import Workspace, write_json

ID = "incident-1"
START = datetime(2026, 11, 1, 13, tzinfo=UTC)
SNAPSHOT = Snapshot(
    id=ID,
    name="Incident",
    status=JobStatus.COMPLETED,
    size_bytes=10,
    created_at=START,
    nodes=["node-a"],
    packet_count=3,
)
ODD_NAME = "000-my capture #1 (ü).pcap"
FORBIDDEN = (
    b'<?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message>'
    b"<AWSAccessKeyId>AKIDOFTESTS</AWSAccessKeyId><StringToSign>hunter2-secret</StringToSign></Error>"
)


def with_snapshot(folder: Path, packets: bytes = b"packets") -> Workspace:
    """Make a workspace with one small snapshot, its dissection and a leftover."""
    workspace = Workspace(folder)
    snapshot = workspace.snapshot(ID)
    (snapshot / "nodes" / "node-a").mkdir(parents=True)
    (snapshot / "nodes" / "node-a" / ODD_NAME).write_bytes(packets)
    (snapshot / "resources.json").write_bytes(b"{}")
    (snapshot / "dissections" / "default").mkdir(parents=True)
    (snapshot / "dissections" / "default" / "entries.parquet").write_bytes(b"made from packets")
    (snapshot / ".writing-x").write_bytes(b"half")
    write_json(snapshot / "snapshot.json", SNAPSHOT.model_dump(mode="json"))
    return workspace


def contents(folder: Path) -> dict[str, bytes]:
    """Give the files of a folder by their names, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def quiet(fraction: float, result: dict[str, Any]) -> None:
    """Take progress and say nothing."""


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    (tmp_path / "bucket").mkdir()
    return tmp_path / "bucket"


@pytest.fixture
def folder_environment(bucket: Path) -> dict[str, str]:
    """Give the whole environment of a server whose storage is a folder."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("SNAPSHOT_", "AWS_"))}
    return {**bare, "SNAPSHOT_CLOUD_URL": bucket.as_uri(), "SNAPSHOT_CLOUD_PREFIX": "team/a"}


@dataclass
class S3:
    """An S3 endpoint. interfere: looks at each request first; what it returns is answered instead."""

    url: str = ""
    interfere: Callable[[dict[str, Any]], bytes | None] | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        bare = {name: value for name, value in os.environ.items() if not name.startswith(("SNAPSHOT_", "AWS_"))}
        return {
            **bare,
            "SNAPSHOT_AWS_BUCKET": "captures",
            "SNAPSHOT_AWS_REGION": "eu-west-1",
            "SNAPSHOT_AWS_ACCESS_KEY": "AKIDOFTESTS",
            "SNAPSHOT_AWS_SECRET_KEY": "hunter2-secret",
            "SNAPSHOT_CLOUD_PREFIX": "team",
            "AWS_ENDPOINT_URL": self.url,
            **more,
        }

    def names(self) -> list[str]:
        with urllib.request.urlopen(f"{self.url}/captures?list-type=2") as answer:
            return [part.partition("</Key>")[0] for part in answer.read().decode().split("<Key>")[1:]]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    import logging

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    moto = DomainDispatcherApplication(create_backend_app)
    one = S3()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        one.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        refused = (
            one.interfere(environ) if one.interfere is not None and "moto-api" not in environ["PATH_INFO"] else None
        )
        if refused is not None:
            start_response(
                "403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(refused)))]
            )
            return [refused]
        return moto(environ, start_response)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    one.url = f"http://127.0.0.1:{server.server_port}"
    yield one
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def s3(s3_server: S3) -> S3:
    """Give S3 with the bucket `captures`, empty."""
    s3_server.interfere = None
    urllib.request.urlopen(urllib.request.Request(f"{s3_server.url}/moto-api/reset", method="POST")).close()
    place = b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"
    made = urllib.request.Request(f"{s3_server.url}/captures", data=place, method="PUT")
    urllib.request.urlopen(made).close()
    s3_server.asked.clear()
    return s3_server
