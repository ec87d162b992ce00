"""Secrets stay out of answers: what is shown is the scheme, the names, the length and a keyed hash.

`Bearer <redacted 812 chars #a1b2c3>`: two marks with the same hash stand for the same secret, so "same token?"
can still be answered, and nothing else can. The hash is an HMAC with a key that never leaves the process.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from kubeshark_mcp.present.json_scan import redact_json
from kubeshark_mcp.present.secret_names import COOKIE_ATTRIBUTES, SCHEMES, is_secret_name
from kubeshark_mcp.present.secret_patterns import (
    AUTH_COMMAND,
    AUTHORITY_USERINFO,
    CONNECT_USERINFO,
    HEADER_IN_QUOTES,
    HEADER_LINE,
    KEY,
    MARK,
    PRIVATE_KEY,
    QUERY_PAIR,
    SCHEME_AND_SECRET,
    SQL_PASSWORD,
    URL_USERINFO,
    VALUE,
    WELL_KNOWN,
    XML_ELEMENT,
    redis_secrets,
)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes secrets out of captured text. key: of the workspace or process. With enabled=False nothing is touched.

    Texts are expected to be clean (see fencing): a control character inside a secret's name would hide it.
    Redacting twice changes nothing. Work is linear in the length of the text.
    """

    key: bytes
    enabled: bool = True

    def mark(self, secret: str) -> str:
        """Give what stands for a secret; an empty text and a mark stay as they are."""
        if not self.enabled or not secret or MARK.fullmatch(secret):
            return secret
        digest = hmac.new(self.key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:6]
        return f"<redacted {len(secret)} chars #{digest}>"

    def text(self, text: str) -> str:
        """Redact any text: bodies, summaries, URLs, commands."""
        if not self.enabled or len(text) < 4:
            return text
        if text.lstrip()[:1] in {"{", "["}:
            text = redact_json(text, is_secret_name, self._leaf)
        text = PRIVATE_KEY.sub(lambda found: self.mark(found.group()), text)
        for pattern in (HEADER_LINE, HEADER_IN_QUOTES):
            text = pattern.sub(lambda found: f"{found[1]}: {self.header(found[1], found[2])}", text)
        text = redis_secrets(text, self.mark)
        text = AUTH_COMMAND.sub(lambda found: found[1] + self._words(found[2]), text)
        text = SQL_PASSWORD.sub(lambda found: f"{found[1]}'{self.mark(found[2])}'", text)
        text = URL_USERINFO.sub(lambda found: f"://{found[1]}:{self.mark(found[2])}@", text)
        text = CONNECT_USERINFO.sub(lambda found: f"{found[1]}:{self.mark(found[2])}@", text)
        text = XML_ELEMENT.sub(self._element, text)
        text = QUERY_PAIR.sub(self._pair, text)
        text = self._settings(text)
        text = SCHEME_AND_SECRET.sub(lambda found: f"{found[1]}{found[2]}{self.mark(found[3])}", text)
        for pattern in WELL_KNOWN:
            text = pattern.sub(lambda found: self.mark(found.group()), text)
        return text

    def header(self, name: str, value: str) -> str:
        """Redact the value of one header: schemes, cookie names and cookie attributes stay."""
        if not self.enabled:
            return value
        lowered = name.strip().lower()
        if lowered in {"cookie", "cookie2"}:
            return self._cookies(value, attributes=False)
        if lowered in {"set-cookie", "set-cookie2"}:
            return self._cookies(value, attributes=True)
        if lowered in _AUTHORITIES:
            return self.text(self._authority(value))
        if not is_secret_name(lowered):
            return self.text(value)
        scheme, space, secret = value.strip().partition(" ")
        if space and scheme.lower() in SCHEMES:
            return f"{scheme} {self.mark(secret.strip())}"
        return self.mark(value.strip())

    def named(self, name: str, value: str) -> str:
        """Redact the value of a parameter, cookie or field of this name."""
        if not self.enabled:
            return value
        return self.mark(value) if is_secret_name(name) or _is_oauth_code(name, value) else self.text(value)

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Redact an entry: header and cookie maps, parameters and all texts, each by its rules."""
        if not self.enabled:
            return dict(row)
        safe = {name: self._field(name, value) for name, value in row.items()}
        if row.get("method") == "CONNECT":
            safe |= {name: self._authority(safe[name]) for name in ("url", "path") if isinstance(safe.get(name), str)}
        if str(row.get("redis_command", "")).upper() in {"AUTH", "HELLO", "ACL", "CONFIG", "MIGRATE"}:
            for name in ("redis_key", "redis_value"):
                if name in safe:
                    safe[name] = self.mark(str(row[name]))
        return safe

    def _field(self, name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._entry(name, str(key), item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._field(name, item) for item in value]
        if isinstance(value, str):
            return self.text(value)
        return value

    def _entry(self, field: str, key: str, value: Any) -> Any:
        """Redact one value of a map: by the field that holds it, then by its own name."""
        if not isinstance(value, str):
            return self._field(key, value)
        if field.endswith("headers"):
            return self.header(key, value)
        if field.endswith("cookies"):
            return self.mark(value)
        return self.named(key, value)

    def _authority(self, value: str) -> str:
        return AUTHORITY_USERINFO.sub(lambda found: f"{found[1]}:{self.mark(found[2])}@", value)

    def _cookies(self, value: str, attributes: bool) -> str:
        parts: list[str] = []
        for part in value.split(";"):
            name, equals, secret = part.partition("=")
            bare = name.strip().lower()
            if attributes and parts and bare in COOKIE_ATTRIBUTES:
                parts.append(part)
            elif equals:
                parts.append(f"{name}={self.mark(secret.strip())}")
            else:
                parts.append(self.mark(part.strip()))
        return ";".join(parts)

    def _words(self, words: str) -> str:
        return " ".join(word if word.lower() in SCHEMES else self.mark(word) for word in words.split(" "))

    def _leaf(self, text: str, secret: bool) -> str:
        return self.mark(text) if secret else self.text(text)

    def _element(self, found: re.Match[str]) -> str:
        local = found[1].rpartition(":")[2]
        return f"<{found[1]}{found[2]}>{self.mark(found[3])}</" if is_secret_name(local) else found.group()

    def _pair(self, found: re.Match[str]) -> str:
        name = unquote_plus(found[2])
        if is_secret_name(name) or _is_oauth_code(name, found[3]):
            return f"{found[1]}{found[2]}={self.mark(found[3])}"
        return found.group()

    def _settings(self, text: str) -> str:
        """Redact the values of secret names; what looks like the value of another name is looked through as well."""
        parts: list[str] = []
        done = 0
        for found in KEY.finditer(text):
            if found.start() < done or not is_secret_name(found["name"]) or _is_header(found):
                continue
            value = VALUE.match(text, found.end())
            if value is None:
                continue
            parts += [text[done : found.end()], self._value(value)]
            done = value.end()
        return "".join([*parts, text[done:]])

    def _value(self, found: re.Match[str]) -> str:
        quoted, plain = found["quoted"], found["plain"]
        if quoted is not None:
            return f"{quoted[0]}{self.mark(quoted[1:-1])}{quoted[0]}"
        if plain.lower() in _NO_SECRETS or plain.lower() in SCHEMES:
            return str(plain)
        return self.mark(plain)


_AUTHORITIES = frozenset({":authority", "host"})
_NO_SECRETS = frozenset({"true", "false", "null", "none", "yes", "no", "on", "off", "nil", "undefined", "{", "["})


def _is_header(found: re.Match[str]) -> bool:
    """Tell whether a setting is a header line that was redacted by the rules for headers already."""
    before = found.string[max(0, found.start() - 1) : found.start()]
    return found["sign"].strip() == ":" and before in {"", "\n", "'", '"'} and found["name"].lower() in _LINE_HEADERS


_LINE_HEADERS = frozenset({"cookie", "cookie2", "set-cookie", "set-cookie2", "authorization", "proxy-authorization"})


def _is_oauth_code(name: str, value: str) -> bool:
    """Tell an authorization code (RFC 6749 section 4.1.2) from an error code: by its length."""
    return name == "code" and len(value) >= 16
