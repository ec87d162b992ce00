"""`kfl`: filters checked, explained and completed, with and without data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kubeshark_mcp.cli import app
from kubeshark_mcp.cli.kfl import shell_completion


def test_a_right_filter_is_given_back_in_canonical_form():
    done = CliRunner().invoke(app, ["kfl", "check", "http&&status_code>=500"])
    assert (done.exit_code, done.stdout) == (0, "valid: http && status_code >= 500\n")


@pytest.mark.parametrize(
    ("filter_text", "says"),
    [("htp", "did you mean"), ("status_code ==", "line 1"), ('response.status == "500"', "status_code")],
)
def test_a_wrong_one_is_told_with_position_and_suggestion(filter_text: str, says: str):
    done = CliRunner().invoke(app, ["kfl", "check", filter_text])
    assert done.exit_code == 2
    assert says.lower() in done.stderr.lower()


def test_fields_are_found_by_word():
    done = CliRunner().invoke(app, ["kfl", "fields", "rcode"])
    assert done.exit_code == 0
    assert "dns_rcode" in done.stdout
    assert CliRunner().invoke(app, ["kfl", "fields", "zzz"]).stdout == "no field has 'zzz'\n"


INCIDENT = Path(__file__).resolve().parents[2] / "examples" / "incident"
PROGRAM = "import sys; sys.argv[0] = 'kubeshark-mcp'; from kubeshark_mcp.cli import main; main()"
CAPTURE = str(INCIDENT / "node-a.pcap")


def lines(*arguments: str) -> list[str]:
    done = CliRunner().invoke(app, ["kfl", *arguments])
    assert done.exit_code == 0, done.output
    return [" ".join(line.split()) for line in done.stdout.splitlines() if set(line) - {"-", " "}]


def test_explain_without_data_says_what_runs_where():
    assert lines("explain", 'http && path.trim() == "/"') == [
        "clause runs as",
        "http SQL",
        'path.trim() == "/" row by row',
    ]


def test_explain_counts_what_each_clause_leaves():
    filter_text = 'path.trim() != "" && http && status_code >= 500'
    shown = lines("explain", filter_text, CAPTURE)
    table_rows = [line.rsplit(" ", 1) for line in shown[2:5]]
    assert [text for text, _ in table_rows] == [
        "1 http SQL",
        "2 status_code >= 500 SQL",
        '3 path.trim() != "" row by row',
    ]
    left = [int(count) for _, count in table_rows]
    assert left[0] > left[1] >= left[2] > 0
    assert shown[0].startswith(f"{left[2]} of ")


def test_explain_names_the_clause_that_removed_the_last():
    shown = lines("explain", "http && status_code == 299", CAPTURE)
    assert shown[-1].startswith("clause 2 removed the last")


def test_explain_takes_captures_or_a_database_and_no_empty_filter(tmp_path: Path):
    both = CliRunner().invoke(app, ["kfl", "explain", "http", CAPTURE, "--db", "s1"])
    assert (both.exit_code, "answer from one of them" in both.stderr) == (2, True)
    unknown = CliRunner().invoke(app, ["kfl", "explain", "http", "--db", "s1", "--workspace", str(tmp_path)])
    assert unknown.exit_code == 1
    assert "s1" in unknown.stderr
    assert CliRunner().invoke(app, ["kfl", "explain", " "]).exit_code == 2


def test_complete_gives_fields_functions_and_values_of_captures():
    assert lines("complete", "http && status_c")[1].startswith("status_code field int:")
    assert lines("complete", "path.starts") == [
        "completion kind meaning",
        "startsWith( function startsWith(string, string) -> bool",
    ]
    shown = lines("complete", "method == ", CAPTURE)
    assert shown[1].startswith('"GET" value')
    assert lines("complete", 'path == "x') == ["nothing can follow 'path == \"x' here"]


def test_shells_are_offered_whole_filters():
    found = dict(shell_completion("http && status_c"))
    assert next(iter(found)) == "http && status_code"
    environment = {
        **os.environ,
        "_KUBESHARK_MCP_COMPLETE": "complete_bash",
        "COMP_WORDS": "kubeshark-mcp kfl check tlsx_sn",
        "COMP_CWORD": "3",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert "tlsx_sni" in done.stdout.split()
