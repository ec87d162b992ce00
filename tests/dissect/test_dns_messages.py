"""Distinct DNS messages are read once, and say what their reading says."""

from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.dissect import dns_messages
from kubeshark_mcp.dissect.dns_messages import Messages, Values
from kubeshark_mcp.dissect.wire_dns import read_message
from tests.dissect.test_dns_columns import answer, query


def codes_of(messages: Messages, *datas: bytes) -> list[int]:
    lengths = np.array([len(data) for data in datas], np.int64)
    return messages.codes_of(b"".join(datas), np.cumsum(lengths) - lengths, lengths).tolist()


def said(columns: dict[str, Values], code: int) -> dict[str, object]:
    """Give the values that a message has."""
    return {name: column.distinct[at] for name, column in columns.items() if (at := column.codes[code]) >= 0}


def test_messages_that_differ_in_their_id_alone_have_one_code():
    messages = Messages()
    assert codes_of(messages, query(1), answer(1), query(2), answer(9)) == [0, 1, 0, 1]
    assert codes_of(messages, answer(3), query(3, "other")) == [1, 2]


def test_each_field_is_what_the_reading_of_the_message_says():
    messages = Messages()
    datas = [query(), answer(), query(flags=0x2900), answer()[:-2]]
    for code, data in zip(codes_of(messages, *datas), datas, strict=True):
        reading = read_message(data)
        values = reading.own if reading.message.response else reading.common | reading.own
        found = {
            name: column.distinct[at] for name, column in messages.fields.items() if (at := column.codes[code]) >= 0
        }
        assert found == values
        texts = {
            name: column.distinct[at] for name, column in messages.texts.items() if (at := column.codes[code]) >= 0
        }
        assert texts.pop("malformed", "") == reading.message.malformed
        assert texts == {"summary": reading.summary, "status": reading.status}
        assert messages.keys.distinct[messages.keys.codes[code]] == reading.key


def test_traits_tell_what_pairing_has_to_know():
    messages = Messages()
    datas = (query(), answer(flags=0x8183), answer()[:-2], query(kind=252), query(flags=0x0105), query()[:12])
    codes = np.array(codes_of(messages, *datas))
    assert messages.responses(codes).tolist() == [False, True, True, False, False, False]
    assert messages.certain(codes).tolist() == [True, True, False, True, False, False]
    assert messages.failed(codes).tolist() == [False, True, False, False, True, False]
    assert messages.plain(codes).tolist() == [True, True, True, False, True, False]


@pytest.mark.parametrize("limit", ["MESSAGES", "MESSAGE_BYTES"])
def test_a_flood_of_names_is_forgotten_at_once(limit, monkeypatch):
    monkeypatch.setattr(dns_messages, limit, 2)
    messages = Messages()
    assert codes_of(messages, *(query(1, f"h{number}") for number in range(5))) == [0, 1, 2, 3, 4]
    assert codes_of(messages, query(1, "h4"), query(1, "h3")) == [0, 1]
    assert len(messages.keys.distinct) == 2


def test_values_grow_with_the_messages_and_repeat_nothing():
    values = Values()
    values.put(np.arange(3), ["x", None, "y"])
    values.reserve(3003)
    values.put(np.arange(3, 3003), ["x"] * 3000)
    assert values.distinct == ["x", "y"]
    assert values.codes[:5].tolist() == [0, -1, 1, 0, 0]
    assert values.codes[3002] == 0
    assert values.codes[3003] == -1


def test_many_new_messages_are_read_as_few_are(monkeypatch):
    datas = [made for number in range(40) for made in (query(1, f"h{number}"), answer(2, f"h{number}")[: number + 30])]
    monkeypatch.setattr(dns_messages, "AT_ONCE", 16)
    found = []
    for many in (1, len(datas) + 1):
        monkeypatch.setattr(dns_messages, "MANY", many)
        messages = Messages()
        codes = codes_of(messages, *datas)
        columns = messages.fields | messages.texts | {"key": messages.keys, "traits": messages._traits}
        found.append([said(columns, code) for code in codes])
    assert found[0] == found[1]


def test_words_count_where_they_are_longer_than_the_message(monkeypatch):
    monkeypatch.setattr(dns_messages, "MESSAGE_BYTES", 2000)
    messages, host = Messages(), ".".join(["a" * 60] * 4)
    many = answer(1, host)
    many = many[:6] + b"\0\x14" + many[8:] + many[-16:] * 19
    assert len(many) < 700
    assert codes_of(messages, many) == [0]
    assert codes_of(messages, query()) == [0]
