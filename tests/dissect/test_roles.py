from __future__ import annotations

from kubeshark_mcp.dissect.roles import Roles
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Direction, Endpoint, Span

A, B = Endpoint("10.0.0.1", 1), Endpoint("10.0.0.2", 2)
SPAN = Span(0, 4, 1, 1, 5, 5)


def test_who_asks_is_the_client_and_who_answers_is_the_server():
    connection = Connection(7, "tcp", A, B, capture=1, point=2, client_sequence=10, server_sequence=20, from_start=True)
    other = Connection(7, "tcp", B, A, capture=1, point=2, client_sequence=20, server_sequence=10, from_start=True)
    roles = Roles(connection)
    assert roles.request("x", Direction.CLIENT, SPAN) == Entry("x", connection, SPAN, None)
    assert roles.request("x", Direction.SERVER, SPAN) == Entry("x", other, SPAN, None)
    assert roles.response("x", Direction.SERVER, SPAN) == Entry("x", connection, None, SPAN)
    assert roles.response("x", Direction.CLIENT, SPAN) == Entry("x", other, None, SPAN)


def test_entries_of_one_side_share_one_connection_object():
    roles = Roles(Connection(7, "tcp", A, B))
    assert roles.asked_by(Direction.SERVER) is roles.asked_by(Direction.SERVER)


def test_a_sequence_number_that_becomes_known_late_is_taken_over():
    connection = Connection(7, "tcp", A, B)
    roles = Roles(connection)
    assert roles.asked_by(Direction.SERVER).client_sequence == -1
    connection.server_sequence = 99
    assert roles.asked_by(Direction.SERVER).client_sequence == 99
