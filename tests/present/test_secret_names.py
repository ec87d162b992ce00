"""Which names stand for secrets."""

from __future__ import annotations

import pytest

from kubeshark_mcp.present.secret_names import is_secret_name


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "userPassword", "passwd", "token", "access_token", "csrfToken", "X-Api-Key", "apikey",
     "client_secret", "AWS_SECRET_ACCESS_KEY", "X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential", "sig",
     "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Auth-Token", "X-Vault-Token", "License-Key",
     "X-Kubeshark-Authorization", "private_key", "JSESSIONID", "sessionid", "sid", "pwd", "user[password]",
     "PRIVATE-TOKEN",
     "x" * 500 + "_password", "credentials", "requirepass", "connectionString"],
)  # fmt: skip
def test_names_of_secrets_are_known_however_they_are_spelled(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["host", "content-type", "user", "key", "token_type", "max_tokens", "total_tokens", "nextPageToken", "secretName",
     "password_policy", "id", "path", "passenger", "compass", "tokenizer", "author", "assignee", "signed", "etag",
     "passed", "bypass", "expires", "design", "keyboard", "token_endpoint", "secretRef", "passwordResetRequired", ""],
)  # fmt: skip
def test_names_that_only_look_alike_are_left_alone(name):
    assert not is_secret_name(name)
