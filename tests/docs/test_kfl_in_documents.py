"""Every filter in a document is compiled, and every question of the KFL skill is asked of captures.

What counts as a filter, in every `.md`, `.j2` and `.yaml` file of README, CONTRIBUTING, CHANGELOG, docs, skills,
prompts, plugins, examples and evals:

- each line of a block fenced as `kfl`, but for comments (`// …`); in one fenced as `kfl wrong` none may compile
- `kfl="…"`, `kfl='…'`, `kfl: "…"`, `"kfl": "…"`, `--kfl '…'`, `kfl explain '…'`; `kfl check` may show wrong ones
- a code span that begins with `kfl:`, such as `` `kfl: http && status_code >= 500` ``

What holds a template's variable (`{{`) is filled in elsewhere and skipped here.

`skills/kfl/examples.yaml` is a list of {question, kfl, hits, misses}: `hits` names a capture of which the filter
selects entries, but not all, `misses` one with entries of which it selects none. A capture is a recording of the tests
(`http/keep_alive`) or `incident`, the example with its Kubernetes objects.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.errors import FilterError
from kubeshark_mcp.hub.pipeline import Pipeline, Run
from kubeshark_mcp.hub.queries import EntryBase, Language
from kubeshark_mcp.hub.sources import CaptureSource
from kubeshark_mcp.model.reserved_fields import RESERVED_FIELDS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "skills", "kubeshark_mcp/prompts", "plugins", "examples", "evals")
EXAMPLES = ROOT / "skills" / "kfl" / "examples.yaml"
RECORDINGS = ROOT / "tests" / "recordings"
INCIDENT = ROOT / "examples" / "incident"
BLOCK = re.compile(r"^(?P<indent> *)```kfl(?P<wrong> wrong)?\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
QUOTED = r"""(?:"(?P<double>(?:[^"\\\n]|\\.)*)"|'(?P<single>[^'\n]*)')"""
MARKED = re.compile(rf"""(?:\bkfl=|\bkfl["']?: |--kfl[ =]|\bkfl explain ){QUOTED}""")
SPAN = re.compile(r"`kfl: ([^`\n]+)`")


def documents() -> list[Path]:
    found = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    for folder in FOLDERS:
        for suffix in ("md", "j2", "yaml"):
            found += sorted((ROOT / folder).rglob(f"*.{suffix}"))
    return [path for path in found if path.is_file()]


def filters_of(text: str) -> Iterator[tuple[str, bool]]:
    """Give each filter of a text, and whether it is meant to be valid."""
    for block in BLOCK.finditer(text):
        for line in block["body"].splitlines():
            if line.strip() and not line.strip().startswith("//"):
                yield line.strip(), not block["wrong"]
    for match in MARKED.finditer(text):
        double = match["double"]
        found = match["single"] if double is None else double.replace('\\"', '"').replace("\\\\", "\\")
        yield found.replace("''", "'"), True
    for match in SPAN.finditer(text):
        yield match[1].strip(), True


def in_documents() -> list[tuple[str, str, bool]]:
    return [
        (str(path.relative_to(ROOT)), text, valid)
        for path in documents()
        if path != EXAMPLES
        for text, valid in filters_of(path.read_text())
        if "{{" not in text and text
    ]


def examples() -> list[dict[str, str]]:
    return yaml.safe_load(EXAMPLES.read_text())


@pytest.fixture(scope="module")
def language() -> Language:
    return Language(load_protocols())


def test_filters_are_found_however_they_are_marked():
    text = """
a `kfl: dns && failed` b
```kfl
// a comment
http
  ```
  ```kfl wrong
  htp
  ```
```
list_api_calls(kfl="path == \\"/\\"") and --kfl 'tcp' or {"kfl": "udp"} and `kfl explain 'ws'`
"""
    assert list(filters_of(text.replace("  ```\n  ```kfl", "```\n  ```kfl").replace("  ```\n```\n", "  ```\n"))) == [
        ("http", True),
        ("htp", False),
        ('path == "/"', True),
        ("tcp", True),
        ("udp", True),
        ("ws", True),
        ("dns && failed", True),
    ]


def test_there_are_filters_in_documents():
    found = in_documents()
    assert len(found) > 60
    assert {name for name, _, _ in found} >= {"README.md", "skills/kfl/references/language.md"}


@pytest.mark.parametrize(("document", "text", "valid"), in_documents())
def test_a_filter_of_a_document_compiles(document: str, text: str, valid: bool, language: Language):
    if valid:
        language.compile(text)
    else:
        with pytest.raises(FilterError):
            language.compile(text)


def test_every_example_of_a_field_compiles(language: Language):
    for field in language.fields:
        program = language.compile(field.example)
        assert program is not None
        assert field.name in program.columns, field.name


def test_the_reference_pages_are_those_that_the_declarations_make():
    specification = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "write_kfl_reference.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["reference"] = module
    specification.loader.exec_module(module)
    for path, text in module.pages().items():
        assert path.read_text() == text, "stale: run python scripts/write_kfl_reference.py"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, language: Language) -> Iterator[list[EntryBase]]:
    """The entries of all captures that the examples name, and of the incident."""
    folder = tmp_path_factory.mktemp("examples")
    names = sorted({one[side] for one in examples() for side in ("hits", "misses")} - {"incident"})
    captures = [CaptureSource(RECORDINGS / f"{name}.pcap", name) for name in names]
    Pipeline(Run(captures, []), folder / "recordings").dissect()
    nodes = [CaptureSource(INCIDENT / f"{node}.pcap", node) for node in ("node-a", "node-b")]
    Pipeline(Run(nodes, [INCIDENT / "resources.json"]), folder / "incident").dissect()
    bases = [EntryBase(folder / name, language) for name in ("recordings", "incident")]
    yield bases
    for base in bases:
        base.close()


def by_capture(bases: list[EntryBase], kfl: str | None) -> Counter[str]:
    recordings, incident = (selected(base, kfl) for base in bases)
    recordings["incident"] = incident.total()
    return recordings


def selected(base: EntryBase, kfl: str | None) -> Counter[str]:
    """Count what a filter selects, by node; without what runs row by row one count is enough."""
    program = base.compile(kfl)
    if program is not None and program.residual is not None:
        return Counter(row["node_name"] for row in base.rows(kfl, None, ["node_name"]))
    where, parameters = ("TRUE", ()) if program is None else (program.sql.sql, program.sql.parameters)
    sql = f"SELECT node_name, count(*) FROM entries WHERE {where} GROUP BY 1"
    return Counter(dict(base.source.database.query(sql, parameters)))


@pytest.fixture(scope="module")
def totals(answers: list[EntryBase]) -> Counter[str]:
    return by_capture(answers, None)


def test_there_are_sixty_questions_and_none_twice():
    found = examples()
    assert len(found) >= 60
    assert all(set(one) == {"question", "kfl", "hits", "misses"} for one in found)
    assert len({one["question"] for one in found}) == len({one["kfl"] for one in found}) == len(found)
    assert all(one["question"].endswith("?") for one in found)


@pytest.mark.parametrize("one", examples(), ids=lambda one: json.dumps(one["question"]))
def test_a_question_is_answered_where_the_answer_is_and_not_elsewhere(
    one: dict[str, str], answers: list[EntryBase], totals: Counter[str]
):
    program = answers[0].language.compile(one["kfl"])
    assert program is not None
    assert [found.message for found in program.warnings if "a guard tells the two apart" not in found.message] == []
    found = by_capture(answers, one["kfl"])
    assert 0 < found[one["hits"]] < totals[one["hits"]]
    assert found[one["misses"]] == 0 < totals[one["misses"]]


def test_no_example_of_a_field_selects_entries_that_do_not_have_it(language: Language):
    reserved = {field.name for field in RESERVED_FIELDS}
    for field in language.fields:
        program = language.compile(field.example)
        assert program is not None
        wide = [found.message for found in program.warnings if "holds for them too" in found.message]
        assert field.name in reserved or wide == [], field.name
