"""A WebSocket server for the recordings: `python ws_server.py PORT`. The path of the handshake says what it does.

/plain, /deflate and /alone echo: without compression, with one context for all messages, and with one for each.
/pieces answers in fragments with a ping between them. /close?CODE,REASON closes; /gone breaks the connection off.
"""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import unquote

from websockets.asyncio.server import ServerConnection, serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

SUBPROTOCOLS = ["chat.v2", "chat.v1"]
ALONE = ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


async def answer(connection: ServerConnection) -> None:
    """Do what the path says."""
    path, _, words = connection.request.path.partition("?") if connection.request else ("", "", "")
    if path == "/close":
        code, _, reason = unquote(words).partition(",")
        await connection.recv()
        await connection.close(int(code), reason)
        return
    async for message in connection:
        if path == "/pieces":
            await connection.send(_pieces(connection, message))
        elif path == "/gone":
            connection.transport.abort()
            return
        else:
            await connection.send(message)


async def _pieces(connection: ServerConnection, message: str | bytes):
    """Give a message in three parts, with a ping before the last."""
    third = len(message) // 3
    yield message[:third]
    yield message[third : 2 * third]
    await (await connection.ping(b"still there?"))
    yield message[2 * third :]


def _chosen(connection: ServerConnection, offered: list[str]) -> str | None:
    return next((name for name in SUBPROTOCOLS if name in offered), None)


async def main(port: int) -> None:
    """Serve three kinds of compression on three ports."""
    common = {"select_subprotocol": _chosen, "ping_interval": None, "max_size": 1 << 20}
    async with (
        serve(answer, "127.0.0.1", port, compression=None, **common),
        serve(answer, "127.0.0.1", port + 1, compression="deflate", **common),
        serve(answer, "127.0.0.1", port + 2, extensions=[ALONE], compression=None, **common),
    ):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
