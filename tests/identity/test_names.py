from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.identity import names
from kubeshark_mcp.identity.names import NameTable, from_dns


def test_the_latest_answer_before_a_time_wins_and_the_first_holds_before_it_too():
    table = NameTable()
    for name, moment in (("b.example.com", 20), ("a.example.com", 10), ("c.example.com", 30)):
        table.add(name, "192.0.2.1", moment)
    assert [table.resolve("192.0.2.1", moment) for moment in (9, 10, 19, 20, 99)] == [
        "a.example.com",
        "a.example.com",
        "a.example.com",
        "b.example.com",
        "c.example.com",
    ]
    assert table.resolve("192.0.2.2", 99) == ""


def test_addresses_are_found_in_their_usual_spelling():
    table = NameTable()
    table.add("six.example.com", "2001:DB8::0:1", 1)
    table.add("nothing.example.com", "not an address", 1)
    assert table.resolve("2001:db8::1", 5) == "six.example.com"


def test_memory_is_bounded_and_what_was_dropped_is_counted(monkeypatch):
    monkeypatch.setattr(names, "NAMES_KEPT", 2)
    table = NameTable()
    for number in range(4):
        table.add("same.example.com", f"192.0.2.{number}", 1)
        table.add("same.example.com", "192.0.2.0", 2)
    assert table.dropped == 2
    assert table.resolve("192.0.2.1", 3) == "same.example.com"


def test_the_lines_of_a_dns_entry_are_taken_apart():
    lines = ("api.example.com 30 192.0.2.1", "a\\032b.example.com 0 2001:db8::1", "odd line", "x y z", "x 3 nowhere")
    assert from_dns(lines) == [("api.example.com", "192.0.2.1"), ("a\\032b.example.com", "2001:db8::1")]


def test_only_an_address_that_had_several_names_changes_its_name() -> None:
    names = NameTable()
    for name, time_ns in (("a", 5), ("a", 6), ("b", 9)):
        names.add(name, "10.0.0.1", time_ns)
    names.add("a", "10.0.0.2", 5)
    assert [names.changes(address) for address in ("10.0.0.1", "10.0.0.2", "10.0.0.3")] == [[5, 9], [], []]


def test_the_last_change_of_an_address_is_told_and_whether_there_is_room_for_more(monkeypatch) -> None:
    monkeypatch.setattr(names, "NAMES_KEPT", 4)
    table = NameTable()
    for name, time_ns in (("a", 5), ("b", 9), ("c", 7)):
        table.add(name, "10.0.0.1", time_ns)
    assert [table.latest(address) for address in ("10.0.0.1", "10.0.0.2")] == [9, None]
    assert (table.has_room(1), table.has_room(2)) == (True, False)
    table.add("a", "10.0.0.2", 3)
    assert table.latest("10.0.0.2") == 3


TOLD = st.lists(
    st.tuples(
        st.integers(0, 9),
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", ""]), st.sampled_from(["10.0.0.1", "10.0.0.2", "::ffff:10.0.0.1", "no"])
            ),
            max_size=3,
        ),
    ),
    max_size=30,
)


@given(TOLD)
def test_many_answers_at_once_are_the_same_answers_one_by_one(told: Sequence[tuple[int, list[tuple[str, str]]]]):
    at_once, one_by_one = NameTable(), NameTable()
    at_once.add_all(told)
    for time_ns, pairs in told:
        for name, address in pairs:
            one_by_one.add(name, address, time_ns)
    assert [vars(table) for table in (at_once, one_by_one)] == [vars(one_by_one)] * 2
