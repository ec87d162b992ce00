"""Which prompts there are, and what each can be given."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PromptArgument:
    """One argument of a prompt; always text, as MCP has it."""

    name: str
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt: `templates/prompts/NAME.md.j2` is its text."""

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...] = ()


_NAMESPACE = PromptArgument("namespace", "Kubernetes namespace of the server side; all by default")
_SERVICE = PromptArgument("service", "service by name, or namespace/name; all by default")
_WINDOW = PromptArgument("window", "when, e.g. START to END in RFC 3339, or the last 15 minutes; all by default")
_SNAPSHOT = PromptArgument("snapshot_id", "snapshot to ask; the newest by default")
_ZONE = PromptArgument("time_zone", "IANA time zone of the person who asks, e.g. Europe/Berlin")
_SCOPE = (_NAMESPACE, _SERVICE, _WINDOW, _SNAPSHOT, _ZONE)

PROMPTS: tuple[Prompt, ...] = (
    Prompt("kubeshark_usage", "How to use Kubeshark", "What this server can answer, and in which order to ask it"),
    Prompt(
        "network_rca",
        "Find the root cause",
        "Find out what happened on the network: the first cause, with evidence and what would refute it",
        (PromptArgument("symptom", "what people notice, in their words"), *_SCOPE),
    ),
    Prompt("analyze_traffic", "Analyse traffic", "Describe who talks to whom, how much and how well", _SCOPE),
    Prompt("find_errors", "Find errors", "Find failing calls, tell causes from consequences", _SCOPE),
    Prompt(
        "trace_request",
        "Trace a request",
        "Follow one request through the services that it touched",
        (PromptArgument("request", "id of a call, or its path, host or a header's value", True), *_SCOPE),
    ),
    Prompt(
        "show_topology",
        "Show the topology",
        "Draw which workloads call which, with rates and errors",
        (_NAMESPACE, _WINDOW, _SNAPSHOT, _ZONE),
    ),
    Prompt(
        "latency_analysis",
        "Analyse latency",
        "Find what is slow, and whether the network, the receiver or the application makes it so",
        (*_SCOPE, PromptArgument("threshold_ms", "calls longer than this are slow; by default judged by percentiles")),
    ),
    Prompt(
        "security_audit",
        "Audit security",
        "Go through what packets show of attacks and weaknesses, by MITRE ATT&CK tactic",
        (_NAMESPACE, _WINDOW, _SNAPSHOT, _ZONE),
    ),
    Prompt(
        "compare_traffic",
        "Compare traffic",
        "Say what differs between two times or snapshots",
        (
            PromptArgument("before", "SNAPSHOT/DISSECTION or window of the healthy time", True),
            PromptArgument("after", "SNAPSHOT/DISSECTION or window of the other time", True),
            _NAMESPACE,
            _SERVICE,
            _ZONE,
        ),
    ),
    Prompt(
        "debug_connection",
        "Debug a connection",
        "Find out why a client does not reach a server, or not well",
        (
            PromptArgument("client", "pod, service or address that connects", True),
            PromptArgument("server", "pod, service or address that it connects to", True),
            PromptArgument("port", "port of the server"),
            _WINDOW,
            _SNAPSHOT,
            _ZONE,
        ),
    ),
)
"""All prompts, in the order in which clients show them."""
