"""Redaction inside JSON text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.present.json_scan import redact_json
from kubeshark_mcp.present.secret_names import is_secret_name

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def redact(text: str) -> str:
    return redact_json(text, is_secret_name, lambda value, secret: "***" if secret else value)


def test_only_secret_members_change_and_white_space_stays():
    text = '{ "user" : "ann",\n  "password" : "hunter2", "n": 1.5 }'
    assert redact(text) == '{ "user" : "ann",\n  "password" : "***", "n": 1.5 }'


def test_all_under_a_secret_name_is_secret():
    assert redact('{"credentials":{"id":7,"parts":["a",{"b":"c"}]},"z":"y"}') == (
        '{"credentials":{"id":"***","parts":["***",{"b":"***"}]},"z":"y"}'
    )


def test_numbers_are_secrets_and_words_of_json_are_not():
    assert redact('{"pin":1234,"token":null,"secret":true}') == '{"pin":"***","token":null,"secret":true}'


def test_a_sibling_can_name_the_secret():
    assert redact('[{"name":"DB_PASSWORD","value":"x"},{"name":"HOST","value":"y"}]') == (
        '[{"name":"DB_PASSWORD","value":"***"},{"name":"HOST","value":"y"}]'
    )


def test_the_data_of_a_kubernetes_secret_is_secret():
    assert redact('{"kind":"Secret","metadata":{"name":"a"},"data":{"anything":"eA=="}}') == (
        '{"kind":"Secret","metadata":{"name":"a"},"data":{"anything":"***"}}'
    )


def test_an_escaped_name_is_still_a_name():
    assert redact('{"pass\\u0077ord":"x"}') == '{"pass\\u0077ord":"***"}'


def test_text_that_was_cut_off_is_redacted_up_to_its_end():
    assert redact('{"a":1,"password":"hunt') == '{"a":1,"password":"***'


@given(values)
def test_json_without_secrets_comes_out_as_it_went_in(value):
    text = json.dumps(value)
    assert redact_json(text, lambda name: False, lambda leaf, secret: leaf) == text


@given(st.dictionaries(st.text(), values))
def test_the_result_is_json_of_the_same_shape(value):
    given_value = {"password": value, "other": value}
    result = json.loads(redact(json.dumps(given_value)))
    assert list(result) == list(given_value)
    assert list(result["password"]) == list(value)


@given(st.text())
def test_any_text_is_survived(text):
    assert isinstance(redact(text), str)


def test_deep_nesting_is_survived():
    assert redact("[" * 100_000).startswith("[[")
    assert redact('{"a":' * 50_000).endswith('"a":')
