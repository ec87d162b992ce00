"""The verifier: what holds, what does not, and that a wrong truth is caught through the real server."""

from __future__ import annotations

import shutil

import pytest
import yaml

from evals.lab.discovery import COMMITTED
from evals.lab.truth import Expected
from evals.lab.verify import Check, Proof, verify_all


def check(found: int) -> Check:
    return Check("kubeshark", "fault", "http", "calls", Expected(min=3, max=3), found)


def test_a_proof_holds_when_all_checks_do_and_there_are_some():
    assert Proof("a", [check(3)]).holds
    assert not Proof("a", [check(3), check(4)]).holds
    assert not Proof("a").holds
    assert not Proof("a", [check(3)], ["unreadable"]).holds


def test_only_failures_are_told():
    assert Proof("a", [check(3), check(4)], ["unreadable"]).lines() == [
        "FAIL unreadable",
        "FAIL kubeshark (fault): 4 of 3: calls [http]",
    ]


async def test_a_folder_without_a_truth_is_a_problem_and_no_proof(tmp_path):
    (proof,) = await verify_all([tmp_path])
    assert not proof.holds
    assert "truth.yaml" in proof.problems[0]


@pytest.fixture
def copied(tmp_path):
    """A recorded incident whose truth can be changed."""
    folder = tmp_path / "tiber"
    shutil.copytree(COMMITTED / "tiber", folder, ignore=shutil.ignore_patterns("baseline"))
    truth = yaml.safe_load((folder / "truth.yaml").read_text())
    for evidence in truth["evidence"]:
        evidence.pop("baseline", None)
    return folder, truth


async def test_a_truth_with_a_wrong_count_is_caught(copied):
    folder, truth = copied
    count = truth["evidence"][0]["expect"]["min"]
    truth["evidence"][0]["expect"] = {"min": count + 1}
    truth["evidence"] = truth["evidence"][:1]
    (folder / "truth.yaml").write_text(yaml.safe_dump(truth))
    (proof,) = await verify_all([folder], thorough=False)
    assert [(each.found, each.holds) for each in proof.checks] == [(count, False)]


@pytest.mark.slow
async def test_a_truth_with_a_wrong_filter_or_a_wrong_name_is_caught(copied):
    folder, truth = copied
    truth["evidence"] = truth["evidence"][:1]
    truth["evidence"][0]["kfl"] = "http && no_such_field"
    truth["name"] = "elbe"
    (folder / "truth.yaml").write_text(yaml.safe_dump(truth))
    (proof,) = await verify_all([folder], thorough=False)
    assert "`no_such_field` is not a field" in proof.problems[0]
