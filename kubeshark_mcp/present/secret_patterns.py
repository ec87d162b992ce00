"""What secrets look like in captured text. Every pattern is bounded or starts at a boundary: work stays linear."""

from __future__ import annotations

import re
from collections.abc import Callable

MARK = re.compile(r"<redacted \d{1,12} chars #[0-9a-f]{6}>")
"""What stands for a secret."""

_NO_MARK = r"(?!<redacted \d{1,12} chars #[0-9a-f]{6}>)"

PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:(?!-----END).)*+(?:-----END[A-Z0-9 ]{0,60}-----)?",
    re.DOTALL,
)
"""A PEM private key, whole or cut off (RFC 7468)."""

_HEADER = (
    r"((?:proxy-)?authorization|(?:set-)?cookie2?|x-[a-z0-9-]{0,40}(?:token|key|secret|auth|authorization|password"
    r"|signature|credential)|api-?key|license-key|private-token|job-token)[ \t]{0,8}:[ \t]{0,8}"
)

HEADER_LINE = re.compile(rf"(?im)^{_HEADER}(\S[^\n]*)")
"""A header line in captured text: 1 its name, 2 its value."""

HEADER_IN_QUOTES = re.compile(rf"(?i)(?<=['\"]){_HEADER}([^\s'\"][^\n'\"]*)")
"""A header as an argument of a command: 1 its name, 2 its value."""

AUTH_COMMAND = re.compile(
    r"(?m)^((?i:AUTH)[ \t]{1,4}|PASS(?=[ \t]{1,4}\S{1,256}$)[ \t]{1,4})"
    rf"{_NO_MARK}([^\s<][^\s]{{0,1023}}(?: [^\s<][^\s]{{0,1023}}){{0,2}})$"
)
"""AUTH of Redis and SMTP, PASS of FTP and POP: 1 the command, 2 what follows."""

_REDIS_INLINE = re.compile(
    r"(?im)\b((?:HELLO[ \t]{1,4}\d[^\n]{0,64}?[ \t]AUTH[ \t]{1,4}\S{1,256}+"
    r"|MIGRATE[^\n]{1,512}?[ \t]AUTH2[ \t]{1,4}\S{1,256}+|MIGRATE[^\n]{1,512}?[ \t]AUTH"
    r"|CONFIG[ \t]{1,4}SET[ \t]{1,4}(?:requirepass|masterauth)"
    rf"|ACL[ \t]{{1,4}}SETUSER[ \t]{{1,4}}[^\n>]{{1,256}}[ \t]>)[ \t]{{0,4}}){_NO_MARK}(\S{{1,1024}})"
)
_RESP_AUTH = re.compile(r"(?i)(\$4\n(?:AUTH)\n)((?:\$\d{1,9}\n[^\n]{0,4096}\n?){1,2})")
_RESP_BULK = re.compile(r"(\$\d{1,9}\n)([^\n]{1,4096})")
_RESP_CONFIG = re.compile(r"(?i)(\n(?:requirepass|masterauth)\n\$\d{1,9}\n)([^\n]{1,4096})")


def redis_secrets(text: str, mark: Callable[[str], str]) -> str:
    """Redact the passwords of Redis commands, as one line and as RESP arrays with clean line ends."""
    text = _REDIS_INLINE.sub(lambda found: found[1] + mark(found[2]), text)
    if "$" not in text:
        return text
    text = _RESP_AUTH.sub(lambda found: found[1] + _RESP_BULK.sub(lambda bulk: bulk[1] + mark(bulk[2]), found[2]), text)
    return _RESP_CONFIG.sub(lambda found: found[1] + mark(found[2]), text)


SQL_PASSWORD = re.compile(
    r"(?i)\b((?:PASSWORD|PASSPHRASE|IDENTIFIED\s{1,8}(?:WITH\s{1,8}\S{1,64}\s{1,8})?(?:BY|AS))"
    r"(?:\s{1,8}(?:FOR\s{1,8}\S{1,128}|TO|AS|BY))?\s{0,8}(?:=\s{0,8}|\(\s{0,8})?)'((?:[^']|'')*+)'?"
)
"""A password literal in SQL: 1 the words before it, 2 the literal."""

URL_USERINFO = re.compile(rf"://([^\s/:@\"'<>]{{0,256}}):{_NO_MARK}([^\s/\"'<>]{{1,256}})@")
"""User information in a URL (RFC 3986 section 3.2.1): 1 the user, 2 the password."""

AUTHORITY_USERINFO = re.compile(rf"^([^\s/:@\"'<>]{{0,256}}):{_NO_MARK}([^\s/\"'<>]{{1,256}})@")
"""User information before a host that stands by itself, as in `:authority`: 1 the user, 2 the password."""

CONNECT_USERINFO = re.compile(rf"\b(CONNECT[ \t]{{1,4}}[^\s/:@\"'<>]{{0,256}}):{_NO_MARK}([^\s/\"'<>]{{1,256}})@")
"""The same in a request for a tunnel: 1 the method and the user, 2 the password."""

XML_ELEMENT = re.compile(rf"<([A-Za-z][\w:.-]{{0,63}})(\s[^<>]{{0,256}})?>{_NO_MARK}([^<>]{{1,4096}})</")
"""An element with text: 1 its name, 2 its attributes, 3 the text."""

QUERY_PAIR = re.compile(rf"([?&;])([^=&#;\s?\"'<>]{{1,128}})={_NO_MARK}([^&#;\s\"'<>]++)")
"""A pair of a query or form: 1 the sign before it, 2 its name, 3 its value."""

KEY = re.compile(r"(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{0,127}+)(?P<sign>[\"']?[ \t]{0,8}(?:=>|:=|[:=])[ \t]{0,8})")
"""The left side of a setting: name, and sign with the quote that may end the name."""

VALUE = re.compile(
    rf"(?:(?P<quoted>\"(?:[^\"\\\n]|\\.)*+\"|'(?:[^'\\\n]|\\.)*+')|{_NO_MARK}(?P<plain>[^\s&;,\"'\\)}}\]]++))"
)
"""The right side of a setting: a quoted or a plain value."""

SCHEME_AND_SECRET = re.compile(
    r"(?i)(?<![\w-])(bearer|basic|negotiate|apikey|dpop|aws4-hmac-sha256)((?: |%20|\+){1,2})"
    r"((?!auth)[A-Za-z0-9._~+/:-]{8,}+={0,2})(?![=\w])"
)
"""Credentials after their scheme: 1 the scheme, 2 the space, 3 the secret."""

WELL_KNOWN = tuple(
    re.compile(rf"(?:(?<![A-Za-z0-9_-])|(?<=%20)){pattern}")
    for pattern in (
        r"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{4,}+(?:\.[A-Za-z0-9_-]*+){0,3}",  # JWS and JWE, RFC 7515 and 7516
        r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Z0-9])",  # AWS
        r"(?:gh[pousr]_[A-Za-z0-9]{20,}+|github_pat_[A-Za-z0-9_]{20,}+)",
        r"gl(?:pat|rt|dt|ft|soat|cbt)-[A-Za-z0-9_.-]{16,}+",
        r"xox[abeoprs]-[A-Za-z0-9-]{10,}+",
        r"(?:sk|pk|rk|whsec)_(?:live|test)_[A-Za-z0-9]{10,}+",
        r"sk-[A-Za-z0-9_-]{16,}+",
        r"AIza[A-Za-z0-9_-]{30,}+",
        r"ya29\.[A-Za-z0-9._-]{20,}+",
        r"(?:npm|pypi|hf|dop_v1|doo_v1|shpat|shpss|figd|lin_api|hvs|hvb|s\.)[-_.][A-Za-z0-9_.-]{20,}+",
        r"SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+",
        r"T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{20,}+",  # Slack webhook
        r"bot\d{6,12}:[A-Za-z0-9_-]{30,}+",  # Telegram
    )
)
"""Secrets that are recognised by their own shape."""
