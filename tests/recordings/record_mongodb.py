"""The MongoDB recordings: pymongo, which logs every command, against a small server of our own that answers OP_MSG."""

from __future__ import annotations

import json
import socketserver
import struct
import threading
import zlib
from pathlib import Path
from typing import Any

from loopback import capture

PORT = 27017
HELLO = {
    "helloOk": True, "isWritablePrimary": True, "ismaster": True, "maxBsonObjectSize": 16777216,
    "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000, "minWireVersion": 0, "maxWireVersion": 21, "ok": 1.0,
}  # fmt: skip
FAILURES = {
    "frobnicate": {"ok": 0.0, "errmsg": "no such command: 'frobnicate'", "code": 59, "codeName": "CommandNotFound"},
    "aggregate": {"ok": 0.0, "errmsg": "operation exceeded time limit", "code": 50, "codeName": "MaxTimeMSExpired"},
}


class Handler(socketserver.BaseRequestHandler):
    """Answers one connection."""

    def handle(self) -> None:
        """Read messages until the driver goes."""
        import bson

        while header := self._exactly(16):
            length, request_id, _, opcode = struct.unpack("<iiii", header)
            body = self._exactly(length - 16)
            squeezed = opcode == 2012
            if squeezed:
                opcode, body = struct.unpack_from("<i", body)[0], zlib.decompress(body[9:])
            if opcode == 2004:
                name_end = body.index(b"\0", 4)
                command = bson.decode(body[name_end + 9 :])
                document = bson.encode({**HELLO, "compression": ["zlib"]})
                data = struct.pack("<Iqii", 8, 0, 0, 1) + document
                self.request.sendall(struct.pack("<iiii", 16 + len(data), request_id + 1, request_id, 1) + data)
                continue
            size = struct.unpack_from("<i", body, 5)[0]
            command = bson.decode(body[5 : 5 + size])
            data = struct.pack("<I", 0) + b"\0" + bson.encode(self._answer(command))
            if squeezed:
                data = struct.pack("<iiB", 2013, len(data), 2) + zlib.compress(data)
            answer = struct.pack("<iiii", 16 + len(data), request_id + 1, request_id, 2012 if squeezed else 2013)
            self.request.sendall(answer + data)

    def _answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name = next(iter(command))
        if name in FAILURES:
            return FAILURES[name]
        if name in {"hello", "ismaster", "isMaster"}:
            return {**HELLO, "compression": ["zlib"]}
        if name == "find":
            batch = [{"_id": number, "text": "x" * 40} for number in range(3)]
            return {"cursor": {"firstBatch": batch, "id": 77, "ns": f"{command['$db']}.{command['find']}"}, "ok": 1.0}
        if name == "getMore":
            return {"cursor": {"nextBatch": [{"_id": 9}], "id": 0, "ns": "shop.orders"}, "ok": 1.0}
        if name == "insert" and command["insert"] == "taken":
            return {"n": 0, "writeErrors": [{"index": 0, "code": 11000, "errmsg": "E11000 duplicate key"}], "ok": 1.0}
        return {"n": 1, "nModified": 1, "ok": 1.0}

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.request.recv(size - len(data))
            if not chunk:
                return b""
            data += chunk
        return data


class Server(socketserver.ThreadingTCPServer):
    """Many connections at once."""

    allow_reuse_address = True
    daemon_threads = True


def record(out: Path, work: Path) -> None:
    """Record both cases."""
    folder = out / "mongodb"
    folder.mkdir(parents=True, exist_ok=True)
    with Server(("127.0.0.1", PORT), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for case, options in (("commands", {}), ("compressed", {"compressors": "zlib"})):
            log: list[dict[str, Any]] = []
            with capture(folder / f"{case}.pcap", "port", str(PORT)):
                talk(log, **options)
            about = "pymongo's own command log; hello and what the driver does unasked are not in it"
            (folder / f"{case}.json").write_text(json.dumps({"about": about, "calls": log}, indent=1) + "\n")
        server.shutdown()


def talk(log: list[dict[str, Any]], **options: Any) -> None:
    """Do what an application does, and what it does wrong."""
    import pymongo
    from pymongo import errors, monitoring

    class Listener(monitoring.CommandListener):
        def started(self, event: Any) -> None:
            started = {"request_id": event.request_id, "command": event.command_name, "database": event.database_name}
            log.append({**started, "failed": False})

        def succeeded(self, event: Any) -> None:
            self._entry(event)["failed"] = bool(event.reply.get("writeErrors"))

        def failed(self, event: Any) -> None:
            self._entry(event)["failed"] = True

        def _entry(self, event: Any) -> dict[str, Any]:
            return next(entry for entry in log if entry["request_id"] == event.request_id)

    client: Any = pymongo.MongoClient(
        "127.0.0.1",
        PORT,
        directConnection=True,
        event_listeners=[Listener()],
        retryWrites=False,
        retryReads=False,
        **options,
    )
    shop = client.shop
    shop.orders.insert_one({"_id": 1, "item": "tea"})
    shop.orders.insert_many([{"_id": number, "text": "y" * 50} for number in range(5)])
    list(shop.orders.find({"state": "open"}))
    shop.orders.update_one({"_id": 1}, {"$set": {"state": "paid"}})
    shop.orders.delete_many({"state": "old"})
    for wrong in (
        lambda: shop.taken.insert_one({"_id": 1}),
        lambda: list(shop.orders.aggregate([{"$match": {}}])),
        lambda: client.admin.command("frobnicate"),
    ):
        try:
            wrong()
        except errors.PyMongoError:
            continue
    client.close()
