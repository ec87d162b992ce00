"""The RADIUS recordings: freeradius on loopback, asked by radclient, whose own output is the log."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loopback import capture, server

SHARED = "testing123"
PORTS = {"auth": 1812, "acct": 1813, "coa": 3799, "disconnect": 3799, "status": 1812}
SILENT = 1645
Log = list[dict[str, Any]]

USERS = """
bob Cleartext-Password := "hello"
\tService-Type = Framed-User,
\tFramed-Protocol = PPP,
\tFramed-IP-Address = 172.16.3.33,
\tFramed-IPv6-Prefix = 2001:db8:17::/48,
\tSession-Timeout = 3600,
\tTunnel-Type:1 = VLAN,
\tTunnel-Medium-Type:1 = IEEE-802,
\tTunnel-Private-Group-Id:1 = "17",
\tCisco-AVPair = "shell:priv-lvl=15",
\tCisco-AVPair += "ip:inacl#1=permit ip any any",
\tReply-Message = "Welcome, caf\xe9",
\tClass = 0x0102ff

eve Auth-Type := Reject
\tReply-Message = "Account locked"
"""
CONFIGURATION = """
name = radiusd
prefix = WORK
logdir = WORK
run_dir = WORK
raddbdir = WORK
libdir = /usr/lib/freeradius
max_request_time = 5
cleanup_delay = 2
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 1
}
client loopback {
  ipaddr = 127.0.0.1
  secret = SHARED
  require_message_authenticator = no
}
modules {
  files {
    filename = WORK/users
  }
  pap {
  }
  chap {
  }
  mschap {
  }
  always ok {
    rcode = ok
  }
  always reject {
    rcode = reject
  }
  always handled {
    rcode = handled
  }
}
server all {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = 1812
  }
  listen {
    type = acct
    ipaddr = 127.0.0.1
    port = 1813
  }
  listen {
    type = coa
    ipaddr = 127.0.0.1
    port = 3799
  }
  authorize {
    if (&User-Name == "carol") {
      update control {
        &Response-Packet-Type := Access-Challenge
      }
      update reply {
        &State := 0x6f6e65
        &Reply-Message := "One more time"
      }
      handled
    }
    chap
    mschap
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type CHAP {
      chap
    }
    Auth-Type MS-CHAP {
      mschap
    }
  }
  accounting {
    ok
  }
  recv-coa {
    if (&Acct-Session-Id == "unknown") {
      update reply {
        &Error-Cause := Session-Context-Not-Found
      }
      reject
    }
    ok
  }
  send-coa {
    ok
  }
}
"""

_PACKET = re.compile(r"(Sent|Received) (\S+) Id (\d+) from \S+?:(\d+) to \S+?:(\d+) .*?length (\d+)")


def ask(log: Log, kind: str, *pairs: str, port: int = 0, retries: int = 0) -> None:
    """Let radclient send one request of a kind, and log what it says that it sent and received."""
    command = ("radclient", "-x", "-t", "1", "-r", str(retries + 1), f"127.0.0.1:{port or PORTS[kind]}", kind, SHARED)
    done = subprocess.run(command, input=", ".join(pairs), capture_output=True, text=True, timeout=30, check=False)
    found: list[dict[str, Any]] = []
    for line in done.stdout.splitlines():
        if packet := _PACKET.match(line):
            way, name, identifier, source, target, length = packet.groups()
            found.append({
                "way": way.lower(), "name": name, "id": int(identifier), "length": int(length),
                "client_port": int(source if way == "Sent" else target), "attributes": [],
            })  # fmt: skip
        elif line.startswith("\t") and found:
            found[-1]["attributes"].append(line.strip())
    sent = [packet for packet in found if packet["way"] == "sent"]
    received = [packet for packet in found if packet["way"] == "received"]
    if not sent:
        raise RuntimeError(f"radclient sent nothing: {done.stdout} {done.stderr}")
    log.append({
        "kind": kind, "request": sent[0], "times": len(sent), "answered": bool(received),
        "answer": received[0] if received else None,
    })  # fmt: skip


NAS = ('NAS-Identifier = "ap-17"', "NAS-IP-Address = 192.0.2.17", "NAS-Port-Type = Wireless-802.11")
STATION = ('Calling-Station-Id = "00-1B-44-11-3A-B7"', 'Called-Station-Id = "00-1B-44-00-00-01:guest"')


def access(log: Log) -> None:
    """Let in and refused, by each way to prove a password; with and without a Message-Authenticator."""
    ask(log, "auth", 'User-Name = "bob"', 'User-Password = "hello"', *NAS, *STATION, "Message-Authenticator = 0x00")
    ask(log, "auth", 'User-Name = "bob"', 'User-Password = "hello"', "NAS-Port = 7", "Service-Type = Framed-User")
    ask(log, "auth", 'User-Name = "bob"', 'CHAP-Password = "hello"', *NAS)
    ask(log, "auth", 'User-Name = "bob"', 'MS-CHAP-Password = "hello"', *NAS)
    ask(log, "auth", 'User-Name = "bob"', 'User-Password = "a wrong password, longer than sixteen bytes"', *NAS)
    ask(log, "auth", 'User-Name = "eve"', 'User-Password = "hello"', *NAS)
    ask(log, "auth", 'User-Name = "carol"', 'User-Password = "hello"', *NAS)
    ask(log, "status", "Message-Authenticator = 0x00")


def accounting(log: Log) -> None:
    """A session from its beginning to its end, and a NAS that starts."""
    session = ('User-Name = "bob"', 'Acct-Session-Id = "0000002A"', *NAS, *STATION, "Framed-IP-Address = 172.16.3.33")
    ask(log, "acct", "Acct-Status-Type = Accounting-On", *NAS)
    ask(log, "acct", "Acct-Status-Type = Start", *session, "Acct-Authentic = RADIUS")
    counts = ("Acct-Input-Octets = 123456", "Acct-Output-Octets = 4294967295", "Acct-Output-Gigawords = 2")
    ask(log, "acct", "Acct-Status-Type = Interim-Update", *session, *counts, "Acct-Session-Time = 600")
    ask(log, "acct", "Acct-Status-Type = Stop", *session, *counts, "Acct-Terminate-Cause = Lost-Carrier")


def changes(log: Log) -> None:
    """Sessions are changed and ended by the server's side, with success and without."""
    ask(log, "coa", 'User-Name = "bob"', 'Acct-Session-Id = "0000002A"', "Session-Timeout = 60")
    ask(log, "coa", 'User-Name = "bob"', 'Acct-Session-Id = "unknown"', 'Cisco-AVPair = "subscriber:command=reauth"')
    ask(log, "disconnect", 'Acct-Session-Id = "0000002A"', "NAS-IP-Address = 192.0.2.17")
    ask(log, "disconnect", 'Acct-Session-Id = "unknown"')


def unanswered(log: Log) -> None:
    """Nobody answers: the same request is sent three times."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", SILENT))
        ask(log, "auth", 'User-Name = "bob"', 'User-Password = "hello"', *NAS, port=SILENT, retries=2)


CASES: tuple[Callable[[Log], None], ...] = (access, accounting, changes, unanswered)


def record(out: Path, work: Path) -> None:
    """Record every case into `<out>/radius`."""
    folder = out / "radius"
    folder.mkdir(parents=True, exist_ok=True)
    (work / "users").write_text(USERS)
    dictionary = "$INCLUDE /usr/share/freeradius/dictionary\n"
    (work / "dictionary").write_text(dictionary)
    (work / "radiusd.conf").write_text(CONFIGURATION.replace("WORK", str(work)).replace("SHARED", SHARED))
    with server("freeradius", "-f", "-l", "stdout", "-d", str(work), port=PORTS["coa"]):
        for case in CASES:
            log: Log = []
            with capture(folder / f"{case.__name__}.pcap", "udp"):
                case(log)
            content = {"about": (case.__doc__ or "").strip(), "calls": log}
            (folder / f"{case.__name__}.json").write_text(json.dumps(content, indent=1) + "\n")
