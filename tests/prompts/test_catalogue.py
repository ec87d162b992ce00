"""Which prompts there are."""

from __future__ import annotations

from importlib.resources import files

from kubeshark_mcp.prompts import PROMPTS


def test_the_prompts_of_kubeshark_are_there_and_network_rca():
    assert {prompt.name for prompt in PROMPTS} == {
        "kubeshark_usage", "network_rca", "analyze_traffic", "find_errors", "trace_request", "show_topology",
        "latency_analysis", "security_audit", "compare_traffic", "debug_connection",
    }  # fmt: skip


def test_every_prompt_has_a_template_and_tells_what_its_arguments_are():
    templates = files("kubeshark_mcp.prompts") / "templates" / "prompts"
    for prompt in PROMPTS:
        assert (templates / f"{prompt.name}.md.j2").is_file()
        assert prompt.title
        assert 10 < len(prompt.description) <= 120
        assert all(argument.description for argument in prompt.arguments)
        assert len({argument.name for argument in prompt.arguments}) == len(prompt.arguments)
