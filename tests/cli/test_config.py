"""Settings on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.testing import CliRunner

from kubeshark_mcp import cli
from kubeshark_mcp.cli import config
from kubeshark_mcp.config import Setting, Value


def command(
    name: Annotated[list[Path] | None, typer.Option(help="x")] = None,
    token: Annotated[str | None, typer.Option(envvar="KUBESHARK_HUB_TOKEN")] = None,
    version: bool = False,
) -> None:
    """Do nothing."""


def test_settings_are_the_options_of_a_command():
    assert config.settings_of(command) == [
        Setting("name", Path, several=True, variables=("KUBESHARK_NAME",)),
        Setting("token", str, variables=("KUBESHARK_HUB_TOKEN", "KUBESHARK_TOKEN")),
    ]
    assert config.settings_of(command, "hub", frozenset({"token"})) == [
        Setting("name", Path, "hub", several=True, shared=True, variables=("KUBESHARK_HUB_NAME", "KUBESHARK_NAME")),
        Setting("token", str, "hub", variables=("KUBESHARK_HUB_TOKEN",)),
    ]


def test_every_option_of_the_server_is_a_setting():
    keys = {setting.key for setting in config.all_settings()}
    assert {"pcap", "timezone", "record", "replay", "hub.token", "hub.port", "hub.pcap"} <= keys
    assert keys.isdisjoint({"version", "list_tools", "mcp_config", "context"})


def test_defaults_of_the_command_line_come_from_file_and_environment(tmp_path):
    (tmp_path / "c.toml").write_text('timezone = "UTC"\n[hub]\nport = 9000\n')
    environment = {"KUBESHARK_CONFIG": str(tmp_path / "c.toml"), "KUBESHARK_NODE": "n"}
    found = config.defaults([], environment)
    assert found == {"timezone": "UTC", "node": ["n"], "hub": {"serve": {"port": 9000, "node": ["n"]}}}
    for arguments in (["--help"], ["--version"], ["entries", "x.pcap"], ["kfl", "fields"]):
        assert config.defaults(arguments, environment) == {}


def test_a_flag_outweighs_the_environment_and_show_tells_it(tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text('timezone = "Europe/Berlin"\nport = 1000\n')
    for name, value in {"CONFIG": str(tmp_path / "c.toml"), "HUB_TOKEN": "hunter2-hunter2-x", "NODE": "a b"}.items():
        monkeypatch.setenv(f"KUBESHARK_{name}", value)
    done = CliRunner().invoke(cli.app, ["--timezone", "UTC", "config", "show"])
    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in done.output.splitlines()[2:] if line}
    assert lines["timezone"] == "UTC command line"
    assert f"1000 file {tmp_path / 'c.toml'}".startswith(lines["port"].rstrip(".…"))  # Long paths are cut.
    assert lines["node"] == "a, b environment KUBESHARK_NODE"
    assert lines["hub.token"] == "(set, 17 characters) environment KUBESHARK_HUB_TOKEN"
    assert lines["transport"] == "stdio default"
    assert "hunter2" not in done.output


def test_settings_reach_the_server(tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text('pcap = ["x.pcap"]\nallow-destructive = true\n')
    taken = {}
    monkeypatch.setattr(cli, "_serve", taken.update)
    found = config.defaults(["--node", "n"], {"KUBESHARK_CONFIG": str(tmp_path / "c.toml")})
    done = CliRunner().invoke(cli.app, ["--node", "n"], default_map=found)
    assert done.exit_code == 0, done.output
    assert (taken["pcap"], taken["node"], taken["allow_destructive"]) == ([tmp_path / "x.pcap"], ["n"], True)


def test_an_unknown_setting_ends_the_command_with_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text("timezon = 'UTC'\n")
    monkeypatch.setenv("KUBESHARK_CONFIG", str(tmp_path / "c.toml"))
    done = CliRunner().invoke(cli.app, ["config", "show"])
    assert done.exit_code == 2
    assert "did you mean timezone?" in done.stderr


def test_credentials_in_a_url_are_masked():
    setting = Setting("url", str)
    assert "hunter2" not in config.shown(setting, Value("https://me:hunter2@hub.lan", "default"))
    assert config.shown(Setting("x", str), Value(None, "default")) == "-"


def test_object_storage_can_be_named_in_the_file(tmp_path, monkeypatch):
    (tmp_path / "c.toml").write_text('[cloud]\naws-bucket = "b"\naws_secret_key = "hunter2-hunter2"\nprefix = "p"\n')
    environment = {"KUBESHARK_CONFIG": str(tmp_path / "c.toml"), "HOME": "/h"}
    assert config.cloud_environment(environment) == {
        **environment,
        "SNAPSHOT_AWS_BUCKET": "b",
        "SNAPSHOT_AWS_SECRET_KEY": "hunter2-hunter2",
        "SNAPSHOT_CLOUD_PREFIX": "p",
    }
    assert config.cloud_environment({**environment, "SNAPSHOT_GCS_BUCKET": "g"}) is None
    assert config.cloud_environment({"KUBESHARK_CONFIG": str(tmp_path / "none.toml")}) is None
    assert config.defaults([], environment) == {"hub": {"serve": {}}}
    monkeypatch.setenv("KUBESHARK_CONFIG", str(tmp_path / "c.toml"))
    shown = CliRunner().invoke(cli.app, ["config", "show"]).output
    assert "hunter2" not in shown
    assert "(set, 15 characters)" in shown


def test_a_file_without_object_storage_changes_nothing(tmp_path):
    (tmp_path / "c.toml").write_text('timezone = "UTC"\n')
    assert config.cloud_environment({"KUBESHARK_CONFIG": str(tmp_path / "c.toml")}) is None
