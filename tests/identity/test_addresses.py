from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from kubeshark_mcp.identity.addresses import _parsed, canonical


def test_an_address_has_one_spelling():
    assert canonical("10.0.0.7") == "10.0.0.7"
    assert canonical("2001:DB8:0:0::7") == "2001:db8::7"
    assert canonical("::ffff:10.0.0.7") == "10.0.0.7"


def test_what_is_no_address_is_empty():
    assert [canonical(text) for text in ("", "None", "10.0.0", "api.example.com")] == ["", "", "", ""]


_GROUPS = st.sampled_from(["0", "1", "f", "ffff", "10", "01", "A", "", "0000", "10.0.0.1"])
_BYTES = st.sampled_from(["0", "9", "10", "99", "100", "199", "249", "255", "256", "00", "1 ", "", "\u0661"])


@given(
    st.one_of(
        st.ip_addresses().map(str),
        st.lists(_GROUPS, min_size=6, max_size=9).map(":".join),
        st.lists(st.sampled_from(["0", "0", "1", "fe80"]), min_size=8, max_size=8).map(":".join),
        st.lists(_BYTES, min_size=3, max_size=5).map(".".join),
        st.binary(min_size=4, max_size=4).map(lambda data: f"{IPv4Address(data)}\n"),
        st.binary(min_size=16, max_size=16).map(lambda data: IPv6Address(data).exploded),
    )
)
def test_what_is_written_as_it_should_be_is_known_without_being_parsed(text):
    assert canonical(text) == _parsed(text)
