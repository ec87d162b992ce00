"""Arguments of a tool: a method's signature as a small JSON schema, and bad input as a sentence."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.plugin import Clock, Tool


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


@dataclass(frozen=True, slots=True)
class Arguments:
    """What one tool can be given. schema: JSON schema for clients."""

    tool: str
    model: type[BaseModel]
    schema: dict[str, Any]

    @classmethod
    def of(cls, tool: Tool) -> Arguments:
        """Read the signature of a tool's method: all parameters after `self` and the context."""
        hints = get_type_hints(tool.function, include_extras=True)
        fields: dict[str, Any] = {}
        for parameter in list(inspect.signature(tool.function).parameters.values())[2:]:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[parameter.name] = (hints[parameter.name], default)
        model = create_model(tool.name, __base__=_Arguments, **fields)
        return cls(tool.name, model, _small(model.model_json_schema()))

    def read(self, given: Mapping[str, Any], clock: Clock) -> dict[str, Any]:
        """Check what a client sent and give the method's arguments; raises UsageError with a sentence."""
        unknown = [name for name in given if name not in self.model.model_fields]
        if unknown:
            raise UsageError(self._unknown(unknown))
        present = {name: self._parsed(name, value) for name, value in given.items()}
        try:
            checked = self.model.model_validate(present, context={"clock": clock})
        except ValidationError as error:
            sentences = [_sentence(self.tool, problem) for problem in error.errors(include_url=False)[:3]]
            raise UsageError(" ".join(dict.fromkeys(sentences))) from None
        return {name: getattr(checked, name) for name in self.model.model_fields}

    def _unknown(self, names: list[str]) -> str:
        valid = list(self.model.model_fields)
        quoted = ", ".join(f'"{name[:60]}"' for name in names[:5])
        are = "is no argument" if len(names) == 1 else "are no arguments"
        close = get_close_matches(names[0].lower(), valid, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        return f"{quoted} {are} of {self.tool}.{hint} Valid: {', '.join(valid) if valid else 'none'}."

    def _parsed(self, name: str, value: Any) -> Any:
        """Read lists and objects that a client sent as JSON text, as some do."""
        if not isinstance(value, str) or value.lstrip()[:1] not in {"[", "{"}:
            return value
        kinds = {get_origin(kind) or kind for kind in _alternatives(self.model.model_fields[name].annotation)}
        if not kinds & {list, dict}:
            return value
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) not in {list, dict, None} else (annotation,)


def _small(schema: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a schema what costs tokens and tells nothing: titles, null alternatives, null defaults."""
    properties = {name: _small_property(value) for name, value in schema.get("properties", {}).items()}
    small: dict[str, Any] = {"type": "object", "properties": properties}
    if schema.get("required"):
        small["required"] = schema["required"]
    small["additionalProperties"] = False
    return small


def _small_property(value: dict[str, Any]) -> dict[str, Any]:
    merged = {key: item for key, item in value.items() if key not in {"title", "anyOf"}}
    kinds = [kind for kind in value.get("anyOf", []) if kind.get("type") != "null"]
    if len(kinds) == 1:
        merged = {**kinds[0], **merged}
    elif kinds:
        merged["anyOf"] = kinds
    if merged.get("default", ...) is None:
        del merged["default"]
    return merged


def _sentence(tool: str, problem: ErrorDetails) -> str:
    name = ".".join(str(part) for part in problem["loc"]) or "input"
    given, kind, context = _quote(problem["input"]), problem["type"], problem.get("ctx", {})
    if kind == "missing":
        return f'{tool} needs "{name}".'
    bounds = {"greater_than_equal": "at least", "less_than_equal": "at most", "greater_than": "more than"}
    if kind in bounds:
        limit = context.get("ge", context.get("le", context.get("gt")))
        return f"{name} is {given}; give {bounds[kind]} {limit}."
    if kind in _WANTED:
        return f"{name} is {given}; give {_WANTED[kind]}."
    if kind in {"literal_error", "enum"}:
        return f"{name} is {given}; give one of {context.get('expected', '')}."
    if kind == "string_too_short":
        return f"{name} is {given}; give at least {context.get('min_length')} characters."
    if kind == "string_too_long":
        return f"{name} is {given}; give at most {context.get('max_length')} characters."
    return f"{name} is {given}, which cannot be used: {problem['msg']}."


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": 'a list, such as ["a", "b"]',
    "dict_type": 'an object of texts, such as {"app": "web"}',
    "mapping_type": 'an object of texts, such as {"app": "web"}',
    "finite_number": "a finite number",
    "int_parsing_size": "a smaller number",
}


def _quote(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."
