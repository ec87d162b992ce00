"""Manifests: what is written can be read, and what is not sane is refused."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.errors import HubError
from kubeshark_mcp.hub.cloud.manifest import Manifest, ManifestFile, is_safe, object_name, read_manifest

from .conftest import ID, SNAPSHOT, START

FILES = [
    ManifestFile(path="nodes/node-a/x.pcap", size=7, sha256="0" * 64),
    ManifestFile(path="snapshot.json", size=3, sha256="1" * 64),
]
MANIFEST = Manifest(snapshot=SNAPSHOT, files=FILES, uploaded_at=START)


def test_a_manifest_is_read_as_it_was_written():
    assert read_manifest(MANIFEST.model_dump_json().encode(), ID) == MANIFEST
    assert MANIFEST.size == 10


def changed(**values: object) -> bytes:
    return json.dumps({**json.loads(MANIFEST.model_dump_json()), **values}).encode()


def files(*paths: str) -> list[dict[str, object]]:
    return [{"path": path, "size": 1, "sha256": "0" * 64} for path in paths]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "its text"),
        (b"\xff\x00", "its text"),
        (b"[]", "its text"),
        (changed(version=2), "version"),
        (changed(format="tar"), "format"),
        (changed(uploaded_at="2026-11-01T13:00:00"), "no zone"),
        (changed(files=files("snapshot.json", "../x")), r"file name '\.\./x' is not allowed"),
        (changed(files=files("snapshot.json", "/etc/passwd")), "not allowed"),
        (changed(files=files("snapshot.json", "a\\b")), "not allowed"),
        (changed(files=files("snapshot.json", "dissections/default/entries.parquet")), "not allowed"),
        (changed(files=files("snapshot.json", "snapshot.json")), "named twice"),
        (changed(files=files("x")), "snapshot.json is missing"),
        (changed(files=[{"path": "snapshot.json", "size": -1, "sha256": "0" * 64}]), "files.0.size"),
        (changed(files=[{"path": "snapshot.json", "size": 1, "sha256": "zz"}]), "files.0.sha256"),
    ],
)
def test_a_manifest_that_is_not_sane_is_refused(data, says):
    with pytest.raises(HubError, match=says):
        read_manifest(data, ID)


def test_a_manifest_of_another_snapshot_is_refused():
    with pytest.raises(HubError, match="it is that of the snapshot 'incident-1'"):
        read_manifest(MANIFEST.model_dump_json().encode(), "other")


@given(st.text(max_size=40))
def test_a_safe_path_never_leads_out_of_its_folder(path):
    if is_safe(path):
        parts = path.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert not any(part.startswith(".") or "\0" in part for part in parts)


@given(st.text(max_size=30), st.text(max_size=30))
def test_object_names_are_plain_and_different_for_different_paths(one, other):
    names = [object_name(text.encode("utf-8", "replace").decode()) for text in (one, other)]
    assert all(name.isascii() and name.isprintable() and " " not in name for name in names)
    same = one.encode("utf-8", "replace") == other.encode("utf-8", "replace")
    assert (names[0] == names[1]) == same


def test_plain_names_stay_readable():
    assert object_name("nodes/node-a/000-x.pcap") == "nodes/node-a/000-x.pcap"
    assert object_name("a b=ü") == "a=20b=3D=C3=BC"
    assert datetime.fromisoformat(json.loads(changed())["uploaded_at"]) == START
