"""`config`: which settings there are, what they are, and where that comes from."""

from __future__ import annotations

import inspect
import os
import secrets
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer

from kubeshark_mcp.cli.console import reporting_errors, say, table
from kubeshark_mcp.config import DEFAULT, PREFIX, Setting, Value, config_file, default_workspace, gather
from kubeshark_mcp.hub.cloud.settings import VARIABLES

app = typer.Typer(help="Look at settings: file, environment and flags.", no_args_is_help=True, rich_markup_mode=None)
ACTIONS = frozenset({"context", "list_tools", "output", "mcp_config", "client", "version"})
"""Parameters of the server that say what to do once, and are no settings."""
OWN_OF_HUB = frozenset({"host", "port", "token", "allow_host", "call_seconds", "most_calls", "drain_seconds"})
"""Options of `hub serve` that are set in its section alone; the others may stand outside it, for both."""
CLOUD_PREFIX = "SNAPSHOT_"
OFFLINE = frozenset({"entries", "flows", "export", "doctor", "kfl", "skills"})
"""Commands that take no settings."""


@app.callback()
def config() -> None:
    """Look at settings: file, environment and flags, the later wins.

    Examples:

      kubeshark-mcp config show

      KUBESHARK_TIMEZONE=UTC kubeshark-mcp config show
    """


def all_settings() -> list[Setting]:
    """Give every setting: the server's own, and those of `hub serve`."""
    from kubeshark_mcp import cli
    from kubeshark_mcp.cli import hub

    # By the registration, because the module `cli.serve` takes the function's name in the package once it is imported.
    server = cli.app.registered_callback
    assert server is not None
    assert server.callback is not None
    return [*settings_of(server.callback), *settings_of(hub.serve, "hub", OWN_OF_HUB), *cloud_settings()]


def cloud_settings() -> list[Setting]:
    """Give the settings of object storage: `[cloud]` in the file, SNAPSHOT_ variables in the environment."""
    return [
        Setting(variable.removeprefix(CLOUD_PREFIX).removeprefix("CLOUD_").lower(), str, "cloud", variables=(variable,))
        for variable in VARIABLES
    ]


def cloud_environment(environment: Mapping[str, str]) -> dict[str, str] | None:
    """Give the environment with what the file says about object storage; None where it says nothing.

    An environment that names a storage is taken alone: parts of two would be mixed up otherwise.
    """
    if any(environment.get(variable) for variable in VARIABLES) or not config_file(environment).exists():
        return None
    found = gather(all_settings(), environment)
    of_file = {one.variables[0]: found[one.key].value for one in cloud_settings()}
    said = {variable: value for variable, value in of_file.items() if value is not None}
    return {**environment, **said} if said else None


def settings_of(command: Callable[..., Any], section: str = "", own: frozenset[str] = frozenset()) -> list[Setting]:
    """Read settings from the options of a command."""
    hints = get_type_hints(command, include_extras=True)
    made = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in ACTIONS:
            continue
        kind, several = _kind(hints[name])
        shared = bool(section) and name not in own
        made.append(
            Setting(
                name, kind, section, several, shared, _variables(hints[name], section, shared, name), parameter.default
            )
        )
    return made


def _variables(hint: Any, section: str, shared: bool, name: str) -> tuple[str, ...]:
    declared = next((one.envvar for one in get_args(hint)[1:] if getattr(one, "envvar", None)), None)
    own = [declared] if isinstance(declared, str) else list(declared or ())
    within = f"{PREFIX}{section}_{name}" if section else f"{PREFIX}{name}"
    names = [*own, within.upper(), *([f"{PREFIX}{name}".upper()] if shared else [])]
    return tuple(dict.fromkeys(names))


def _kind(hint: Any) -> tuple[type, bool]:
    """Give the type of one value and whether there may be several: (Path, True) for `list[Path] | None`."""
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    choices = [one for one in get_args(hint) if one is not type(None)] if get_origin(hint) is not list else []
    inner = choices[0] if choices else hint
    if get_origin(inner) is list:
        return get_args(inner)[0], True
    return inner, False


def defaults(arguments: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Give what the command line is to take where nothing was given: settings of the file and the environment."""
    if any(one in {"-h", "--help", "--version"} for one in arguments) or (arguments and arguments[0] in OFFLINE):
        return {}
    found = gather(all_settings(), environment)
    chosen = {key: value.value for key, value in found.items() if value.source != DEFAULT}
    plain = {key: value for key, value in chosen.items() if "." not in key}
    of_hub = {key.removeprefix("hub."): value for key, value in chosen.items() if key.startswith("hub.")}
    return {**plain, "hub": {"serve": of_hub}}


@app.command()
def show(context: typer.Context) -> None:
    """Show every setting, its value and where it comes from; secrets are masked.

    Examples:

      kubeshark-mcp config show

      kubeshark-mcp --timezone UTC config show
    """
    with reporting_errors():
        found = gather(all_settings(), os.environ)
        found |= _flags(context)
        path = config_file(os.environ)
        say(f"{path}{'' if path.exists() else ' (does not exist)'}\n")
        rows = [
            [setting.key, shown(setting, found[setting.key]), found[setting.key].source] for setting in all_settings()
        ]
        say(table(["setting", "value", "from"], rows))


def _flags(context: typer.Context) -> dict[str, Value]:
    """Give the options that stand before the command."""
    parent = context.parent.parent if context.parent is not None else None
    if parent is None:
        return {}
    given = {name: parent.get_parameter_source(name) for name in parent.params}
    return {
        name: Value(parent.params[name], "command line")
        for name, source in given.items()
        if source is not None and source.name == "COMMANDLINE" and name not in ACTIONS
    }


def shown(setting: Setting, value: Value) -> str:
    """Write a value for people: secrets as that they are set, the workspace's default as what it is."""
    from kubeshark_mcp.present.redaction import Redactor

    if value.value is None or value.value in ((), []):
        return str(default_workspace()) if setting.name == "workspace" else "-"
    if setting.secret:
        return f"(set, {len(str(value.value))} characters)"
    several = value.value if isinstance(value.value, list | tuple) else [value.value]
    return Redactor(secrets.token_bytes(32)).text(", ".join(map(_text, several)))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value.value) if isinstance(value, Enum) else str(value)
