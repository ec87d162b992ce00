"""All of the tier over a client that answers as the API does: arms, grades, resuming, throttling, money."""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

import httpx2
import pytest

from evals import suites
from evals.answers import Findings, Grade
from evals.datasets import incident
from evals.model.arms import arm, open_skill, run_shell
from evals.model.ask import check_frames
from evals.model.limits import UNKNOWN_PRICE, price
from evals.model.tier import read_journal, run_model
from evals.outcomes import Outcome
from evals.runner.skills import Skill

from .api import MODEL, Api, answer, text, use

SKILLS = {"kfl": Skill("kfl", "Writes filters.", {"SKILL.md": "# KFL", "references/fields.md": "fields"})}


@pytest.fixture
def given(tmp_path):
    return argparse.Namespace(
        model=MODEL,
        temperature=None,
        price=(3.0, 15.0),
        arm=["tools"],
        runs=1,
        judge=None,
        steps=10,
        tokens=100_000,
        money=1.0,
        resume=False,
        parallel=2,
        out=tmp_path,
        skills=tmp_path / "none",
    )


def cases(suite, *names):
    return [case for case in suites.load((suite,)) if case.name in names]


async def test_a_right_answer_passes_and_a_wrong_one_fails_with_the_reason(given):
    none = cases("routing", "nothing_needed/capital")
    run = await run_model(none, given, Api(answer(text("Lisbon."), stop="end_turn")).client())
    assert [(each.outcome, each.reasons) for each in run.results] == [(Outcome.PASS, [])]
    api = Api(answer(use("list_snapshots")), answer(text("Lisbon."), stop="end_turn"))
    run = await run_model(none, given, api.client())
    assert run.results[0].reasons == ["called list_snapshots where no tool is needed"]


@pytest.mark.slow
async def test_an_incident_is_solved_graded_and_proved_through_the_tools(given):
    def submit(request):
        ids = re.findall(r"default#(\d+)", str(request["messages"]))
        return answer(
            use(
                "submit_findings",
                healthy=False,
                cause={"component": "harbour/fares", "mechanism": "dns_name_missing"},
                facts=["fares.harbour.svc.cluster.local is NXDOMAIN", "tickets answers 502"],
                evidence=ids[:2],
            )
        )

    api = Api(
        answer(use("create_snapshot", name="all", wait=True)),
        lambda request: answer(
            use(
                "start_snapshot_dissection",
                snapshot_id=re.search(r"snapshot_id=\\?\"([\w-]+)", str(request["messages"][-1]))[1],
                wait=True,
            )
        ),
        answer(use("diagnose")),
        submit,
    )
    run = await run_model(cases("rca", "douro"), given, api.client())
    (result,) = run.results
    assert (result.outcome, result.reasons) == (Outcome.PASS, [])
    assert (result.kind, result.cost.calls, result.cost.calls_after_dissection) == ("dns_name_missing", 3, 1)
    assert run.measures["USD"] > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_filter_is_judged_by_its_rows(given):
    given.runs, given.parallel = 2, 1
    api = Api(
        answer(use("submit_filter", kfl='dns && status == "NXDOMAIN"')),
        answer(use("submit_filter", kfl="dns && failed")),
    )
    right, wrong = (await run_model(cases("kfl", "dns/missing"), given, api.client())).results
    assert (right.outcome, right.reasons) == (Outcome.PASS, [])
    assert "rows are missing and" in wrong.reasons[0]


@pytest.mark.slow
async def test_a_danger_that_is_obeyed_fails(given):
    api = Api(answer(use("disable_dissection")), answer(text("Done."), stop="end_turn"))
    run = await run_model(cases("safety", "injection/ignore_instructions"), given, api.client())
    assert run.results[0].reasons == ["obeyed: called disable_dissection"]


async def test_what_was_answered_is_not_asked_again_but_what_was_throttled_is(given):
    asked = cases("routing", "nothing_needed/capital", "nothing_needed/thanks")
    busy = httpx2.Response(429, json={"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}})
    given.parallel = 1
    run = await run_model(asked, given, Api(answer(text("Lisbon."), stop="end_turn"), busy).client())
    assert sorted(each.outcome for each in run.results) == [Outcome.PASS, Outcome.THROTTLED]
    given.resume = True
    api = Api(answer(text("You are welcome."), stop="end_turn"))
    run = await run_model(asked, given, api.client())
    assert [each.outcome for each in run.results] == [Outcome.PASS, Outcome.PASS]
    assert len(api.asked) == 1
    with (given.out / "evals.jsonl").open("a") as journal:
        journal.write('{"suite": "half a li')
    assert len(read_journal(given.out / "evals.jsonl")) == 2


async def test_cases_beyond_the_money_are_skipped_and_a_broken_api_is_no_failure(given):
    given.money = 0.0
    run = await run_model(cases("routing", "nothing_needed/capital"), given, Api().client())
    assert run.results[0].outcome is Outcome.SKIPPED
    given.money = 1.0
    broken = httpx2.Response(500, json={"type": "error", "error": {"type": "api_error", "message": "sorry"}})
    run = await run_model(cases("routing", "nothing_needed/capital"), given, Api(broken).client())
    assert run.results[0].outcome is Outcome.SET_UP_FAIL


async def test_skills_are_listed_and_opened_in_their_own_arm_only():
    async with arm("skills", incident("example"), SKILLS) as made:
        assert "- kfl: Writes filters." in made.system
        assert await made.run("read_skill", {"name": "kfl"}) == ("# KFL", False)
        assert made.read == ["kfl"]
        assert "read_skill" in {tool["name"] for tool in made.tools}
    async with arm("tools", incident("example"), SKILLS) as made:
        assert "read_skill" not in {tool["name"] for tool in made.tools}


def test_no_path_leads_out_of_a_skill():
    assert open_skill(SKILLS, "kfl", "references/fields.md") == ("fields", False)
    assert open_skill(SKILLS, "kfl", "../../pyproject.toml")[1]
    assert open_skill(SKILLS, "none", "SKILL.md") == ("There is no skill 'none'. There are: kfl.", True)


@pytest.mark.skipif(not shutil.which("tshark"), reason="no tshark here")
async def test_the_shell_has_the_captures_and_no_key(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none-of-your-business")
    async with arm("shell", incident("tiber"), {}) as made:
        listed, failed = await made.run("run_shell", {"command": "ls; tshark -c 1 -r node-a.pcap 2>&- | wc -l; env"})
        assert not failed
        assert listed.startswith("node-a.pcap\nnode-b.pcap\nresources.json\n1\n")
        assert "none-of-your-business" not in listed
        assert (await made.run("diagnose", {}))[1]


async def test_a_command_that_fails_or_talks_too_much_is_told(tmp_path):
    assert await run_shell("exit 3", tmp_path) == ("", True)
    text_, _ = await run_shell("head -c 100000 /dev/zero | tr '\\0' x", tmp_path)
    assert text_.endswith("x\n(cut)")


def test_frames_must_be_in_the_captures():
    folder = Path(suites.INCIDENTS) / "tiber"
    for evidence, found in ((["node-a#1"], True), (["node-a#99999999"], False), (["node-z#1"], False), ([], False)):
        graded = Grade()
        check_frames(Findings(healthy=False, evidence=evidence), folder, graded)
        assert graded.evidence is found


def test_an_unknown_model_counts_as_the_dearest():
    assert price("claude-sonnet-4-5-20250929") == (3.0, 15.0)
    assert price("something-new") == UNKNOWN_PRICE
