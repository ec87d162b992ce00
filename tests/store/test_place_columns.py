"""What connections that come as columns tell of the rows of a batch."""

from __future__ import annotations

import numpy as np
import pytest

from kubeshark_mcp.model.entry_columns import ConnectionColumns, Numbers
from kubeshark_mcp.model.field import FieldType
from kubeshark_mcp.store.place_columns import MANY, PlaceColumns, PlacesOf, connections_in, connections_of
from kubeshark_mcp.store.places import FACTS, ConnectionPlaces, nearness

CODES = np.array([2, 0, 2], np.int32)
TIMES = np.array([10, 20, 30], np.int64)


class Places:
    """Tells the time that it was asked for."""

    def __call__(self, connection, time_ns):
        return {"flow_id": connection.number + time_ns, "node_name": f"node-{connection.capture}"}

    def columns(self, connections, times):
        shared = [{"node_name": f"node-{capture}"} for capture in range(3)]
        return PlaceColumns(
            shared, connections.capture.astype(np.int32), {"flow_id": Numbers(connections.number + times)}
        )


def connections():
    three, addresses = np.arange(3), np.arange(3, dtype=np.int32)
    return ConnectionColumns(
        "sctp", ["10.0.0.1", "fd00::1", "10.0.0.3"], three + 7, addresses, three + 4000, addresses[::-1], three + 80,
        three, three + 1, three * 5, three * 6, three > 0,
    )  # fmt: skip


def test_many_are_told_of_as_one_by_one():
    columns = connections()
    assert isinstance(Places(), PlacesOf)
    many = connections_of(columns, CODES, TIMES, Places())
    objects = columns.connections()
    one_by_one = ConnectionPlaces.of_rows([objects[code] for code in CODES], TIMES, Places())
    for name in FACTS:
        assert many.fact(name).to_pylist() == one_by_one.fact(name).to_pylist(), name
    for name, kind in (("flow_id", FieldType.INT), ("node_name", FieldType.STRING), ("absent", FieldType.BOOL)):
        assert many.told(name, kind).to_pylist() == one_by_one.told(name, kind).to_pylist(), name
        assert many.knows(name) == one_by_one.knows(name)
    assert many.told("flow_id", FieldType.INT).to_pylist() == [19, 27, 19]
    assert many.derived("_near", nearness, FieldType.INT).to_pylist() == [1, 1, 1]
    assert many.client_hashes().tolist() == one_by_one.client_hashes().tolist()
    assert [part.tolist() for part in many.sequences()] == [part.tolist() for part in one_by_one.sequences()]
    assert many.over_tcp().tolist() == [False] * 3


def test_what_only_tells_of_one_is_asked_one_by_one_and_only_for_those_that_have_rows():
    asked = []

    def place(connection, time_ns):
        asked.append((connection.number, time_ns))
        return {"src.ip": "1.2.3.4"}

    found = connections_of(connections(), CODES, TIMES, place)
    assert sorted(asked) == [(7, 20), (9, 10)]
    assert found.fact("src.ip").to_pylist() == ["1.2.3.4"] * 3


@pytest.mark.parametrize("count", [MANY - 1, MANY])
@pytest.mark.parametrize("several", [False, True])
def test_objects_are_asked_for_at_once_where_they_are_many(make, count, several):
    class Counted(Places):
        asked = 0

        def __call__(self, connection, time_ns):
            self.asked += 1
            return super().__call__(connection, time_ns)

    transports = ("tcp", "udp") if several else ("tcp",)
    objects = [make.connection(n, capture=n % 3, transport=transports[n % len(transports)]) for n in range(count)]
    rows, start = [*objects, *objects[::-1]], np.arange(2 * count)
    place, other = Counted(), Counted()
    found, expected = connections_in(rows, start, place), ConnectionPlaces.of_rows(rows, start, other)
    assert place.asked == (0 if count == MANY and not several else count)
    for name in FACTS:
        assert found.fact(name).to_pylist() == expected.fact(name).to_pylist(), name
    assert found.told("flow_id", FieldType.INT).to_pylist() == expected.told("flow_id", FieldType.INT).to_pylist()
    assert found.client_hashes().tolist() == expected.client_hashes().tolist()
