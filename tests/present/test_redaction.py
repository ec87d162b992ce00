"""Secrets stay out of answers, and "same token?" can still be answered."""

from __future__ import annotations

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.present.redaction import Redactor

REDACTOR = Redactor(b"workspace key")
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
SECRET = "hunter2-Zq9xW8"

LEAKS = {
    "bearer": "Authorization: Bearer {}",
    "basic": "authorization: Basic {}",
    "digest": 'Proxy-Authorization: Digest username="u", response="{}"',
    "aws4": "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101, Signature={}",
    "unknown scheme": "Authorization: {}",
    "cookie": "Cookie: theme=dark; session={}",
    "set-cookie": "Set-Cookie: sid={}; Path=/; HttpOnly",
    "api key header": "X-Api-Key: {}",
    "vault": "X-Vault-Token: {}",
    "query token": "GET /x?a=1&access_token={}&b=2 HTTP/1.1",
    "query password": "https://shop/login?password={}",
    "query api key": "/v1?api_key={}",
    "query signature": "/o?X-Amz-Signature={}&x=y",
    "query code": "/cb?code={}0123456789&state=x",
    "percent-encoded name": "/x?pass%77ord={}",
    "form": "user=ann&password={}&remember=1",
    "json": '{{"user": "ann", "password": "{}"}}',
    "json cut off": '{{"user": "ann", "password": "{}',
    "json nested": '{{"db": {{"credentials": {{"value": "{}"}}}}}}',
    "json in json": '{{"body": "{{\\"password\\": \\"{}\\"}}"}}',
    "kubernetes env": '[{{"name": "DB_PASSWORD", "value": "{}"}}]',
    "yaml": "db:\n  user: ann\n  password: {}\n",
    "env": "DB_PASSWORD={}",
    "quoted setting": "password = '{}'",
    "xml": "<login><password>{}</password></login>",
    "soap": '<wsse:Password Type="text">{}</wsse:Password>',
    "url": "postgres://ann:{}@db:5432/shop",
    "url without user": "redis://:{}@cache:6379/0",
    "dsn": "host=db user=ann password={} dbname=shop",
    "odbc": "Server=db;User Id=ann;Password={};",
    "redis": "AUTH {}",
    "redis user": "AUTH ann {}",
    "redis hello": "HELLO 3 AUTH ann {}",
    "redis config": "CONFIG SET requirepass {}",
    "redis acl": "ACL SETUSER ann on >{} ~* +@all",
    "redis migrate": "MIGRATE 10.0.0.1 6379 key 0 5000 AUTH {}",
    "resp": "*2\n$4\nAUTH\n$14\n{}\n",
    "resp user": "*3\n$4\nAUTH\n$3\nann\n$14\n{}\n*1\n$4\nPING\n",
    "resp config": "*4\n$6\nCONFIG\n$3\nSET\n$11\nrequirepass\n$14\n{}\n",
    "sql create": "CREATE USER ann WITH PASSWORD '{}'",
    "sql alter": "ALTER ROLE ann PASSWORD '{}' VALID UNTIL 'infinity'",
    "sql identified": "CREATE USER 'ann'@'%' IDENTIFIED BY '{}'",
    "sql identified with": "CREATE USER ann IDENTIFIED WITH mysql_native_password BY '{}'",
    "sql set": "SET PASSWORD FOR 'ann' = '{}'",
    "sql function": "SET PASSWORD = PASSWORD('{}')",
    "sql cut off": "ALTER USER ann IDENTIFIED BY '{}",
    "smtp": "AUTH PLAIN {}",
    "ftp": "PASS {}",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----",
    "private key cut off": "-----BEGIN PRIVATE KEY-----\n{}",
    "bearer in text": "curl -H 'x: Bearer {}0123'",
}


@pytest.mark.parametrize("template", LEAKS.values(), ids=LEAKS.keys())
def test_a_secret_does_not_get_through(template):
    shown = REDACTOR.text(template.format(SECRET))
    assert SECRET not in shown
    assert re.search(r"<redacted \d+ chars #[0-9a-f]{6}>", shown)


@pytest.mark.parametrize("template", LEAKS.values(), ids=LEAKS.keys())
def test_redacting_twice_changes_nothing(template):
    once = REDACTOR.text(template.format(SECRET))
    assert REDACTOR.text(once) == once


@pytest.mark.parametrize("template", LEAKS.values(), ids=LEAKS.keys())
def test_switched_off_it_is_really_off(template):
    text = template.format(SECRET)
    assert Redactor(b"k", enabled=False).text(text) == text


@pytest.mark.parametrize(
    "secret",
    [JWT, "AKIAIOSFODNN7EXAMPLE", "ghp_" + "a1" * 18, "glpat-" + "x" * 20, "xoxb-123456789012-abcdefghij",
     "sk_live_" + "a" * 24, "AIza" + "B" * 35, "hvs." + "C" * 30, "sk-proj-" + "d" * 40, "npm_" + "e" * 36],
)  # fmt: skip
@pytest.mark.parametrize("template", ["{}", "value {} here", "/path/{}", 'x="{}"', "a%20{}"])
def test_secrets_of_a_known_shape_are_found_anywhere(secret, template):
    assert secret not in REDACTOR.text(template.format(secret))


@pytest.mark.parametrize(
    "text",
    [
        "GET /orders/12345?page=2&sort=asc HTTP/1.1",
        '{"orders": [{"id": 7, "total": 12.5}], "nextPageToken": "abc", "max_tokens": 100}',
        "SELECT id, password_hint FROM users WHERE name = 'ann'",
        "password: <b>",
        "Host: shop.example.com\nUser-Agent: curl/8.0\nContent-Length: 12",
        "http://10.0.0.1:8080/a:b@c",
        "Basic usage of the Bearer scheme",
        "authors: ann, bob",
        "SET cart:17 value",
        "2026-11-01T14:03:05+01:00",
        "token_type=bearer&expires_in=3600",
        "author=ann&code=500",
        "Www-Authenticate: Basic realm=shop",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_what_is_no_secret_is_left_alone(text):
    if text == "password: <b>":
        assert REDACTOR.text(text) != text
    else:
        assert REDACTOR.text(text) == text


def test_the_scheme_the_length_and_a_hash_stay():
    assert REDACTOR.header("Authorization", "Bearer " + "x" * 812) == f"Bearer {REDACTOR.mark('x' * 812)}"
    assert re.fullmatch(r"<redacted 812 chars #[0-9a-f]{6}>", REDACTOR.mark("x" * 812))


def test_the_same_secret_has_the_same_mark_wherever_it_stands():
    mark = REDACTOR.mark(SECRET)
    assert REDACTOR.header("Authorization", f"Bearer {SECRET}") == f"Bearer {mark}"
    assert REDACTOR.text(f"/x?token={SECRET}") == f"/x?token={mark}"
    assert json.loads(REDACTOR.text(json.dumps({"token": SECRET}))) == {"token": mark}
    assert REDACTOR.header("Cookie", f"t={SECRET}") == f"t={mark}"


def test_another_key_gives_another_hash():
    assert Redactor(b"other").mark(SECRET) != REDACTOR.mark(SECRET)


def test_cookie_names_and_attributes_stay():
    assert REDACTOR.header("Cookie", "theme=dark; sid=abc") == (
        f"theme={REDACTOR.mark('dark')}; sid={REDACTOR.mark('abc')}"
    )
    assert REDACTOR.header("Set-Cookie", "sid=abc; Path=/; HttpOnly; SameSite=Lax") == (
        f"sid={REDACTOR.mark('abc')}; Path=/; HttpOnly; SameSite=Lax"
    )


def test_an_attribute_name_as_the_first_cookie_is_a_cookie():
    assert "abc" not in REDACTOR.header("Set-Cookie", "path=abc; Path=/")


def test_a_row_is_redacted_field_by_field():
    row = {
        "request.headers": {"authorization": f"Bearer {SECRET}", "host": "shop"},
        "request.cookies": {"theme": SECRET},
        "query_string": {"token": SECRET, "page": "2"},
        "url": f"http://shop/x?token={SECRET}&page=2",
        "path": "/x",
        "status_code": 200,
        "dns_questions": ("shop.example.com",),
        "_summary": f"GET /x?token={SECRET}",
    }
    mark = REDACTOR.mark(SECRET)
    assert REDACTOR.row(row) == {
        "request.headers": {"authorization": f"Bearer {mark}", "host": "shop"},
        "request.cookies": {"theme": mark},
        "query_string": {"token": mark, "page": "2"},
        "url": f"http://shop/x?token={mark}&page=2",
        "path": "/x",
        "status_code": 200,
        "dns_questions": ["shop.example.com"],
        "_summary": f"GET /x?token={mark}",
    }


def test_the_argument_of_redis_auth_is_no_key_to_be_shown():
    row = {"redis_command": "AUTH", "redis_key": SECRET, "_summary": f"AUTH {SECRET}"}
    mark = REDACTOR.mark(SECRET)
    assert REDACTOR.row(row) == {"redis_command": "AUTH", "redis_key": mark, "_summary": f"AUTH {mark}"}


def test_a_row_without_redaction_is_the_row():
    row = {"request.headers": {"authorization": f"Bearer {SECRET}"}, "redis_command": "AUTH", "redis_key": SECRET}
    assert Redactor(b"k", enabled=False).row(row) == row


def test_an_oauth_code_is_a_secret_and_an_error_code_is_none():
    assert REDACTOR.named("code", "500") == "500"
    assert "SplxlOBeZQQYbYS6WxSbIA" not in REDACTOR.named("code", "SplxlOBeZQQYbYS6WxSbIA")


@given(st.text(min_size=1))
def test_a_mark_reveals_nothing_but_the_length(secret):
    assert re.fullmatch(rf"<redacted {len(secret)} chars #[0-9a-f]{{6}}>", REDACTOR.mark(secret)) or (
        secret == REDACTOR.mark(secret)
    )


@given(st.text(alphabet="abAB \"'{}[]:=&;?<>/@$\n\\*0-_.,", max_size=200))
def test_any_text_is_survived_and_stays_redacted(text):
    once = REDACTOR.text(text)
    assert REDACTOR.text(once) == once


@pytest.mark.parametrize(
    "unit",
    ["eyJ", "eyJhbGciOi.", "://a:", "://", "password=", "password='", 'password="', "<a>", "<password>",
     "-----BEGIN PRIVATE KEY-----", "Bearer ", "AUTH ", "a=", "&a=", "$4\nAUTH\n", "CONFIG SET requirepass ",
     "MIGRATE ", "HELLO 3 ", "ACL SETUSER ", "{", '{"a":', "identified by '", "PASSWORD = ", "%20eyJ", "x",
     " ", "\n", "'", '"', "\\", "SG.aaaaaaaaaaaaaaaa.", "T12345678/B12345678/"],
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(unit):
    text = unit * (200_000 // len(unit))
    started = time.process_time()
    REDACTOR.text(text)
    assert time.process_time() - started < 5


def test_user_information_before_a_host_is_redacted_where_there_is_no_scheme():
    redactor = Redactor(b"key")
    row = redactor.row(
        {
            "method": "CONNECT",
            "url": "ada:hunter22@proxy:443",
            "path": "ada:hunter22@proxy:443",
            "summary": "CONNECT ada:hunter22@proxy:443",
            "request.headers": {":authority": "ada:hunter22@proxy:443", "host": "ada:hunter22@proxy"},
        }
    )
    assert "hunter22" not in str(row)
    assert str(row).count("ada:<redacted 8 chars") == 5
    plain = {"request.headers": {"host": "shop.example:8080"}, "summary": "CONNECT shop.example:443"}
    assert redactor.row(plain) == plain


def test_a_secret_behind_what_looks_like_another_setting_is_found():
    redactor = Redactor(b"key")
    for text in (
        "Costs of May: password=hunter2-secret",
        'log: "user=a password=hunter2-secret"',
        "a=b=token=hunter2-secret",
    ):
        assert "hunter2" not in redactor.text(text), text
