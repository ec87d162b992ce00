"""Where settings come from: file, then environment, then the command line."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import pytest

from kubeshark_mcp.config import DEFAULT, Setting, Value, config_file, default_workspace, gather, read_file
from kubeshark_mcp.errors import UsageError


class Kind(StrEnum):
    """Two ways."""

    STDIO = "stdio"
    HTTP = "http"


SETTINGS = [
    Setting("workspace", Path, variables=("KUBESHARK_WORKSPACE",)),
    Setting("pcap", Path, several=True, variables=("KUBESHARK_PCAP",)),
    Setting("node", str, several=True, variables=("KUBESHARK_NODE",)),
    Setting("port", int, variables=("KUBESHARK_PORT",), default=8765),
    Setting("allow_destructive", bool, variables=("KUBESHARK_ALLOW_DESTRUCTIVE",), default=False),
    Setting("transport", Kind, variables=("KUBESHARK_TRANSPORT",), default=Kind.STDIO),
    Setting("token", str, variables=("KUBESHARK_HUB_TOKEN", "KUBESHARK_TOKEN")),
    Setting("port", int, "hub", variables=("KUBESHARK_HUB_PORT",), default=8898),
    Setting("pcap", Path, "hub", several=True, shared=True, variables=("KUBESHARK_HUB_PCAP", "KUBESHARK_PCAP")),
]


@pytest.fixture
def write(tmp_path: Path):
    def one(text: str) -> dict[str, str]:
        (tmp_path / "config.toml").write_text(text)
        return {"KUBESHARK_CONFIG": str(tmp_path / "config.toml")}

    return one


def test_the_workspace_is_in_the_users_data_folder(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_workspace().name == "workspace"
    assert tmp_path in default_workspace().parents
    assert not default_workspace().exists()


def test_the_file_is_in_the_users_configuration_folder_unless_it_is_named(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_file({}).parts[-2:] == ("kubeshark-mcp", "config.toml")
    assert tmp_path in config_file({}).parents
    assert config_file({"KUBESHARK_CONFIG": "~/x.toml"}) == tmp_path / "x.toml"
    assert gather(SETTINGS, {})["port"] == Value(8765, DEFAULT)


def test_the_environment_outweighs_the_file_and_the_file_the_default(write, tmp_path: Path):
    environment = write('port = 1000\nnode = ["a", "b"]\nallow-destructive = true\n[hub]\nport = 2000\n')
    found = gather(SETTINGS, {**environment, "KUBESHARK_PORT": "3000"})
    place = f"file {tmp_path / 'config.toml'}"
    assert found == {
        "workspace": Value(None, DEFAULT),
        "pcap": Value(None, DEFAULT),
        "node": Value(["a", "b"], place),
        "port": Value(3000, "environment KUBESHARK_PORT"),
        "allow_destructive": Value(True, place),
        "transport": Value(Kind.STDIO, DEFAULT),
        "token": Value(None, DEFAULT),
        "hub.port": Value(2000, place),
        "hub.pcap": Value(None, DEFAULT),
    }


def test_paths_of_the_file_are_relative_to_it_and_lists_may_be_one_value(write, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    found = gather(SETTINGS, write('workspace = "~/w"\npcap = "x.pcap"\n'))
    assert found["workspace"].value == Path("/home/me/w")
    assert found["pcap"].value == [tmp_path / "x.pcap"]
    assert found["hub.pcap"].value == [tmp_path / "x.pcap"]


def test_a_section_outweighs_what_stands_outside_it(write, tmp_path: Path):
    found = gather(SETTINGS, write('pcap = ["a.pcap"]\n[hub]\npcap = ["/b.pcap"]\n'))
    assert found["hub.pcap"].value == [Path("/b.pcap")]
    assert found["pcap"].value == [tmp_path / "a.pcap"]


def test_lists_of_the_environment_are_written_as_path_is():
    found = gather(SETTINGS, {"KUBESHARK_PCAP": "a.pcap:/b.pcap", "KUBESHARK_NODE": "one two"})
    assert found["pcap"].value == [Path("a.pcap"), Path("/b.pcap")]
    assert found["node"].value == ["one", "two"]
    assert gather(SETTINGS, {"KUBESHARK_ALLOW_DESTRUCTIVE": "no"})["allow_destructive"].value is False
    assert gather(SETTINGS, {"KUBESHARK_TRANSPORT": ""})["transport"].source == DEFAULT


def test_what_kubernetes_says_about_a_service_is_no_setting():
    assert gather(SETTINGS, {"KUBESHARK_HUB_PORT": "tcp://10.0.0.1:80"})["hub.port"] == Value(8898, DEFAULT)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", "There is no setting 'prot' in"),
        ("prot = 1", "did you mean port?"),
        ("[hub]\nprt = 1", "There is no setting 'hub.prt'"),
        ("[hub]\ntoken = 'x'", "did you mean token?"),
        ("zzzzzz = 1", "`kubeshark-mcp config show` lists"),
        ("hub = 1", "is a section: write it as [hub]"),
        ("port = 'x'", "is 'x': use a number"),
        ("port = true", "is True: use a number"),
        ("allow_destructive = 1", "is 1: use true or false"),
        ("transport = 'pigeon'", "is 'pigeon': use one of stdio, http"),
        ("node = 1", "is 1: use a text in quotes"),
        ("workspace = []", "use a text in quotes"),
        ("port = ", "is no TOML"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(write, tmp_path, text, says):
    with pytest.raises(UsageError) as caught:
        gather(SETTINGS, write(text))
    assert says in str(caught.value)
    assert str(tmp_path) in str(caught.value) or "section" in says


def test_a_secret_is_never_in_a_message(write):
    with pytest.raises(UsageError) as caught:
        gather(SETTINGS, write("token = 123456789"))
    assert "123456789" not in str(caught.value)
    assert "token" in str(caught.value)


def test_a_named_file_must_be_there_and_readable(tmp_path):
    with pytest.raises(UsageError, match="which does not exist"):
        gather(SETTINGS, {"KUBESHARK_CONFIG": str(tmp_path / "missing.toml")})
    with pytest.raises(UsageError, match="cannot be read"):
        read_file(tmp_path, SETTINGS)
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is no TOML"):
        read_file(tmp_path / "latin.toml", SETTINGS)
