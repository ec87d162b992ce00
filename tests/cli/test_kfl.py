"""`kfl`: filters checked without data."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from kubeshark_mcp.cli import app


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
