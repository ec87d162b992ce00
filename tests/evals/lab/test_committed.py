"""The recorded incidents that are kept: small, neutral, and true."""

from __future__ import annotations

import re
import shutil

import pytest

from evals.lab.build import CEILING, capture_bytes
from evals.lab.discovery import COMMITTED, names
from evals.lab.record import SUFFIX, packets_in, unpacked
from evals.lab.truth import MECHANISMS, load_truth
from evals.lab.verify import Proof, verify_all

FOLDERS = sorted(path.parent for path in COMMITTED.glob("*/truth.yaml"))
EVERY = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
SAMPLE = ("elbe",)
FILES = re.compile(r"node-[a-c]\.pcap\.zst|resources\.json|truth\.yaml")


def test_every_recorded_incident_can_be_built_again():
    assert FOLDERS
    assert {folder.name for folder in FOLDERS} <= set(names())


@EVERY
def test_its_captures_are_small(folder):
    assert 50_000 < capture_bytes(folder) <= CEILING
    assert 3_000 < sum(packets_in(path) for path in folder.glob(f"*{SUFFIX}")) < 40_000


@EVERY
def test_it_holds_these_files_and_no_others(folder):
    for place in (folder, folder / "baseline"):
        found = {path.name for path in place.glob("*") if path.is_file()}
        assert {name for name in found if not FILES.fullmatch(name)} == set()
        if found:
            assert {"node-a.pcap.zst", "node-b.pcap.zst", "resources.json"} <= found
    assert {path.name for path in folder.iterdir() if path.is_dir()} <= {"baseline"}


@EVERY
def test_packets_are_whole(folder):
    for path in folder.rglob(f"*{SUFFIX}"):
        data, at = unpacked(path), 24
        while at < len(data):
            kept, sent = (int.from_bytes(data[at + place : at + place + 4], "little") for place in (8, 12))
            assert kept == sent
            at += 16 + kept


@EVERY
def test_nothing_in_it_states_the_answer(folder):
    words = [word.replace("_", between).encode() for word in MECHANISMS for between in "_- "]
    for path in [*folder.rglob(f"*{SUFFIX}"), *folder.rglob("resources.json")]:
        data = unpacked(path).lower()
        assert [word for word in words if word in data] == [], path.name


@EVERY
def test_its_truth_is_of_it(folder):
    truth = load_truth(folder / "truth.yaml")
    assert truth.name == folder.name
    assert any(evidence.expect.min > 0 for evidence in truth.evidence)
    lossy = truth.cause is not None and truth.cause.mechanism == "packet_loss"
    assert lossy or any(evidence.expect.logged for evidence in truth.evidence), "the pods' logs must agree"
    assert (folder / "baseline").is_dir() == any(evidence.baseline for evidence in truth.evidence)


def test_there_are_baselines_of_some_and_healthy_cases():
    truths = [load_truth(folder / "truth.yaml") for folder in FOLDERS]
    assert sum(truth.healthy for truth in truths) >= 6
    assert sum((folder / "baseline").is_dir() for folder in FOLDERS) >= 5


def failures(proofs: list[Proof]) -> dict[str, list[str]]:
    """What does not hold, by incident."""
    return {proof.name: proof.lines() or ["nothing was checked"] for proof in proofs if not proof.holds}


async def test_truths_hold_by_the_real_server():
    """A sample, as each takes seconds; `python -m evals.lab verify` and the test below take all."""
    sample = [folder for folder in FOLDERS if folder.name in SAMPLE]
    assert failures(await verify_all(sample, thorough=False)) == {}


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.timeout(900)
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
async def test_every_truth_holds_by_the_real_server_by_tshark_and_before_the_fault():
    assert failures(await verify_all(FOLDERS, jobs=2)) == {}
