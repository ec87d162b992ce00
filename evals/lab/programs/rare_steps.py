"""Steps that few incidents need: look-ups, connections to many ports, comparing two stores, publishing messages."""

from __future__ import annotations

import base64
import random
import socket
import struct
import time
from pathlib import Path
from typing import Any

from clients import CallLog, ends
from service import Call, EndedError, Reply

Step = dict[str, Any]
TYPES = {"A": 1, "TXT": 16}


class RareSteps:
    """What a `steps.Worker` can do besides; it gives `log`, `_chance` and `_with_client`."""

    log: CallLog
    agent: str
    _chance: random.Random

    def _lookup(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        """Look a name up as any program does, with the search domains."""
        name, start, error = filled(step["name"], call), time.time(), ""
        try:
            socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
        except OSError as failure:
            error = str(failure)
        self.log.write(t=round(start, 6), end=round(time.time(), 6), protocol="lookup", name=name, error=error)
        if error:
            raise OSError(error)

    def _ask_names(self, step: Step, _: Call, __: dict[str, Any]) -> None:
        """Ask the resolver itself for a name of base32 letters below `under`."""
        letters = base64.b32encode(self._chance.randbytes(step["bytes"])).decode().rstrip("=").lower()
        parts = [letters[at : at + 52] for at in range(0, len(letters), 52)]
        name = ".".join([*parts, step["under"]])
        query = struct.pack("!HHHHHH", self._chance.randrange(65536), 0x0100, 1, 0, 0, 0)
        query += b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
        query += struct.pack("!HH", TYPES[step.get("type", "TXT")], 1)
        start = time.time()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(2)
            asking.sendto(query, (nameserver(), 53))
            asking.recv(4096)
        self.log.write(t=round(start, 6), end=round(time.time(), 6), protocol="lookup", name=name)

    def _connect(self, step: Step, _: Call, __: dict[str, Any]) -> None:
        """Open a connection to each port of each address, one after the other, and close it at once."""
        for address in step["addresses"]:
            for port in step["ports"]:
                self._try(address, port, step.get("timeout", 0.2))
                time.sleep(step.get("pause", 0.0))

    def _try(self, address: str, port: int, patience: float) -> None:
        start, error, known = time.time(), "", {"server": address, "server_port": port}
        try:
            with socket.create_connection((address, port), patience) as connection:
                known = ends(connection)
        except OSError as failure:
            error = type(failure).__name__
        self.log.write(t=round(start, 6), end=round(time.time(), 6), protocol="tcp", error=error, **known)

    def _agree(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        """Ask two Redis servers for the same key; other values end the call with 409."""
        key = filled(step["key"], call)
        places = zip(step["hosts"], step.get("ports", [6379, 6379]), strict=True)
        found = [
            self._with_client({**step, "host": host, "port": port}, "redis", lambda client: client.call("GET", key))  # type: ignore[attr-defined]
            for host, port in places
        ]
        if found[0] != found[1]:
            raise EndedError(Reply(409, {"error": "changed meanwhile"}))

    def _prepared(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        """Run a statement by the extended protocol, prepared once on each connection."""
        given = [filled(text, call) for text in step["arguments"]]
        self._with_client(step, "prepared", lambda client: client.execute(step["text"], given))  # type: ignore[attr-defined]

    def _make_prepared(self, step: Step) -> Any:
        from prepared_client import PreparedClient

        return PreparedClient(
            step["host"], step.get("port", 5432), self.log, step.get("user", "app"), step.get("database", "app"),
            step.get("password", ""), step.get("reuse", 100_000), step.get("timeout", 10.0),
        )  # fmt: skip

    def _bind(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        """Sign in to a directory, look somebody up, and leave."""
        from ldap_client import person

        person(self.log, step["host"], step["name"], step["password"], filled(step["find"], call))

    def _publish(self, step: Step, call: Call, _: dict[str, Any]) -> None:
        """Publish a message to a queue of an AMQP broker."""
        text = filled(step.get("text", "{id}"), call)
        self._with_client(step, "amqp", lambda client: client.publish(step["queue"], text))  # type: ignore[attr-defined]

    def _make_amqp(self, step: Step) -> Any:
        from amqp_client import AmqpClient

        return AmqpClient(step["host"], step.get("port", 5672), self.log, step.get("timeout", 5.0), self.agent)


def nameserver() -> str:
    """Return the resolver that this pod is told to ask."""
    lines = Path("/etc/resolv.conf").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("nameserver"))


def number_of(call: Call) -> int:
    """Return the number at the end of a path; 0 without one."""
    digits = "".join(letter for letter in call.tail if letter.isdigit())
    return int(digits or 0)


def filled(text: str, call: Call) -> str:
    """Put the number, the last part of the path and the call's id in place of {n}, {tail} and {id}."""
    return text.replace("{n}", str(number_of(call))).replace("{tail}", call.tail).replace("{id}", call.id[:12])
