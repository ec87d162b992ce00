"""What is written down of a recording: counts by the pods' logs, addresses in place of words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from evals.lab.build import capture_bytes, expected, tell
from evals.lab.incident import Claim, Incident, Witnessed, dns_server, http_service
from evals.lab.logs import Logs
from evals.lab.plan import make_plan
from evals.lab.record import SUFFIX, Window
from evals.lab.truth import Cause, Expected, Fact, Wrong

START = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
END = START + timedelta(seconds=20)
FAULT = START + timedelta(seconds=8)


@pytest.fixture
def window(tmp_path):
    lines = [
        f'{{"t":{(START + timedelta(seconds=n)).timestamp()},"end":0,"protocol":"http","n":{n}}}' for n in (3, 9, 12)
    ]
    (tmp_path / "cart-1.jsonl").write_text("\n".join(lines) + "\n")
    logs = Logs(tmp_path, {"cart-1": "cart"}, START.timestamp(), END.timestamp(), FAULT.timestamp())
    return Window(START, END, FAULT, logs)


def incident(**more):
    told = {
        "name": "tiber",
        "title": "Carts are slow",
        "workloads": (dns_server("b"), http_service("shop", "cart", "ab", {})),
        "claims": (
            Claim(
                'http && dst.ip == "$cart_1"', "calls", lambda logs: len(logs.of("cart")), slack=1, baseline=0,
                tshark=Witnessed("node-b", "http && ip.dst == $cart_1"),
            ),
        ),
        "must_not_claim": (Wrong(component="kube-system/dns", why="It is fast."),),
        "cause": Cause(component="shop/cart", mechanism="bad_replica"),
        "chain": ("shop/cart",),
        "facts": (Fact(says="only $cart_1_pod", match=("$cart_1",)),),
    }  # fmt: skip
    return Incident(**{**told, **more})


def test_counts_come_from_the_logs_and_words_become_addresses(window):
    case = incident()
    plan = make_plan(case)
    truth = tell(case, plan, window, before=None)
    (evidence,) = truth.evidence
    assert evidence.kfl == 'http && dst.ip == "10.244.2.11"'
    assert evidence.expect == Expected(min=2, max=4, logged=True)
    assert evidence.baseline is None
    assert (evidence.tshark.filter, evidence.tshark.packets) == ("http && ip.dst == 10.244.2.11", evidence.expect)
    assert truth.facts[0].says == f"only {plan.pods['cart'][1].name}"
    assert (truth.window, truth.onset) == ((START, END), FAULT)


def test_with_a_baseline_its_counts_are_written_too(window):
    (evidence,) = tell(incident(), make_plan(incident()), window, before=window).evidence
    assert evidence.baseline == Expected(min=0, max=1)


def test_the_onset_may_be_the_first_of_some_calls(window):
    case = incident(onset=lambda logs: logs.of("cart").that(lambda row: row["n"] > 9))
    assert tell(case, make_plan(case), window, None).onset == START + timedelta(seconds=12)


def test_a_healthy_case_has_no_onset(window):
    case = incident(cause=None, chain=(), facts=())
    truth = tell(case, make_plan(case), window, None)
    assert (truth.healthy, truth.onset) == (True, None)


def test_slack_never_goes_below_zero():
    assert expected(1, None, 3) == Expected(min=0, max=4)


def test_sizes_of_all_captures_are_added(tmp_path):
    (tmp_path / "baseline").mkdir()
    for folder in (tmp_path, tmp_path / "baseline"):
        (folder / f"node-a{SUFFIX}").write_bytes(bytes(10))
        (folder / "resources.json").write_bytes(bytes(99))
    assert capture_bytes(tmp_path) == 20
