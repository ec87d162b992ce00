"""The door to the storage: each provider as it is configured, and what goes wrong in words."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest

from kubeshark_mcp.errors import HubError, NotFoundError, UsageError
from kubeshark_mcp.hub.cloud.settings import CloudSettings, Provider, read_settings
from kubeshark_mcp.hub.cloud.store import PART_BYTES, CloudStore, open_store

from .conftest import FORBIDDEN, S3


@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch):
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "SNAPSHOT_"))]:
        monkeypatch.delenv(name)


def opened(environment: dict[str, str]) -> CloudStore:
    settings = read_settings(environment)
    assert settings is not None
    return open_store(settings, environment)


def test_a_folder_holds_objects_under_the_prefix(bucket, folder_environment):
    store = opened(folder_environment)
    store.write("snapshots/a/manifest.json", b"{}")
    store.upload("snapshots/b/big", iter([b"x" * (1 << 20)] * 9), 9 << 20)
    assert store.ids() == ["a", "b"]
    assert store.read("snapshots/a/manifest.json", 100) == b"{}"
    assert b"".join(store.download("snapshots/b/big")) == b"x" * (9 << 20)
    assert (bucket / "team" / "a" / "snapshots" / "a" / "manifest.json").read_bytes() == b"{}"
    with pytest.raises(NotFoundError, match="does not have that object"):
        store.read("snapshots/c/manifest.json", 100)
    with pytest.raises(HubError, match="has 2 bytes, which is too much"):
        store.read("snapshots/a/manifest.json", 1)


def test_a_folder_that_is_not_there_is_not_made(bucket, folder_environment):
    bucket.rmdir()
    with pytest.raises(HubError, match="does not exist: check the folder"):
        opened(folder_environment)
    assert not bucket.exists()


def test_s3_takes_an_object_in_parts_and_forgets_one_that_is_cut(s3):
    store = opened(s3.environment())
    size = 2 * PART_BYTES + 5

    def chunks(whole: bool) -> Any:
        for _ in range(2 * PART_BYTES >> 20):
            yield b"x" * (1 << 20)
        if not whole:
            raise RuntimeError("cut")
        yield b"12345"

    store.upload("snapshots/a/big", chunks(True), size)
    assert sum(len(chunk) for chunk in store.download("snapshots/a/big")) == size
    with pytest.raises(RuntimeError, match="cut"):
        store.upload("snapshots/a/cut", chunks(False), size)
    assert s3.names() == ["team/snapshots/a/big"]
    assert s3.asked.count(("POST", "/captures/team/snapshots/a/cut")) == 1, "begun, never completed"
    assert store.ids() == ["a"]


def test_a_bucket_that_does_not_exist_is_named(s3):
    store = opened(s3.environment(SNAPSHOT_AWS_BUCKET="nobodys"))
    with pytest.raises(HubError, match=r"s3://nobodys/team does not exist: check the bucket \(SNAPSHOT_AWS_BUCKET\)"):
        store.ids()
    with pytest.raises(HubError, match="does not exist"):
        store.read("snapshots/x", 10)
    with pytest.raises(HubError, match="does not exist"):
        store.write("snapshots/x", b"")


def test_wrong_credentials_are_said_without_them(s3):
    s3.interfere = lambda request: FORBIDDEN
    store = opened(s3.environment())
    with pytest.raises(
        HubError, match=r"refused the credentials \(SignatureDoesNotMatch\): check SNAPSHOT_AWS_ACC"
    ) as no:
        store.ids()
    assert no.value.__cause__ is None
    assert not {"AKIDOFTESTS", "hunter2-secret"} & set(str(no.value).replace("'", " ").split())


def test_storage_that_cannot_be_reached_is_said_soon():
    environment = {
        "SNAPSHOT_AWS_BUCKET": "b",
        "SNAPSHOT_AWS_ACCESS_KEY": "k",
        "SNAPSHOT_AWS_SECRET_KEY": "hunter2",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    with pytest.raises(HubError, match="s3://b cannot be reached: check the network and the address"):
        opened(environment).ids()


def test_a_key_of_ours_is_never_mixed_with_a_session_of_the_environment(s3, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "other")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "other")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "other")
    seen = []

    def look(request: dict[str, Any]) -> None:
        seen.append((request["HTTP_AUTHORIZATION"].split("/")[0], request.get("HTTP_X_AMZ_SECURITY_TOKEN")))

    s3.interfere = look
    assert opened(s3.environment()).ids() == []
    assert seen == [("AWS4-HMAC-SHA256 Credential=AKIDOFTESTS", None)]


def test_a_role_is_assumed_with_its_external_id_and_used(s3):
    seen = []

    def look(request: dict[str, Any]) -> None:
        seen.append((request["PATH_INFO"], request["HTTP_AUTHORIZATION"].split("/")[0].rpartition("=")[2]))

    s3.interfere = look
    role = {"SNAPSHOT_AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/captures", "SNAPSHOT_AWS_EXTERNAL_ID": "hunter2"}
    store = opened(s3.environment(**role))
    store.write("snapshots/a/manifest.json", b"{}")
    assert store.ids() == ["a"]
    assert seen[0] == ("/", "AKIDOFTESTS")
    assert [path for path, _ in seen[1:]] == ["/captures/team/snapshots/a/manifest.json", "/captures"]
    assert {key.startswith("ASIA") for _, key in seen[1:]} == {True}, "with the role's key, asked for once"


def test_a_role_without_a_key_that_may_assume_it_is_refused():
    environment = {"SNAPSHOT_AWS_BUCKET": "b", "SNAPSHOT_AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
    with pytest.raises(UsageError, match="needs a key that may assume the role"):
        opened(environment)


class FakeGcs(BaseHTTPRequestHandler):
    """As much of Google's XML interface as one object needs: put, get, list; each with the ETag that clients want."""

    objects: ClassVar[dict[str, bytes]] = {}

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes = b"") -> None:
        self.send_response(200)
        fields = {"Content-Length": len(body), "ETag": '"1"', "Last-Modified": "Sun, 01 Nov 2026 13:00:00 GMT"}
        for name, value in {**fields, "x-goog-generation": "1"}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.objects[unquote(self.path).removeprefix("/captures/")] = self.rfile.read(
            int(self.headers["Content-Length"])
        )
        self._answer()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if "list-type=2" not in query:
            self._answer(self.objects[unquote(path).removeprefix("/captures/")])
            return
        folders = "".join(
            f"<CommonPrefixes><Prefix>{name.rpartition('/')[0]}/</Prefix></CommonPrefixes>" for name in self.objects
        )
        self._answer(f"<ListBucketResult><Name>captures</Name>{folders}</ListBucketResult>".encode())


def test_google_cloud_storage_over_its_xml_interface():
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeGcs)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    account = {"gcs_base_url": url, "disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    store = opened({"SNAPSHOT_GCS_BUCKET": "captures", "SNAPSHOT_GCS_CREDENTIALS_JSON": json.dumps(account)})
    store.write("snapshots/a/manifest.json", b"{}")
    assert store.ids() == ["a"]
    assert store.read("snapshots/a/manifest.json", 10) == b"{}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_azure_is_asked_with_its_key_and_a_wrong_one_is_said(s3: S3):
    seen = []

    def refuse(request: dict[str, Any]) -> bytes:
        seen.append((request["PATH_INFO"], request["HTTP_AUTHORIZATION"].partition(":")[0]))
        return b"<Error><Code>AuthenticationFailed</Code></Error>"

    s3.interfere = refuse
    environment = {
        "SNAPSHOT_AZBLOB_STORAGE_ACCOUNT": "acme",
        "SNAPSHOT_AZBLOB_CONTAINER": "captures",
        "SNAPSHOT_AZBLOB_STORAGE_KEY": "aHVudGVyMg==",
        "AZURE_STORAGE_ENDPOINT": s3.url,
    }
    with pytest.raises(HubError, match=r"azblob://acme/captures refused the credentials \(AuthenticationFailed\)"):
        opened(environment).ids()
    assert seen == [("/captures", "SharedKey acme")]


def test_settings_that_the_client_cannot_read_are_said_without_them():
    settings = CloudSettings(Provider.GCS, "captures", secret='{"hunter2": }')
    with pytest.raises(HubError, match="gcs://captures failed") as refused:
        open_store(settings, {})
    assert "hunter2" not in str(refused.value)
