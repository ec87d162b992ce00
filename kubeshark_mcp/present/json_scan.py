"""Redaction inside JSON text, whole or cut off, without changing anything else in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

_TOKEN = re.compile(r"\"((?:[^\"\\]|\\.)*+)(\"?)|([{}\[\],:])|(-?\d[\d.eE+-]*+)", re.DOTALL)
_NAMING = frozenset({"name", "key", "header", "param"})
_VALUES = frozenset({"value", "val", "data", "stringvalue"})
_DEPTH = 200


@dataclass(slots=True)
class _Level:
    """One open object or array. secret: all inside is. key: the member being read. named: a sibling names a secret."""

    is_object: bool
    secret: bool
    key: str = ""
    wants_value: bool = False
    named: bool = False
    is_secret_object: bool = False


def redact_json(text: str, is_secret_name: Callable[[str], bool], leaf: Callable[[str, bool], str]) -> str:
    """Redact the strings and numbers of JSON text that stand under secret names.

    leaf: gets (string, whether it is a secret) and gives its replacement. Handles nesting (all under `credentials`),
    named pairs (`{"name": "password", "value": ...}`) and Kubernetes Secrets. One pass; text that is no JSON comes out
    with its strings redacted all the same.
    """
    scan = _Scan(is_secret_name, leaf)
    return _TOKEN.sub(scan.token, text)


class _Scan:
    def __init__(self, is_secret_name: Callable[[str], bool], leaf: Callable[[str, bool], str]) -> None:
        self._is_secret_name = is_secret_name
        self._leaf = leaf
        self._levels: list[_Level] = []

    def token(self, found: re.Match[str]) -> str:
        """Give what stands for one token of the text."""
        if found[1] is not None:
            return self._string(found)
        if found[3]:
            self._punctuation(found[3])
            return found[3]
        secret = self._is_secret()
        return f'"{self._leaf(found[4], True)}"' if secret else found[4]

    def _punctuation(self, sign: str) -> None:
        levels = self._levels
        if sign in "{[":
            secret = self._is_secret()
            if len(levels) < _DEPTH:
                levels.append(_Level(sign == "{", secret))
        elif sign in "}]":
            if levels:
                levels.pop()
        elif levels:
            levels[-1].wants_value = sign == ":"

    def _string(self, found: re.Match[str]) -> str:
        content = _decode(found[1])
        level = self._levels[-1] if self._levels else None
        if level is not None and level.is_object and not level.wants_value:
            level.key = content
            return found.group()
        if level is not None and level.is_object:
            self._notice(level, content)
        replaced = self._leaf(content, self._is_secret())
        if replaced == content:
            return found.group()
        return f'"{_encode(replaced)}{found[2]}'

    def _notice(self, level: _Level, content: str) -> None:
        """Remember what a member says about its siblings."""
        key = level.key.lower()
        if key in _NAMING:
            level.named = self._is_secret_name(content)
        elif key == "kind":
            level.is_secret_object = content == "Secret"

    def _is_secret(self) -> bool:
        if not self._levels:
            return False
        level = self._levels[-1]
        if level.secret or not level.is_object:
            return level.secret
        key = level.key.lower()
        return (
            self._is_secret_name(level.key)
            or (level.named and key in _VALUES)
            or (level.is_secret_object and key in {"data", "stringdata"})
        )


def _decode(content: str) -> str:
    if "\\" not in content:
        return content
    try:
        return str(json.loads(f'"{content}"', strict=False))
    except ValueError:
        return content


def _encode(content: str) -> str:
    return json.dumps(content, ensure_ascii=False)[1:-1]
