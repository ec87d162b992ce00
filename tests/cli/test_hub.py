"""`hub serve`: its options, and what it refuses to start with."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from kubeshark_mcp import cli
from kubeshark_mcp.hub.api import serve
from kubeshark_mcp.hub.embedded import EmbeddedHub


@pytest.fixture
def served(monkeypatch):
    """What would be served."""
    taken = []
    monkeypatch.setattr(serve, "serve_hub", lambda *given: taken.append(given))
    monkeypatch.delenv("KUBESHARK_HUB_TOKEN", raising=False)
    return taken


def run(*arguments: str):
    return CliRunner().invoke(cli.app, ["hub", "serve", *arguments])


def test_a_hub_is_served_on_loopback_with_redaction_unless_told_otherwise(served, tmp_path):
    done = run("--workspace", str(tmp_path / "w"))
    assert done.exit_code == 0, done.output
    ((hub, settings, port),) = served
    assert isinstance(hub, EmbeddedHub)
    assert (settings.host, port, settings.token, settings.allow_destructive) == ("127.0.0.1", 8898, None, False)
    assert settings.redactor.key == hub.redaction_key()


def test_options_become_settings(served, tmp_path):
    token = "correct-horse-battery"
    done = run(
        "--workspace", str(tmp_path / "w"), "--host", "0.0.0.0", "--port", "9", "--token", token, "--allow-host", "a",
        "--allow-destructive", "--no-redaction", "--call-seconds", "5", "--most-calls", "7", "--drain-seconds", "1",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    ((_, settings, port),) = served
    assert (settings.host, port, settings.token, settings.allowed_hosts) == ("0.0.0.0", 9, token, ("a",))
    assert (settings.allow_destructive, settings.redactor) == (True, None)
    assert (settings.call_seconds, settings.most_calls, settings.drain_seconds) == (5, 7, 1)


def test_the_token_may_come_from_the_environment(served, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBESHARK_HUB_TOKEN", "correct-horse-battery")
    assert run("--workspace", str(tmp_path / "w"), "--host", "0.0.0.0").exit_code == 0
    assert served[0][1].token == "correct-horse-battery"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--host", "0.0.0.0"], "give a --token"),
        (["--token", "short"], "can be guessed"),
        (["--pcap", "missing.pcap"], "'missing.pcap' is not a file"),
        (["--port", "0"], "--port"),
    ],
)
def test_a_wrong_option_ends_with_a_sentence(served, tmp_path, arguments, says):
    done = run("--workspace", str(tmp_path / "w"), *arguments)
    assert done.exit_code == 2
    assert says in done.stderr
    assert served == []


def test_help_teaches_by_example():
    done = CliRunner().invoke(cli.app, ["hub", "serve", "--help"])
    assert "kubeshark-mcp hub serve --pcap node-a.pcap" in done.output
