"""Settings: from a file, from the environment, from the command line; the later wins.

`config.toml` in the user's configuration folder (or the file that KUBESHARK_CONFIG names) has the options' names as
keys, with `_` or `-`; `[hub]` holds those of `hub serve`, `[cloud]` those of object storage. The environment has them
as KUBESHARK_NAME, and object storage as SNAPSHOT_NAME. Paths in the file are relative to it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from kubeshark_mcp.errors import UsageError

PREFIX = "KUBESHARK_"
FILE_VARIABLE = "KUBESHARK_CONFIG"
DEFAULT = "default"
_SECRET = ("token", "_key", "password", "secret", "credentials_json", "external_id")
_TRUE = {"1", "true", "yes", "on", "t", "y"}
_FALSE = {"0", "false", "no", "off", "f", "n"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One option that can be set elsewhere as well.

    section: the table of the file that it is in, empty for the file itself. kind: type of one value. several: whether
    it takes a list. shared: whether a value outside its section counts as well. variables: of the environment, the
    first that is set counts.
    """

    name: str
    kind: type
    section: str = ""
    several: bool = False
    shared: bool = False
    variables: tuple[str, ...] = ()
    default: Any = None

    @property
    def secret(self) -> bool:
        """Tell whether the value must not be shown."""
        return self.name.endswith(_SECRET)

    @property
    def key(self) -> str:
        """Give the key in the file, for people."""
        return f"{self.section}.{self.name}" if self.section else self.name


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is, and where that comes from, in words."""

    value: Any
    source: str


def default_workspace() -> Path:
    """Give the workspace folder in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("kubeshark-mcp", appauthor=False) / "workspace"


def config_file(environment: Mapping[str, str]) -> Path:
    """Give the file that settings are read from, whether it exists or not."""
    if named := environment.get(FILE_VARIABLE):
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("kubeshark-mcp", appauthor=False) / "config.toml"


def gather(settings: Sequence[Setting], environment: Mapping[str, str]) -> dict[str, Value]:
    """Give the value of every setting by its key, flags aside; raises UsageError for what cannot be read."""
    path = config_file(environment)
    table = read_file(path, settings, required=bool(environment.get(FILE_VARIABLE)))
    return {setting.key: _value(setting, environment, table, path) for setting in settings}


def _value(setting: Setting, environment: Mapping[str, str], table: Mapping[str, Any], path: Path) -> Value:
    for variable in setting.variables:
        text = environment.get(variable, "")
        # Kubernetes gives pods KUBESHARK_HUB_PORT=tcp://… for a service named kubeshark-hub: that is no setting.
        if text and not (setting.kind is int and text.startswith(("tcp://", "udp://"))):
            return Value(_from_text(setting, text, variable), f"environment {variable}")
    own = table.get(setting.section, {}) if setting.section else table
    for place, section in ((own, setting.section), (table, "")):
        if setting.name in place and (section == setting.section or setting.shared):
            return Value(_from_file(setting, place[setting.name], path), f"file {path}")
    return Value(setting.default, DEFAULT)


def read_file(path: Path, settings: Sequence[Setting], required: bool = False) -> dict[str, Any]:
    """Read the file with `-` in keys as `_`; raises UsageError for a key that no setting has."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if required:
            raise UsageError(
                f"{FILE_VARIABLE} names {str(path)!r}, which does not exist: write it, or unset it."
            ) from None
        return {}
    except OSError as error:
        raise UsageError(f"The settings in {str(path)!r} cannot be read ({error.strerror}): check the file.") from error
    import tomllib

    try:
        found = _underscored(tomllib.loads(data.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{str(path)!r} is no TOML: {error}.") from error
    _check_keys(found, settings, path)
    return found


def _underscored(table: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.replace("-", "_"): _underscored(value) if isinstance(value, dict) else value for key, value in table.items()
    }


def _check_keys(found: Mapping[str, Any], settings: Sequence[Setting], path: Path) -> None:
    known = {setting.key for setting in settings}
    sections = {setting.section for setting in settings} - {""}
    given: list[str] = []
    for key, value in found.items():
        if key in sections:
            if not isinstance(value, dict):
                raise UsageError(f"{key} in {str(path)!r} is a section: write it as [{key}].")
            given += [f"{key}.{name}" for name in value]
        else:
            given.append(key)
    for key in given:
        if key not in known:
            close = get_close_matches(key, known, n=1) or get_close_matches(key.rpartition(".")[2], known, n=1)
            hint = f"did you mean {close[0]}?" if close else "`kubeshark-mcp config show` lists those there are."
            raise UsageError(f"There is no setting {key!r} in {str(path)!r}; {hint}")


def _from_text(setting: Setting, text: str, variable: str) -> Any:
    """Read an environment variable; lists as PATH is written, or with blanks where they are no paths."""
    if not setting.several:
        return _one(setting, text, variable)
    parts = text.split(os.pathsep) if setting.kind is Path else text.split()
    return [_one(setting, part, variable) for part in parts if part]


def _from_file(setting: Setting, value: Any, path: Path) -> Any:
    where = f"{setting.key} in {str(path)!r}"
    if not setting.several:
        return _one(setting, value, where, path.parent)
    values = value if isinstance(value, list) else [value]
    return [_one(setting, one, where, path.parent) for one in values]


def _one(setting: Setting, value: Any, where: str, folder: Path | None = None) -> Any:
    """Check one value, from the environment (always a text) or the file (of a type)."""
    shown = "(hidden)" if setting.secret else repr(value)
    if setting.kind is bool:
        return _truth(value, f"{where} is {shown}")
    if setting.kind is Path and isinstance(value, str):
        path = Path(value).expanduser()
        return path if folder is None else folder / path
    if issubclass(setting.kind, Enum):
        names = [str(one.value) for one in setting.kind]
        if value not in names:
            raise UsageError(f"{where} is {shown}: use one of {', '.join(names)}.")
        return value
    if setting.kind in {int, float}:
        return _number(setting.kind, value, f"{where} is {shown}")
    if not isinstance(value, str):
        raise UsageError(f"{where} is {shown}: use a text in quotes.")
    return value


def _truth(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
        return value.lower() in _TRUE
    raise UsageError(f"{where}: use true or false.")


def _number(kind: type, value: Any, where: str) -> Any:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return kind(value)
    except ValueError:
        raise UsageError(f"{where}: use a number.") from None
