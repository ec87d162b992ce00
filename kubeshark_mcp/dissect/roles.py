"""Who asks on a connection whose both ends may ask: Diameter peers, hosts that ping each other, RADIUS proxies."""

from __future__ import annotations

from kubeshark_mcp.dissect.detection import turned
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Connection, Direction, Span


class Roles:
    """Gives entries the connection as their requester sees it, so that `src` is who asked and `dst` who answered.

    Asked by the server of the connection, an entry gets the same connection with both ends exchanged: its number and
    capture stay, so it still belongs to the same row of the flow table.
    """

    __slots__ = ("_connection", "_turned")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._turned: Connection | None = None

    def asked_by(self, direction: Direction) -> Connection:
        """Give the connection for a request that travelled in `direction`."""
        if direction is Direction.CLIENT:
            return self._connection
        turned_now = self._turned
        if turned_now is None or turned_now.client_sequence != self._connection.server_sequence:
            turned_now = self._turned = turned(self._connection)  # sequence numbers may become known late
        return turned_now

    def request(self, protocol: str, direction: Direction, span: Span) -> Entry:
        """Begin the entry of a request, or of a message that waits for no answer, that travelled in `direction`."""
        return Entry(protocol, self.asked_by(direction), span, None)

    def response(self, protocol: str, direction: Direction, span: Span) -> Entry:
        """Begin the entry of an answer whose request was not seen; the answer travelled in `direction`."""
        return Entry(protocol, self.asked_by(direction.other), None, span)
