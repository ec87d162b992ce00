"""Diagnoses of captures that lack something: fewer findings, less confidence, never a wrong cause, and it is said."""

from __future__ import annotations

import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeshark_mcp.analyse.causality import GENERIC
from kubeshark_mcp.analyse.detector import load_detectors
from kubeshark_mcp.capture.source import open_stream
from kubeshark_mcp.hub.analysis import diagnosis_of
from kubeshark_mcp.hub.contract_analysis import Diagnosis
from kubeshark_mcp.hub.offline import Offline

INCIDENTS = sorted(path.parent for path in (Path(__file__).parents[2] / "evals" / "incidents").glob("*/truth.yaml"))
FAST = {"ebro": "half", "drava": "without objects"}
"""Incidents and what they lack in the quick tests; all others are slow."""
KNOWN = {
    ("meuse", "first half"): "the fault is too young: the symptom is seen, its cause only as calls that fail too",
    ("narew", "second half"): "answers were large all the time: the limit that refuses them looks like the fault",
    ("prut", "second half"): "the window is zero all the time: resets of waiting calls look like the fault",
}
"""Diagnoses that blame a symptom, and why; each stops being expected as soon as it is right."""
_HEADER, _RECORD = 24, 16
Kept = Callable[[float, random.Random], bool]
PARTS: dict[str, Kept] = {
    "half": lambda place, chance: chance.random() < 0.5,
    "first half": lambda place, chance: place < 0.5,
    "second half": lambda place, chance: place >= 0.5,
}
VARIANTS = (*PARTS, "node-a alone", "node-b alone", "without objects")


def unpacked(capture: Path) -> bytes:
    stream, room, data = open_stream(capture), bytearray(1 << 20), bytearray()
    while count := stream.readinto(memoryview(room)):
        data += room[:count]
    stream.close()
    return bytes(data)


def thinned(capture: Path, to: Path, kept: Kept) -> Path:
    """Write a pcap file with some packets of another; `kept` is asked with a packet's place in time, 0 to 1."""
    data = unpacked(capture)
    records, offset = [], _HEADER
    while offset + _RECORD <= len(data):
        seconds, fraction, length = struct.unpack_from("<III", data, offset)
        records.append((seconds + fraction / 1e6, data[offset : offset + _RECORD + length]))
        offset += _RECORD + length
    begin, chance = records[0][0], random.Random(7)
    lasted = max(records[-1][0] - begin, 1e-6)
    chosen = [record for at, record in records if kept((at - begin) / lasted, chance)]
    path = to / capture.name.removesuffix(".zst")
    path.write_bytes(data[:_HEADER] + b"".join(chosen))
    return path


def diagnosed(folder: Path, variant: str, scratch: Path) -> Diagnosis:
    captures = sorted(folder.glob("*.pcap.zst"))
    if variant.endswith(" alone"):
        captures = [path for path in captures if path.name.startswith(variant.partition(" ")[0])]
    if variant in PARTS:
        captures = [thinned(path, scratch, PARTS[variant]) for path in captures]
    if variant == "without objects":
        (scratch / "bare").mkdir()
        captures = [Path(shutil.copy(path, scratch / "bare")) for path in captures]
    resources = [] if variant == "without objects" else [folder / "resources.json"]
    offline = Offline([str(path) for path in captures], resources, [], scratch)
    try:
        offline.dissect(lambda share: None)
        return diagnosis_of((folder.name, offline.facts()), load_detectors())
    finally:
        offline.close()


def workloads(folder: Path) -> dict[str, str]:
    """Give the workload behind each address, pod, service and DNS name of the cluster."""
    found: dict[str, str] = {}
    items = json.loads((folder / "resources.json").read_text())["items"]
    for one in (item for item in items if item["kind"] == "Pod"):
        space, name = one["metadata"]["namespace"], one["metadata"]["name"]
        label = f"{space}/{one['metadata'].get('labels', {}).get('app', name)}"
        found |= {address["ip"]: label for address in one["status"].get("podIPs", [])} | {f"{space}/{name}": label}
        found |= {f"node of {address['ip']}": one["spec"]["nodeName"] for address in one["status"].get("podIPs", [])}
    for one in (item for item in items if item["kind"] == "Service"):
        space, name = one["metadata"]["namespace"], one["metadata"]["name"]
        label = f"{space}/{(one['spec'].get('selector') or {}).get('app', name)}"
        names = (f"{space}/{name}", f"{name}.{space}", f"{name}.{space}.svc.cluster.local", one["spec"]["clusterIP"])
        found |= dict.fromkeys(names, label)
    return found


def wrong(found: Diagnosis, truth: dict[str, Any], known: dict[str, str]) -> list[str]:
    """Give the first finding, if it is more than a hint and blames somebody else.

    What is generic is right where it happens at the right place: the fault is seen there, if not what it is. So is an
    address on the right node: who is on which node cannot be known without objects.
    """
    if not found.findings or found.findings[0].confidence == "low":
        return []
    first = found.findings[0]
    right = [*([truth["cause"]] if truth.get("cause") else []), *truth.get("accept", []), *truth.get("also", [])]
    names = first.component.split(" -> ")
    ends = {known.get(name, name) for name in names} | {known.get(f"node of {name}", "") for name in names}
    ends |= {"/".join(reversed(name.split("."))) for name in names}  # a service that is gone is known by its name only
    for one in right:
        here = known.get(one["component"], one["component"]) in ends
        if here and (first.mechanism == one["mechanism"] or first.mechanism in GENERIC):
            return []
    return [f"{first.mechanism} at {first.component} ({first.confidence}): {first.title}"]


def _cases() -> list[Any]:
    return [
        pytest.param(
            folder,
            variant,
            id=f"{folder.name}, {variant}",
            marks=[
                *([] if FAST.get(folder.name) == variant else [pytest.mark.slow]),
                *(
                    pytest.mark.xfail(reason=KNOWN[one], strict=True)
                    for one in [(folder.name, variant)]
                    if one in KNOWN
                ),
            ],
        )
        for folder in INCIDENTS
        for variant in VARIANTS
        if not variant.endswith(" alone") or any(folder.glob(f"{variant.partition(' ')[0]}.*"))
    ]


@pytest.mark.parametrize(("folder", "variant"), _cases())
def test_what_is_lacking_makes_a_diagnosis_humble_never_wrong(folder: Path, variant: str, tmp_path: Path):
    found = diagnosed(folder, variant, tmp_path)
    truth = yaml.safe_load((folder / "truth.yaml").read_text())
    assert found.broken == []
    assert wrong(found, truth, workloads(folder)) == []
    said = " ".join(found.coverage.limits)
    if variant == "half":
        assert "lost packets itself" in said
        assert not [one for one in found.findings if one.confidence == "high"]
    if variant.endswith(" alone"):
        assert "no capture of node-" in said
    if variant == "without objects":
        assert "no Kubernetes objects" in said
