"""Times of an entry."""

from __future__ import annotations

from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Endpoint, Span

CONNECTION = Connection(0, "tcp", Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80))
REQUEST = Span(0, 10, 1, 2, 1_000_000, 3_000_000)
RESPONSE = Span(0, 10, 3, 5, 8_000_000, 9_000_000)


def test_elapsed_is_from_the_first_packet_of_the_request_to_the_last_of_the_response():
    entry = Entry("http", CONNECTION, REQUEST, RESPONSE)
    assert (entry.start_ns, entry.elapsed_us, entry.first_byte_us) == (1_000_000, 8_000, 5_000)


def test_half_an_entry_has_a_start_and_no_duration():
    for entry in (Entry("http", CONNECTION, REQUEST, None), Entry("http", CONNECTION, None, RESPONSE)):
        half = entry.request or entry.response
        assert half is not None
        assert (entry.start_ns, entry.elapsed_us, entry.first_byte_us) == (half.start_ns, 0, 0)


def test_a_response_that_overtook_its_request_takes_no_negative_time():
    entry = Entry("dns", CONNECTION, RESPONSE, REQUEST)
    assert (entry.elapsed_us, entry.first_byte_us) == (0, 0)
