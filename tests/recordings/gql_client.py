"""A GraphQL client over HTTP and WebSocket that logs what it asked and how it was answered."""

from __future__ import annotations

import gzip
import http.client
import json
from typing import Any
from urllib.parse import urlencode

Log = list[dict[str, Any]]


class Http:
    """One kept connection; `asked` of each call is what the caller says the operation is, in its own words."""

    def __init__(self, port: int, log: Log) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self.connection.connect()
        self.client_port = self.connection.sock.getsockname()[1]
        self.log = log

    def post(self, body: object, asked: dict[str, Any], target: str = "/graphql/", **headers: str) -> None:
        """Send JSON."""
        self.send("POST", target, json.dumps(body).encode(), {"Content-Type": "application/json", **headers}, asked)

    def get(self, parameters: dict[str, str], asked: dict[str, Any]) -> None:
        """Send a query in the address."""
        self.send("GET", f"/graphql/?{urlencode(parameters)}", b"", {"Accept": "application/json"}, asked)

    def send(self, method: str, target: str, body: bytes, headers: dict[str, str], asked: dict[str, Any]) -> None:
        """Send a request, and log it with the errors of its answer."""
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.compress(body, mtime=0)
        self.connection.request(method, target, body or None, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.getheader("Content-Encoding") == "gzip":
            data = gzip.decompress(data)
        row = {"client_port": self.client_port, "method": method, "status": answer.status, **asked}
        try:
            value = json.loads(data)
        except ValueError:
            value = None
        results = value if isinstance(value, list) else [value]
        errors = [error for result in results if isinstance(result, dict) for error in result.get("errors") or ()]
        row["errors"] = [{"message": e["message"], "code": e.get("extensions", {}).get("code", "")} for e in errors]
        self.log.append(row)

    def close(self) -> None:
        """End the connection."""
        self.connection.close()


class Messages:
    """One WebSocket connection; every message goes to the log. `names`: operations by their id."""

    def __init__(self, chat: Any, log: Log) -> None:
        self.chat, self.log = chat, log
        self.client_port = chat.transport.get_extra_info("sockname")[1]
        self.names: dict[str, dict[str, Any]] = {}

    async def send(self, message: dict[str, Any], asked: dict[str, Any] | None = None) -> None:
        """Send a message. asked: what operation it begins."""
        if asked is not None:
            self.names[message["id"]] = asked
        await self.chat.send(json.dumps(message))
        self.note("client", message)

    async def until(self, *kinds: str) -> dict[str, Any]:
        """Receive messages up to one of these types."""
        while True:
            message: dict[str, Any] = json.loads(await self.chat.recv())
            self.note("server", message)
            if message["type"] in kinds:
                return message

    def note(self, sender: str, message: dict[str, Any]) -> None:
        """Log a message with the operation that it belongs to."""
        payload = message.get("payload")
        errors = payload if message["type"] == "error" and isinstance(payload, list) else []
        if message["type"] == "error" and isinstance(payload, dict):
            errors = [payload]
        if message["type"] in {"next", "data"} and isinstance(payload, dict):
            errors = payload.get("errors") or []
        row = {"client_port": self.client_port, "from": sender, "message": message["type"], "id": message.get("id", "")}
        row["errors"] = [{"message": e["message"], "code": e.get("extensions", {}).get("code", "")} for e in errors]
        self.log.append({**row, **self.names.get(message.get("id", ""), {})})
