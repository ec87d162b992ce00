"""What is broken on purpose is caught, and at the right place: a skill, a tool, a truth."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from evals import suites
from evals.desk import SERVER_VARIABLE
from evals.outcomes import Outcome
from evals.runner.offline import Offline, run_offline
from evals.runner.skills import SKILLS

BROKEN = Path(__file__).parent / "broken_server.py"
FAILURES = {Outcome.FAIL, Outcome.SET_UP_FAIL}


def failures(run):
    return {f"{each.suite}/{each.case} {each.arm}": each.reasons for each in run.results if each.outcome in FAILURES}


async def try_traffic(monkeypatch, broken):
    monkeypatch.setenv(SERVER_VARIABLE, shlex.join([sys.executable, str(BROKEN), broken]))
    cases = [case for case in suites.load(("routing",)) if case.name in {"traffic/p99", "traffic/protocols"}]
    return await run_offline(Offline(cases, parallel=1))


@pytest.mark.slow
async def test_a_wrong_percentile_fails_the_case_that_reads_one(monkeypatch):
    failed = failures(await try_traffic(monkeypatch, "percentile"))
    assert [name for name in failed if name.startswith("routing")] == ["routing/traffic/p99 reference"]
    assert "get_api_stats does not say" in failed["routing/traffic/p99 reference"][0]


@pytest.mark.slow
async def test_a_dropped_page_fails_the_check_of_pages(monkeypatch):
    failed = failures(await try_traffic(monkeypatch, "page"))
    assert [name for name in failed if not name.startswith("skills")] == ["tools/pages reference"]
    assert "were announced" in failed["tools/pages reference"][0]


@pytest.fixture
def copied(tmp_path):
    """One incident whose truth can be changed."""
    folder = tmp_path / "incidents" / "douro"
    shutil.copytree(suites.INCIDENTS / "douro", folder)
    return folder, yaml.safe_load((folder / "truth.yaml").read_text())


@pytest.mark.slow
async def test_a_wrong_count_in_a_truth_fails_the_truth_and_a_wrong_cause_the_investigator(copied):
    folder, truth = copied
    truth["evidence"][0]["expect"] = {"min": 1, "max": 1}
    truth["evidence"] = truth["evidence"][:2]
    truth["cause"]["mechanism"] = "dns_resolver_slow"
    truth["accept"] = []
    (folder / "truth.yaml").write_text(yaml.safe_dump(truth))
    baseline = {"investigator": {"douro": {"found": True, "passed": True}}}
    given = Offline(suites.load(("rca",), incidents=folder.parent), baseline, 1, folder.parent)
    failed = failures(await run_offline(given))
    assert "152 of 1: the name is gone" in failed["rca/douro truth"][0]
    assert failed["rca/douro investigator"] == [
        "claimed fares.harbour - dns_name_missing; it is harbour/fares - dns_resolver_slow"
    ]


@pytest.mark.slow
async def test_a_wrong_tool_argument_or_field_in_a_skill_fails_that_skill(tmp_path):
    shutil.copytree(SKILLS, tmp_path / "skills")
    page = tmp_path / "skills" / "kfl" / "SKILL.md"
    page.write_text(
        page.read_text()
        + "\nAsk `list_api_call` or get_api_stats(db=<db>, filter='http').\n"
        + "\n```kfl\nhttp && status_codes == 500\n```\n"
    )
    run = await run_offline(Offline([], parallel=1, skills=tmp_path / "skills"))
    reasons = failures(run)["skills/kfl reference"]
    assert reasons[0] == "SKILL.md names the tool list_api_call, which does not exist"
    assert reasons[1] == "SKILL.md gives get_api_stats the argument filter, which it has not"
    assert reasons[2].startswith("SKILL.md shows a wrong filter: http && status_codes == 500")


def test_a_truth_that_cannot_be_read_and_a_case_twice_are_refused(tmp_path, copied):
    folder, truth = copied
    (folder / "truth.yaml").write_text(yaml.safe_dump({**truth, "cause": None}))
    with pytest.raises(suites.CaseError, match=r"douro/truth.yaml is no truth"):
        suites.load(("rca",), incidents=folder.parent)
    case = {"name": "a", "covers": "dns", "question": "Which names?", "kfl": "dns"}
    (tmp_path / "kfl").mkdir()
    (tmp_path / "kfl" / "x.yaml").write_text(yaml.safe_dump({"cases": [case, case]}))
    with pytest.raises(suites.CaseError, match="kfl/x/a is there twice"):
        suites.load(("kfl",), cases=tmp_path)
    (tmp_path / "kfl" / "x.yaml").write_text(yaml.safe_dump({"cases": [{**case, "filter": "dns"}]}))
    with pytest.raises(suites.CaseError, match="Extra inputs are not permitted"):
        suites.load(("kfl",), cases=tmp_path)
