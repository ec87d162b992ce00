"""Key logs: found, read, and kept with a snapshot for its owner alone."""

from __future__ import annotations

import stat
import struct
from pathlib import Path

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub.embedded import EmbeddedHub
from kubeshark_mcp.hub.keylogs import keep_key_logs, kept_key_logs, key_log_files, read_key_logs
from kubeshark_mcp.hub.offline import Offline
from kubeshark_mcp.hub.sources import CaptureSource

from .conftest import ended

RECORDED = Path(__file__).resolve().parents[1] / "recordings" / "tlsx"
SECRET = f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}"
SESSION = f"RSA Session-ID:{'01' * 32} Master-Key:{'cd' * 48}"


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_named_ones_are_taken_else_those_beside_the_captures(tmp_path: Path):
    beside = written(tmp_path / "a.pcap.keylog", SECRET)
    sources = [CaptureSource(tmp_path / "a.pcap", "a"), CaptureSource(tmp_path / "b.pcap", "b")]
    assert key_log_files(sources, []) == [beside]
    assert key_log_files(sources, [tmp_path / "other"]) == [tmp_path / "other"]


def test_lines_with_secrets_are_read_and_comments_are_not(tmp_path: Path):
    path = written(tmp_path / "keys", "# SSL/TLS secrets log file", "", f"  {SECRET}", SESSION, "CLIENT_RANDOM xyz")
    assert read_key_logs([path]) == [SECRET, SESSION]
    assert read_key_logs([written(tmp_path / "empty")]) == []


def test_what_is_no_key_log_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"page.html' is no key log: .* SSLKEYLOGFILE=FILE"):
        read_key_logs([written(tmp_path / "page.html", "<html>")])
    with pytest.raises(UsageError, match=r"The key log '.*absent' cannot be read: No such file or directory\."):
        read_key_logs([tmp_path / "absent"])


def test_a_snapshot_keeps_each_secret_once_for_its_owner_alone(tmp_path: Path):
    paths = [written(tmp_path / name, SECRET, "# comment") for name in ("one", "two")]
    keep_key_logs(paths, tmp_path)
    (kept,) = kept_key_logs(tmp_path)
    assert kept.read_text() == f"{SECRET}\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_snapshot_without_secrets_keeps_no_file(tmp_path: Path):
    keep_key_logs([], tmp_path)
    assert kept_key_logs(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


async def test_a_snapshot_takes_the_secrets_along_and_its_dissection_decrypts(tmp_path: Path):
    source = tmp_path / "node-a.pcap"
    source.write_bytes((RECORDED / "version13.pcap").read_bytes())
    keys = tmp_path / "secrets.txt"
    keys.write_bytes((RECORDED / "version13.pcap.keylog").read_bytes())
    hub = EmbeddedHub(tmp_path / "workspace", [CaptureSource(source, "node-a")], key_logs=[keys])
    made = await hub.create_snapshot(c.SnapshotRequest(name="tls"))
    assert (await ended(lambda: hub.snapshot(made.id))).status is c.JobStatus.COMPLETED
    keys.unlink()
    await hub.start_dissection(made.id)
    assert (await ended(lambda: hub.dissection(made.id))).status is c.JobStatus.COMPLETED
    page = await hub.calls(c.CallQuery(kfl='http && tls && capture_source == "pcap_tls"', limit=100))
    assert page.total == 7
    jobs = "".join(path.read_text() for path in (tmp_path / "workspace" / "jobs").glob("*.json"))
    assert "secrets.txt" in jobs
    assert keys_of(RECORDED / "version13.pcap.keylog")[0] not in jobs
    await hub.close()


def keys_of(path: Path) -> list[str]:
    return [line.split()[-1] for line in path.read_text().splitlines() if line.startswith("CLIENT")]


def test_a_key_log_that_is_not_there_is_refused_at_the_start(tmp_path: Path):
    with pytest.raises(UsageError, match=r"The key log '.*absent' is not a file that can be read: check the path\."):
        EmbeddedHub(tmp_path / "workspace", key_logs=[tmp_path / "absent"])


def test_secrets_in_a_capture_are_used_as_they_come_up(tmp_path: Path):
    """A decryption secrets block (pcapng) may lie anywhere before the packets it is for."""
    lines = (RECORDED / "version13.pcap.keylog").read_bytes()
    path = tmp_path / "with-secrets.pcapng"
    path.write_bytes(as_pcapng((RECORDED / "version13.pcap").read_bytes(), lines))
    (tmp_path / "scratch").mkdir()
    offline = Offline([str(path)], [], [], tmp_path / "scratch")
    offline.dissect(lambda fraction: None)
    assert len(list(offline.entries("http && tls", None, False))) == 7


def as_pcapng(pcap: bytes, secrets: bytes) -> bytes:
    """Write a pcap (little-endian, microseconds) as pcapng with its secrets before the first packet."""
    made = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    made += block(1, struct.pack("<HHI", struct.unpack_from("<I", pcap, 20)[0], 0, 0))
    made += block(10, struct.pack("<II", 0x544C534B, len(secrets)) + secrets)
    position = 24
    while position < len(pcap):
        seconds, micro, captured, original = struct.unpack_from("<4I", pcap, position)
        at = seconds * 10**6 + micro
        data = pcap[position + 16 : position + 16 + captured]
        made += block(6, struct.pack("<5I", 0, at >> 32, at & 0xFFFFFFFF, captured, original) + data)
        position += 16 + captured
    return made


def block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
