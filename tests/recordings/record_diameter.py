"""The Diameter recordings over TCP: freeDiameterd and a server of python-diameter, asked by a client that logs.

Needs the Python package `python-diameter`, which only the recorder uses. Over SCTP nothing is recorded: that takes a
kernel with SCTP on the machine that records.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopback import capture, server

if TYPE_CHECKING:
    from diameter_client import Client

PORT, DAEMON_PORT, DAEMON_ADDRESS = 3868, 3869, "10.20.0.1"
"""freeDiameterd does not serve addresses of the loopback."""
CREDIT_CONTROL, S6A, CX, SH = 4, 16777251, 16777216, 16777217
Log = list[dict[str, Any]]

CONFIGURATION = """
Identity = "daemon.example.net";
Realm = "example.net";
Port = DAEMON_PORT;
SecPort = 0;
No_SCTP;
No_IPv6;
ListenOn = "DAEMON_ADDRESS";
TcTimer = 60;
TwTimer = 60;
TLS_Cred = "WORK/cert.pem", "WORK/key.pem";
TLS_CA = "WORK/cert.pem";
LoadExtension = "/usr/lib/freeDiameter/dict_nasreq.fdx";
LoadExtension = "/usr/lib/freeDiameter/dict_dcca.fdx";
ConnectPeer = "client.example.net" { No_TLS; ConnectTo = "127.0.0.1"; Port = 1; };
"""


def credit(session: str, kind: int, number: int = 0) -> list[Any]:
    """Give the AVPs of a credit control request. kind: 1 initial, 2 update, 3 termination, 4 event."""
    from diameter.message import Avp
    from diameter_client import identity

    subscriber = [Avp.new(450, value=1), Avp.new(444, value="001010123456789")]
    return [
        Avp.new(263, value=session), *identity(), Avp.new(283, value=b"example.net"),
        Avp.new(258, value=CREDIT_CONTROL), Avp.new(461, value="32251@3gpp.org"),
        Avp.new(416, value=kind), Avp.new(415, value=number), Avp.new(443, value=subscriber),
    ]  # fmt: skip


def subscriber(user: str, *more: Any) -> list[Any]:
    """Give the AVPs of a request about a user."""
    from diameter.message import Avp
    from diameter_client import identity

    session = Avp.new(263, value=f"client.example.net;{user}")
    stateless = Avp.new(277, value=1)
    return [session, stateless, *identity(), Avp.new(283, value=b"example.net"), Avp.new(1, value=user), *more]


def credit_control(client: Client) -> None:
    """Credit for a session from its beginning to its end, refused for others; three requests at once; one in parts."""
    client.capabilities(CREDIT_CONTROL)
    for number, kind in enumerate((1, 2, 3)):
        client.ask(272, CREDIT_CONTROL, credit("client.example.net;1;1", kind, number))
    client.ask(272, CREDIT_CONTROL, credit("client.example.net;1;gone", 2))
    client.ask(272, CREDIT_CONTROL, credit("client.example.net;1;broke", 4))
    client.ask(280, 0, credit("", 1)[1:3], flags=0x80)
    three = [client.make(272, CREDIT_CONTROL, credit(f"client.example.net;2;{n}", 1)) for n in range(3)]
    client.send(b"".join(three))
    for _ in three:
        client.receive()
    data = client.make(272, CREDIT_CONTROL, credit("client.example.net;3;1", 1), flags=0xD0)
    for start in range(0, len(data), 50):
        client.send(data[start : start + 50])
        time.sleep(0.02)
    client.receive()
    client.leave()


def subscribers(client: Client) -> None:
    """What a mobile network asks about its users: S6a, Cx and Sh, with results of 3GPP."""
    from diameter.message import Avp

    vendor = 10415
    client.capabilities(S6A, CX, SH)
    plmn = Avp.new(1407, vendor, value=b"\x00\xf1\x10")
    for user in ("001010123456789", "barred", "nowhere"):
        client.ask(318, S6A, subscriber(user, plmn))
    client.ask(316, S6A, subscriber("001010123456789", plmn, Avp.new(1405, vendor, value=34)))
    client.ask(300, CX, subscriber("first", Avp.new(601, vendor, value="sip:first@example.net")))
    client.ask(306, SH, subscriber("stranger", Avp.new(703, vendor, value=11)))
    client.leave(2)


def server_asks(client: Client) -> None:
    """The server asks too, on the same connection: its request has the other direction."""
    client.capabilities(CREDIT_CONTROL)
    client.ask(272, CREDIT_CONTROL, credit("client.example.net;4;ask", 1))
    client.receive()
    client.leave()


def unanswered(client: Client) -> None:
    """A request that the server never answers, then one that it does."""
    client.capabilities(CREDIT_CONTROL)
    client.ask(272, CREDIT_CONTROL, credit("client.example.net;5;silent", 1), wait=False)
    client.ask(272, CREDIT_CONTROL, credit("client.example.net;5;2", 1))
    client.leave()


def daemon(client: Client) -> None:
    """freeDiameterd: capabilities, watchdog, an application that it does not serve, a missing AVP, disconnect."""
    client.capabilities(CREDIT_CONTROL)
    client.ask(280, 0, credit("", 1)[1:3], flags=0x80)
    client.ask(272, CREDIT_CONTROL, credit("client.example.net;6;1", 1))
    client.ask(272, CREDIT_CONTROL, credit("client.example.net;6;2", 1)[:2])
    client.ask(9999, 0, credit("client.example.net;6;3", 1)[:4])
    client.leave()


def no_common_application(client: Client) -> None:
    """freeDiameterd that relays nothing: it refuses the peer, and closes."""
    client.capabilities(CREDIT_CONTROL)


CASES: tuple[Callable[[Client], None], ...] = (credit_control, subscribers, server_asks, unanswered)


def _record(folder: Path, case: Callable[[Client], None], port: int, address: str = "127.0.0.1") -> None:
    from diameter_client import Client

    log: Log = []
    with capture(folder / f"{case.__name__}.pcap", f"port {port}"):
        case(Client(port, log, address))
    content = {"about": (case.__doc__ or "").strip(), "calls": log}
    (folder / f"{case.__name__}.json").write_text(json.dumps(content, indent=1) + "\n")


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/diameter`."""
    folder = out / "diameter"
    folder.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("diameter_server.py")
    for case in CASES:
        with server(sys.executable, str(script), str(PORT), port=PORT):
            _record(folder, case, PORT)
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=daemon.example.net")
    files = ("-keyout", str(work / "key.pem"), "-out", str(work / "cert.pem"))
    subprocess.run(("openssl", *made, *files), check=True, capture_output=True, timeout=60)
    subprocess.run(("ip", "address", "add", f"{DAEMON_ADDRESS}/32", "dev", "lo"), check=True, timeout=10)
    text = CONFIGURATION.replace("WORK", str(work)).replace("DAEMON_PORT", str(DAEMON_PORT))
    text = text.replace("DAEMON_ADDRESS", DAEMON_ADDRESS)
    for case, more in ((daemon, ""), (no_common_application, "NoRelay;\n")):
        (work / "daemon.conf").write_text(text + more)
        with server("freeDiameterd", "-c", str(work / "daemon.conf"), port=DAEMON_PORT):
            _record(folder, case, DAEMON_PORT, DAEMON_ADDRESS)
