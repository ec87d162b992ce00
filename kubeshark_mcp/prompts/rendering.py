"""Templates filled in: prompts for a server, skills and references for the repository."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.prompts.catalogue import PROMPTS, Prompt

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_ARGUMENT = 500
"""Characters of one argument: more is no name and no window."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPREAD_LIST = re.compile(r"^(- .*)\n\n(?=- )", re.MULTILINE)
_PORT = re.compile(r"[0-9]{1,5}")
_MILLISECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Situation:
    """What the text has to fit. tools: names that may be told of. kind: of the Hub, empty where it does not answer.

    database: the newest that can be asked, as SNAPSHOT/DISSECTION. zone: of the answers, as the operator set it.
    """

    tools: frozenset[str]
    kind: str = ""
    running: bool = False
    database: str = ""
    zone: str = ""
    redacts: bool = True


def prompt_text(name: str, given: Mapping[str, str], situation: Situation) -> str:
    """Give the text of a prompt; raises UsageError for a prompt or an argument that does not exist, or is missing."""
    prompt = next((one for one in PROMPTS if one.name == name), None)
    if prompt is None:
        raise UsageError(f'There is no prompt "{name[:80]}". Prompts: {", ".join(one.name for one in PROMPTS)}.')
    arguments = _checked(prompt, given)
    return render_template(f"prompts/{name}.md.j2", **_variables(arguments, situation))


def render_template(name: str, /, **variables: Any) -> str:
    """Fill a template of this package in; a variable that is missing is an error."""
    text: str = _environment().get_template(name).render(**variables)
    tight = _SPREAD_LIST.sub(r"\1\n", re.sub(r"\n{3,}", "\n\n", text))
    return tight.strip() + "\n"


def _checked(prompt: Prompt, given: Mapping[str, str]) -> dict[str, str]:
    names = [argument.name for argument in prompt.arguments]
    unknown = [name for name in given if name not in names]
    if unknown:
        valid = ", ".join(names) or "none"
        raise UsageError(f'"{unknown[0][:60]}" is no argument of {prompt.name}. Valid: {valid}.')
    arguments = {name: _CONTROL.sub(" ", str(given.get(name) or "")).strip() for name in names}
    for argument in prompt.arguments:
        value = arguments[argument.name]
        if argument.required and not value:
            raise UsageError(f'{prompt.name} needs "{argument.name}": {argument.description}.')
        if len(value) > LONGEST_ARGUMENT:
            raise UsageError(f"{argument.name} has {len(value):,} characters; give at most {LONGEST_ARGUMENT}.")
    _check_number(arguments, "port", _PORT, "a port such as 8080")
    _check_number(arguments, "threshold_ms", _MILLISECONDS, "milliseconds such as 250")
    return arguments


def _check_number(arguments: Mapping[str, str], name: str, pattern: re.Pattern[str], wanted: str) -> None:
    value = arguments.get(name, "")
    if value and not pattern.fullmatch(value):
        raise UsageError(f'{name} is "{value}"; give {wanted}.')


def _variables(arguments: Mapping[str, str], situation: Situation) -> dict[str, Any]:
    """Give what templates see: all arguments of any prompt (empty where not given) and what follows from them."""
    every = {argument.name: "" for prompt in PROMPTS for argument in prompt.arguments}
    service, slash, rest = arguments.get("service", "").partition("/")
    namespace = service if slash else arguments.get("namespace", "")
    name = rest if slash else service
    snapshot = arguments.get("snapshot_id", "")
    newest = situation.database if not snapshot or situation.database.partition("/")[0] == snapshot else ""
    threshold = arguments.get("threshold_ms", "")
    return {
        **every,
        **arguments,
        "namespace": namespace,
        "service": name,
        "place": f"{namespace}/{name}" if namespace and name else name or namespace,
        "about": _about(arguments, namespace, name),
        "scope": _scope(namespace, name),
        "threshold_us": int(float(threshold) * 1000) if threshold else 0,
        "db": newest,
        "tools": situation.tools,
        "named": lambda *names: ", ".join(name for name in names if name in situation.tools),
        "hub": situation,
    }


def _about(arguments: Mapping[str, str], namespace: str, service: str) -> str:
    """Say in words what was asked about."""
    told = (
        ("", f"{namespace}/{service}" if namespace and service else service or namespace),
        ("time: ", arguments.get("window", "")),
        ("snapshot: ", arguments.get("snapshot_id", "")),
        ("time zone of the person: ", arguments.get("time_zone", "")),
    )
    return "; ".join(f"{lead}{value}" for lead, value in told if value)


def _scope(namespace: str, service: str) -> str:
    """Give the KFL that narrows to what was asked for, to be joined by `&&`; empty for all."""
    clauses = [f"dst.namespace == {_quoted(namespace)}"] if namespace else []
    clauses += [f"dst.service.name == {_quoted(service)}"] if service else []
    return " && ".join(clauses)


def _quoted(text: object) -> str:
    """Write a text in double quotes, as KFL and calls have it."""
    return json.dumps(str(text), ensure_ascii=False)


def _call(name: str, /, **arguments: object) -> str:
    """Write a call; arguments that are empty are left out."""
    inside = ", ".join(
        f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in arguments.items() if value not in ("", None)
    )
    return f"{name}({inside})"


def _both(*filters: str) -> str:
    """Join filters by `&&`, leaving out empty ones."""
    kept = [one for one in filters if one]
    return " && ".join(f"({one})" if "||" in one and len(kept) > 1 else one for one in kept)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("kubeshark_mcp.prompts", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters["quoted"] = _quoted
    environment.globals.update(call=_call, both=_both)
    return environment
