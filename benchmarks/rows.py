"""What is compared: one row a task, ours first, then the others with their best options."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Command
from kubeshark_mcp.capture.index import build_index

PYTHON = sys.executable
RECORDINGS = Path(__file__).resolve().parents[1] / "tests" / "recordings"
KUBESHARK = [PYTHON, "-m", "kubeshark_mcp"]
COMPILED = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(Path(__file__).resolve().parent / "out" / "compiled"),
}
"""Environment in which our commands find their modules compiled, as an installation has them."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where captures lie, and how large they are."""

    folder: Path
    packets: int

    def capture(self, kind: str) -> Path:
        """Give a capture of a kind (`http`, `redis`, `dns`), recorded with real servers on first use."""
        path = self.folder / f"{kind}-{self.packets}.pcap"
        if not path.exists():
            script = [
                PYTHON,
                str(Path(__file__).with_name("record.py")),
                kind,
                str(path),
                "--packets",
                str(self.packets),
            ]
            subprocess.run(script, check=True)
        return path

    def multiplied(self, protocol: str) -> Path:
        """Give a capture made of copies of the tests' recordings of a protocol."""
        path = self.folder / f"{protocol}-recordings-{self.packets}.pcap"
        if not path.exists():
            recordings = sorted(str(file) for file in (RECORDINGS / protocol).glob("*.pcap"))
            script = [PYTHON, "-m", "benchmarks.multiply", str(path), *recordings, "--packets", str(self.packets)]
            subprocess.run(script, check=True)
        return path


@dataclass(frozen=True, slots=True)
class Row:
    """One task. goals: label of the other command -> ratio to reach, of ours -> what it may take.

    inverse: the ratio is ours by theirs. by_wall: of wall seconds instead of CPU.
    """

    name: str
    title: str
    commands: Callable[[Setting], list[Command]]
    goals: dict[str, str] = field(default_factory=dict)
    inverse: bool = False
    by_wall: bool = False


def _flow_table(setting: Setting) -> list[Command]:
    capture = str(setting.capture("http"))
    return [
        Command("kubeshark-mcp flows", [*KUBESHARK, "flows", capture, "--format", "jsonl"], environment=COMPILED),
        Command("tshark -z conv,tcp", ["tshark", "-r", capture, "-q", "-z", "conv,tcp"]),
        Command("tshark expert", ["tshark", "-r", capture, "-q", "-z", "conv,tcp", "--disable-protocol", "http"]),
    ]


def _http(setting: Setting) -> list[Command]:
    capture = str(setting.capture("http"))
    fields = [
        "frame.number", "tcp.stream", "http.request.method", "http.request.uri", "http.host", "http.response.code",
        "http.request.line", "http.response.line", "http.time",
    ]  # fmt: skip
    tshark = ["tshark", "-r", capture, "-Y", "http", "-T", "fields", *[p for f in fields for p in ("-e", f)]]
    expert = ["--disable-protocol", "json", "-o", "http.decompress_body:FALSE"]
    return [
        Command("kubeshark-mcp, to Parquet", [PYTHON, "-m", "benchmarks.dissect", capture], environment=COMPILED),
        Command("tshark -Y http", tshark),
        Command("tshark expert", [*tshark, *expert]),
    ]


BPF = "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 or greater 1000"


def _export(*, indexed: bool) -> Callable[[Setting], list[Command]]:
    def commands(setting: Setting) -> list[Command]:
        capture, output = setting.capture("http"), str(setting.folder / "exported.pcap")
        ours = [PYTHON, "-m", "benchmarks.export", str(capture), output, BPF]
        if indexed:
            folder = setting.folder / "index"
            build_index(capture, folder)
            ours.append(str(folder))
        tshark = "tcp.flags.syn == 1 || tcp.flags.fin == 1 || frame.len >= 1000"
        return [
            Command("kubeshark-mcp by its index" if indexed else "kubeshark-mcp", ours, environment=COMPILED),
            Command("tcpdump -r -w", ["tcpdump", "-r", str(capture), "-w", output, BPF]),
            Command("tshark -Y -w", ["tshark", "-r", str(capture), "-Y", tshark, "-w", output]),
        ]

    return commands


def _answer(setting: Setting) -> list[Command]:
    capture = setting.capture("http")
    copies = setting.folder / f"copies-{10 * setting.packets}.pcap"
    if not copies.exists():
        packets = str(10 * setting.packets)
        subprocess.run(
            [PYTHON, "-m", "benchmarks.multiply", str(copies), str(capture), "--packets", packets], check=True
        )
    return [Command("kubeshark-mcp", [PYTHON, "-m", "benchmarks.stage", "answer", str(copies)], environment=COMPILED)]


def _recorded(name: str) -> Callable[[Setting], list[Command]]:
    def commands(setting: Setting) -> list[Command]:
        return _entries(name, setting.capture(name))

    return commands


def _start(setting: Setting) -> list[Command]:
    client = [PYTHON, "-m", "benchmarks.start_up"]
    workspace = str(setting.folder / "workspace")
    return [
        Command("kubeshark-mcp", [*client, *KUBESHARK, "--workspace", workspace], environment=COMPILED),
        Command("SDK hello-world", [*client, PYTHON, "-m", "benchmarks.hello_server"], environment=COMPILED),
    ]


TSHARK = {
    "dns": ("dns", "dns.qry.name"), "redis": ("resp", "resp.string"), "http2": ("http2", "http2.headers.path"),
    "grpc": ("grpc", "grpc.message_length"), "ws": ("websocket", "websocket.payload"),
    "gql": ("http", "http.file_data"),
    "kafka": ("kafka", "kafka.api_key"), "amqp": ("amqp", "amqp.method.method"), "mongodb": ("mongo", "mongo.opcode"),
    "mysql": ("mysql", "mysql.query"), "postgresql": ("pgsql", "pgsql.query"), "ldap": ("ldap", "ldap.messageID"),
    "radius": ("radius", "radius.code"), "diameter": ("diameter", "diameter.cmd.code"), "icmp": ("icmp", "icmp.type"),
    "tlsx": ("tls", "tls.handshake.extensions_server_name"),
}  # fmt: skip
"""KFL name -> tshark's display filter, and a field that it is to print."""
PORTS = {
    "mongodb": ["-d", "tcp.port==27017,mongo"], "http2": ["-d", "tcp.port==8080,http2"],
    "grpc": ["-d", "tcp.port==50051,http2"],
}  # fmt: skip
"""What tshark has to be told."""


def _protocol(name: str) -> Callable[[Setting], list[Command]]:
    def commands(setting: Setting) -> list[Command]:
        return _entries(name, setting.multiplied(name))

    return commands


def _entries(name: str, capture: Path) -> list[Command]:
    display, field_name = TSHARK[name]
    tshark = ["tshark", "-r", str(capture), *PORTS.get(name, []), "-Y", display, "-T", "fields"]
    return [
        Command("kubeshark-mcp, to Parquet", [PYTHON, "-m", "benchmarks.dissect", str(capture)], environment=COMPILED),
        Command(f"tshark -Y {display}", [*tshark, "-e", "frame.number", "-e", field_name]),
    ]


ROWS = [
    Row("flows", "L4 table", _flow_table, {"tshark -z conv,tcp": "15x", "tshark expert": "8x"}),
    Row("http", "HTTP entries", _http, {"tshark -Y http": "12x", "tshark expert": "5x"}),
    Row("export", "filtered export", _export(indexed=False), {"tcpdump -r -w": "0.5x", "tshark -Y -w": "20x"}),
    Row("indexed", "filtered export, indexed", _export(indexed=True), {"tcpdump -r -w": "1x", "tshark -Y -w": "20x"}),
    Row("answer", "capture to first answer", _answer, {"kubeshark-mcp": "< 300 MB"}),
    *(
        Row(f"{name}-recorded", f"{name} entries, as recorded", _recorded(name), {f"tshark -Y {TSHARK[name][0]}": "6x"})
        for name in ("dns", "redis")
    ),
    Row("start", "spawn to initialize", _start, {"SDK hello-world": "<= 1.15x"}, inverse=True, by_wall=True),
    *(
        Row(name, f"{name} entries", _protocol(name), {f"tshark -Y {display}": "4x"})
        for name, (display, _) in TSHARK.items()
        if (RECORDINGS / name).is_dir()
    ),
]
