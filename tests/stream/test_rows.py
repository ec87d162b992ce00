from __future__ import annotations

from kubeshark_mcp.stream.rows import STATE_FIN, STATE_HELD, STATE_KNOWN, TCP_FIELDS, prepare
from kubeshark_mcp.stream.table import NEVER, FlowTable


def test_a_new_row_has_seen_nothing():
    table = FlowTable(TCP_FIELDS)
    new = table.allocate(2)
    prepare(table.rows, new)
    assert table.rows["scale"][new].tolist() == [[-1, -1]] * 2
    assert table.rows["syn_ns"][new].tolist() == [NEVER] * 2
    assert table.rows["rtt_min"][new].tolist() == [-NEVER] * 2
    assert table.rows["state"][new].tolist() == [0, 0]


def test_a_connection_takes_less_than_half_a_kilobyte():
    table = FlowTable(TCP_FIELDS)
    assert sum(column[0].nbytes for column in table.rows.values()) < 512


def test_state_bits_do_not_overlap():
    bits = [*STATE_FIN, *STATE_KNOWN, STATE_HELD]
    assert sum(bits) == STATE_FIN[0] | STATE_FIN[1] | STATE_KNOWN[0] | STATE_KNOWN[1] | STATE_HELD
