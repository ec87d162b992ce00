"""Prompts filled in: for what was asked, and for what there is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.queries import Language
from kubeshark_mcp.prompts import PROMPTS, Situation, prompt_text
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, describe_tools

EVERY = frozenset(
    tool["name"] for tool in describe_tools(ServerOptions(selection=Selection(allow_destructive=True, cluster=True)))
)
HERE = Situation(EVERY, kind="embedded", running=True)
REQUIRED = {
    "trace_request": {"request": "/api/orders"},
    "compare_traffic": {"before": "s1/default", "after": "s2/default"},
    "debug_connection": {"client": "web", "server": "redis"},
}
NAMES = [prompt.name for prompt in PROMPTS]
LANGUAGE = Language(load_protocols())


def rendered(name: str, situation: Situation = HERE, **arguments: str) -> str:
    return prompt_text(name, {**REQUIRED.get(name, {}), **arguments}, situation)


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_without_tools_names_none(name: str):
    text = rendered(name, Situation(frozenset()))
    assert {tool for tool in EVERY if re.search(rf"\b{tool}\b", text)} == set()
    assert "Say what was not looked at" in text


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("missing", sorted(EVERY))
def test_a_tool_that_is_not_registered_is_never_named_beside_others(name: str, missing: str):
    text = rendered(name, Situation(EVERY - {missing}, "embedded", True))
    named = set(re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b|\b(?:diagnose|timeline)\b", text))
    assert missing not in named


def test_arguments_narrow_every_query():
    text = rendered("find_errors", namespace="shop", service="orders", window="09:40 to 09:45", time_zone="Europe/Rome")
    assert 'dst.namespace == \\"shop\\" && dst.service.name == \\"orders\\"' in text
    assert "Scope: shop/orders; time: 09:40 to 09:45; time zone of the person: Europe/Rome." in text
    assert 'diagnose(service="shop/orders")' in text
    assert rendered("find_errors", service="shop/orders").count("shop/orders") >= 2


def test_a_dissection_that_is_there_is_used_and_another_snapshots_is_not():
    there = Situation(EVERY, "embedded", True, database="s1/default")
    assert 'diagnose(db="s1/default")' in rendered("network_rca", there)
    assert "create_snapshot(" not in rendered("network_rca", there)
    other = rendered("network_rca", there, snapshot_id="s2")
    assert 'start_snapshot_dissection(snapshot_id="s2", wait=true)' in other
    assert "s1/default" not in other


def test_the_text_fits_the_hub():
    assert "capture files on this machine" in rendered("network_rca")
    assert "a Kubeshark Hub elsewhere (cluster)" in rendered("network_rca", Situation(EVERY, "cluster", True))
    assert "start_kubeshark can start it" in rendered("network_rca", Situation(EVERY, "cluster", False))
    assert "Answers print times in UTC; report them in Asia/Tokyo" in rendered(
        "network_rca", Situation(EVERY, "embedded", True, zone="UTC"), time_zone="Asia/Tokyo"
    )
    assert "redacted" not in rendered("network_rca", Situation(EVERY, "embedded", True, redacts=False))


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("nope", {}, 'There is no prompt "nope"'),
        ("find_errors", {"pod": "x"}, '"pod" is no argument of find_errors. Valid: namespace, service,'),
        ("trace_request", {}, 'trace_request needs "request"'),
        ("trace_request", {"request": " \n"}, 'trace_request needs "request"'),
        ("find_errors", {"service": "x" * 501}, "service has 501 characters"),
        ("latency_analysis", {"threshold_ms": "fast"}, 'threshold_ms is "fast"; give milliseconds'),
        ("debug_connection", {"client": "a", "server": "b", "port": "80 or 1"}, "give a port such as 8080"),
    ],
)
def test_a_mistake_is_a_sentence(name: str, arguments: dict[str, str], says: str):
    with pytest.raises(UsageError, match=re.escape(says)):
        prompt_text(name, arguments, HERE)


def filters_of(text: str) -> list[str]:
    quoted = [found.replace('\\"', '"').replace("\\\\", "\\") for found in re.findall(r'kfl="((?:[^"\\]|\\.)*)"', text)]
    return [*quoted, *re.findall(r"`kfl: ([^`\n]+)`", text)]


@pytest.mark.parametrize("name", NAMES)
def test_every_filter_of_a_prompt_compiles_with_and_without_arguments(name: str):
    known = {argument.name for prompt in PROMPTS if prompt.name == name for argument in prompt.arguments}
    full = {"namespace": 'sh"op\\', "service": "orders", "port": "6379", "threshold_ms": "250"}
    for arguments in ({}, {key: value for key, value in full.items() if key in known}):
        for text in filters_of(rendered(name, **arguments)):
            assert LANGUAGE.compile(text) is not None


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_given_stays_inside_its_quotes_and_on_its_line(namespace: str, service: str):
    text = prompt_text("find_errors", {"namespace": namespace, "service": service}, HERE)
    plain = prompt_text("find_errors", {"namespace": "n", "service": "s"}, HERE)
    assert text.count("\n") <= plain.count("\n")
    assert text.count("get_api_stats(") - (namespace + service).count("get_api_stats(") * 9 <= 2
