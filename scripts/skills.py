"""Write the skills from their templates and from what is registered: `python scripts/skills.py [--check]`.

The templates are in kubeshark_mcp/prompts/templates/skills; tools come from the registry, fields and filters from the
catalogue, counts from the recorded incident. With --check nothing is written; exit code 1 where a file is stale.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))
import write_kfl_reference

from kubeshark_mcp.cli.clients import CLIENTS
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.hub.pipeline import Pipeline, Run
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.prompts import render_template
from kubeshark_mcp.registry import Selection
from kubeshark_mcp.server import ServerOptions, describe_tools

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "kubeshark_mcp" / "prompts" / "templates" / "skills"
SKILLS = ROOT / "skills"
INCIDENT = ROOT / "examples" / "incident"
GENERATED = "<!-- Written by `make skills`; edit the template and the declarations, not this page. -->"
MAIN_FIELDS = (
    *("protocol", "timestamp", "elapsed_time", "first_byte_time", "answered", "failed", "status", "sightings"),
    *("src.name", "src.namespace", "src.pod.name", "src.ip", "dst.name", "dst.namespace", "dst.service.name"),
    *("dst.pod.name", "dst.ip", "dst.port", "node_name", "method", "path", "status_code", "request.headers"),
    *("request_body_size", "dns_questions", "dns_rcode", "redis_command", "redis_error", "postgresql_query"),
    *("kafka_api_key_name", "grpc_status", "tlsx_sni", "conn_state", "tcp_retransmissions"),
)
MAIN_EXAMPLES = (
    "Which HTTP calls failed on the server's side?",
    "Which calls to the shop's orders service failed?",
    "Which requests got no answer?",
    "Which calls made the server think for more than half of a second before its first byte?",
    "Which names could not be resolved?",
    "Which writes did Redis refuse because its memory is full?",
    "Which SQL statements failed?",
    "Which gRPC calls failed?",
    "Which GraphQL operations failed although HTTP says 200?",
    "Which TLS handshakes failed?",
    "Which TCP connections were reset?",
    "Which connections lost segments and sent them again?",
    "Which calls left the namespace of their caller?",
    "Which calls took place in one second?",
)


def tools() -> list[dict[str, Any]]:
    """Give every tool with its toolset, its first words, and what it needs to be there."""
    plain = {tool["name"] for tool in describe_tools()}
    here = {tool["name"] for tool in describe_tools(ServerOptions(selection=Selection(allow_destructive=True)))}
    every = describe_tools(ServerOptions(selection=Selection(allow_destructive=True, cluster=True)))
    for tool in every:
        needs = [] if tool["name"] in plain else ["--allow-destructive"]
        tool["needs"] = ", ".join([*needs, *([] if tool["name"] in here else ["--cluster"])])
    return every


def variables() -> dict[str, Any]:
    """Give what the templates see."""
    registered = tools()
    language = Language(load_protocols())
    names = {tool["name"] for tool in registered}
    groups: dict[str, list[dict[str, Any]]] = {}
    for tool in registered:
        groups.setdefault(tool["toolset"], []).append(tool)
    fields = {field.name: field for field in language.fields}
    examples = [*counted(yaml.safe_load((SKILLS / "kfl" / "examples.yaml").read_text()), language)]
    by_question = {example["question"]: example for example in examples}

    def has(*wanted: str, otherwise: str = "") -> str:
        return ", ".join(f"`{name}`" for name in wanted if name in names) or otherwise

    return {
        "generated": GENERATED,
        "descriptions": yaml.safe_load((TEMPLATES / "descriptions.yaml").read_text()),
        "checks": yaml.safe_load((TEMPLATES / "checks.yaml").read_text()),
        "tools": names,
        "groups": list(groups.items()),
        "has": has,
        "main_fields": [described(fields[name]) for name in MAIN_FIELDS],
        "field_count": len(fields),
        "protocols": sorted(protocol.name for protocol in load_protocols()),
        "examples_by_protocol": by_protocol(examples, ["grpc", *(protocol.name for protocol in load_protocols())]),
        "example_count": len(examples),
        "main_examples": [by_question[question] for question in MAIN_EXAMPLES],
        "clients": CLIENTS,
    }


def described(field: Any) -> dict[str, str]:
    """Give a field as its table shows it."""
    return {"name": field.name, "type": field.type.value, "meaning": field.meaning, "example": field.example}


def counted(examples: Iterable[dict[str, str]], language: Language) -> Iterator[dict[str, Any]]:
    """Give each example with how many entries of the incident it selects, where it is asked of that."""
    with tempfile.TemporaryDirectory() as folder:
        nodes = [CaptureSource(INCIDENT / f"{node}.pcap", node) for node in ("node-a", "node-b")]
        Pipeline(Run(nodes, [INCIDENT / "resources.json"]), Path(folder) / "incident").dissect()
        base = EntryBase(Path(folder) / "incident", language)
        try:
            for example in examples:
                asked = example["hits"] == "incident"
                yield {**example, "count": sum(1 for _ in base.rows(example["kfl"], None, ["id"])) if asked else 0}
        finally:
            base.close()


def by_protocol(examples: Iterable[dict[str, Any]], names: list[str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Sort examples by the protocol whose flag or field they name first; the rest is about any entry."""
    found: dict[str, list[dict[str, Any]]] = {}
    for example in examples:
        words = re.findall(r"[a-z0-9_]+", example["kfl"])
        flag = next((name for word in words for name in names if word == name or word.startswith(f"{name}_")), "")
        found.setdefault(flag or "any entry", []).append(example)
    return sorted(found.items(), key=lambda pair: (pair[0] != "any entry", pair[0]))


def pages() -> dict[Path, str]:
    """Give every file of the skills that is written from a template, with its text."""
    given = variables()
    return {
        SKILLS / path.relative_to(TEMPLATES).with_suffix(""): render_template(
            f"skills/{path.relative_to(TEMPLATES).as_posix()}", **given
        )
        for path in sorted(TEMPLATES.rglob("*.md.j2"))
        if not path.name.startswith("_")
    }


def main(arguments: list[str]) -> int:
    """Write the files, or say which are stale."""
    reference = write_kfl_reference.main(arguments)
    written = pages()
    stale = [path for path, text in written.items() if not path.is_file() or path.read_text() != text]
    for path in stale:
        if "--check" in arguments:
            sys.stderr.write(f"{path} is stale: run make skills\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written[path])
    return 1 if reference or ("--check" in arguments and stale) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
