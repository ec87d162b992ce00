"""The table of AMQP's methods agrees with itself and with the specification."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.wire_amqp_methods import ASKED_BY, METHODS, PROPERTIES, REPLY_CODES

CLASSES = {
    10: "Connection",
    20: "Channel",
    30: "Access",
    40: "Exchange",
    50: "Queue",
    60: "Basic",
    85: "Confirm",
    90: "Tx",
}
TYPES = {"octet", "short", "long", "longlong", "bit", "shortstr", "longstr", "table"}


@pytest.mark.parametrize("number", METHODS, ids=lambda number: METHODS[number].name)
def test_a_method_bears_the_name_of_its_class_and_has_known_types(number: tuple[int, int]):
    method = METHODS[number]
    assert method.name.partition(".")[0] == CLASSES[number[0]]
    assert {kind for _, kind in method.arguments} <= TYPES
    assert method.sender in {"c", "s", "b"}


@pytest.mark.parametrize("number", METHODS, ids=lambda number: METHODS[number].name)
def test_answers_exist_are_answers_and_come_from_the_other_side(number: tuple[int, int]):
    method = METHODS[number]
    for reply in method.replies:
        answer = METHODS[number[0], reply]
        assert answer.reply
        assert answer.name.startswith(method.name)
        assert answer.sender != method.sender or method.sender == "b"
        assert ASKED_BY[number[0], reply] == number[1]
    assert method.reply == (number in ASKED_BY)


def test_the_methods_with_content_are_those_that_carry_messages():
    names = {method.name for method in METHODS.values() if method.content}
    assert names == {"Basic.Publish", "Basic.Return", "Basic.Deliver", "Basic.Get-Ok"}


def test_the_extensions_of_rabbitmq_are_there():
    names = {method.name for method in METHODS.values()}
    assert {"Confirm.Select", "Exchange.Bind", "Exchange.Unbind-Ok", "Basic.Nack", "Connection.Blocked"} <= names
    assert "Connection.Update-Secret" in names


def test_codes_and_properties_are_those_of_the_specification():
    assert (REPLY_CODES[404], REPLY_CODES[312], REPLY_CODES[320]) == ("NOT_FOUND", "NO_ROUTE", "CONNECTION_FORCED")
    assert [name for name, _ in PROPERTIES[:3]] == ["content_type", "content_encoding", "headers"]
    assert len(PROPERTIES) == 14
