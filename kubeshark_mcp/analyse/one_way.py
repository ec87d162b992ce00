"""Messages to which no answer belongs, by their protocols: their silence is no fault."""

from __future__ import annotations

from kubeshark_mcp.analyse.columns import Mask
from kubeshark_mcp.analyse.facts import Facts

ONE_WAY = {
    "ldap": ("unbind", "abandon"),
    "postgresql": ("Terminate", "CancelRequest", "CopyData", "CopyDone", "CopyFail", "Flush", "Parse"),
    "mysql": ("COM_QUIT", "COM_STMT_CLOSE", "COM_STMT_SEND_LONG_DATA", "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID"),
    "redis": ("REPLCONF", "QUIT"),
}
"""First words of what is asked, by protocol: RFC 4511, 4.3 and 4.11; PostgreSQL protocol 3.0; MySQL client protocol.

Parse is one where its statement was never executed: the answer to it belongs to the next Sync.
"""


def one_way(facts: Facts) -> Mask:
    """Tell which calls have no answer by design, for `facts.derived`."""
    calls = facts.calls
    words = [text.partition(" ")[0] for text in calls.endpoint.values]
    found: Mask = calls.protocol.equal()
    for protocol, names in ONE_WAY.items():
        found |= calls.protocol.equal(protocol) & calls.endpoint.matching([word in names for word in words])
    return found & ~calls.answered
