"""BPF filters: libpcap compiles them, numpy runs them over whole blocks of packets.

The machine is that of McCanne and Jacobson, "The BSD Packet Filter" (1993): an accumulator A, an index X, 16 words of
memory, jumps that only lead forward. So the instructions are taken in order, each with the packets that reach it.
A program that jumps backward (`protochain`) is run by libpcap, packet by packet.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kubeshark_mcp.capture.gather import gather
from kubeshark_mcp.capture.records import NO_PACKET
from kubeshark_mcp.capture.write import pcap_header
from kubeshark_mcp.errors import FilterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kubeshark_mcp.capture.records import Records

    Words = NDArray[np.uint32]
    Rows = NDArray[np.intp]

Instruction = tuple[int, int, int, int]
"""code, jump if true, jump if false, k (bpf(4))."""

_LD, _LDX, _ST, _STX, _ALU, _JMP, _RET, _MISC = range(8)
_IMMEDIATE, _ABSOLUTE, _INDIRECT, _MEMORY, _LENGTH, _HEADER = 0x00, 0x20, 0x40, 0x60, 0x80, 0xA0
_SIZES: dict[int, np.dtype[Any]] = {0x00: np.dtype(">u4"), 0x08: np.dtype(">u2"), 0x10: np.dtype("u1")}
_LARGEST_PACKET = 262_144

_ARITHMETIC: dict[int, Callable[[Words, Words], Words]] = {
    0x00: np.add,
    0x10: np.subtract,
    0x20: np.multiply,
    0x30: np.floor_divide,
    0x40: np.bitwise_or,
    0x50: np.bitwise_and,
    0x60: lambda a, b: np.where(b < 32, a << (b & 31), 0).astype(np.uint32),
    0x70: lambda a, b: np.where(b < 32, a >> (b & 31), 0).astype(np.uint32),
    0x90: np.remainder,
    0xA0: np.bitwise_xor,
}
_COMPARISONS: dict[int, Callable[[Words, Words], NDArray[np.bool_]]] = {
    0x10: np.equal,
    0x20: np.greater,
    0x30: np.greater_equal,
    0x40: lambda a, b: (a & b) != 0,
}


@dataclass(slots=True)
class _Machine:
    """The registers of all packets of a block, and which packets wait for which instruction."""

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    captured: NDArray[np.int64]
    original: Words
    a: Words
    x: Words
    accepted: NDArray[np.bool_]
    memory: dict[int, Words] = field(default_factory=dict)
    waiting: dict[int, list[Rows]] = field(default_factory=dict)

    def wait(self, at: int, rows: Rows) -> None:
        if len(rows):
            self.waiting.setdefault(at, []).append(rows)


class BpfFilter:
    """One filter text, compiled anew for each link type it meets."""

    def __init__(self, text: str) -> None:
        """Compile for Ethernet. Raises FilterError when libpcap refuses the text."""
        self.text = text
        self._programs: dict[int, tuple[Any, list[Instruction]] | None] = {NO_PACKET: None}
        self._compile(1)

    def mask(self, records: Records) -> NDArray[np.bool_]:
        """Tell which records match. A filter that makes no sense on a link type matches none of its packets."""
        kinds = records.link_type
        accepted = np.zeros(len(kinds), np.bool_)
        same = len(kinds) > 0 and bool((kinds == kinds[0]).all())
        for kind in [int(kinds[0])] if same else np.unique(kinds).tolist():
            rows = np.arange(len(kinds)) if same else np.flatnonzero(kinds == kind)
            if kind not in self._programs:
                try:
                    self._compile(kind)
                except FilterError:
                    self._programs[kind] = None
            compiled = self._programs[kind]
            if compiled is not None:
                program, instructions = compiled
                backward = any(code & 7 == _JMP and k >> 31 for code, _, _, k in instructions if code == _JMP)
                run = _run_by_libpcap(program, records, rows) if backward else run_program(instructions, records, rows)
                accepted[rows] = run
        return accepted

    def _compile(self, link_type: int) -> None:
        import cypcap

        # libpcap maps LINKTYPE to its own DLT numbers when it opens a file, so it is given one.
        with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
            file.write(pcap_header(link_type, _LARGEST_PACKET, nanoseconds=False))
            file.flush()
            try:
                with cypcap.open_offline(file.name) as dead:
                    program = dead.compile(self.text, netmask=0)  # as tcpdump does for files
            except (cypcap.Error, UnicodeError, ValueError) as error:
                words = str(error.args[-1]) if isinstance(error, cypcap.Error) else str(error)
                raise FilterError(
                    f"The BPF filter {self.text!r} is not valid: {words}; write it as for tcpdump,"
                    " for example: tcp port 80 and host 10.0.0.1."
                ) from None
        self._programs[link_type] = program, list(program)


def check_bpf(text: str) -> None:
    """Raise FilterError, in libpcap's own words, when `text` is not a BPF filter for Ethernet."""
    BpfFilter(text)


def _run_by_libpcap(program: Any, records: Records, rows: Rows) -> list[bool]:
    import cypcap

    found = []
    for row in rows.tolist():
        captured, start = int(records.captured[row]), int(records.offset[row])
        header = cypcap.Pkthdr(ts=0.0, caplen=captured, len=int(records.original[row]))
        found.append(bool(program.offline_filter(header, bytes(records.data[start : start + captured]))))
    return found


def run_program(program: Sequence[Instruction], records: Records, rows: Rows) -> NDArray[np.bool_]:
    """Run a BPF program on these records; gives which of them it accepts."""
    count = len(rows)
    machine = _Machine(
        records.data,
        records.offset[rows],
        records.captured[rows].astype(np.int64),
        records.original[rows],
        np.zeros(count, np.uint32),
        np.zeros(count, np.uint32),
        np.zeros(count, np.bool_),
    )
    everything = np.arange(count)
    machine.wait(0, everything)
    for at, instruction in enumerate(program):
        parts = machine.waiting.pop(at, None)
        if parts is not None:
            waiting = parts[0] if len(parts) == 1 else np.concatenate(parts)
            # All of them in their order: columns are then taken as they are.
            _STEPS[instruction[0] & 7](machine, at, instruction, everything if len(waiting) == count else waiting)
    return machine.accepted


def _load(machine: _Machine, at: int, instruction: Instruction, rows: Rows) -> None:
    code, _, _, k = instruction
    to_x = code & 7 == _LDX
    register = machine.x if to_x else machine.a
    mode = code & 0xE0
    some = slice(None) if len(rows) == len(register) else rows
    if mode == _IMMEDIATE:
        register[some] = k
    elif mode == _MEMORY:
        register[some] = machine.memory[k][some] if k in machine.memory else 0
    elif mode == _LENGTH:
        register[some] = machine.original[some]
    else:
        kind = _SIZES[0x10 if mode == _HEADER else code & 0x18]
        offset: NDArray[np.int64] | int = k + machine.x[some].astype(np.int64) if mode == _INDIRECT else k
        there = machine.captured[some] >= offset + kind.itemsize
        place = machine.start[some] + offset
        if not there.all():
            # Reading behind the packet refuses it.
            some = rows = rows[there]
            place = place[there]
        value = gather(machine.data, place, kind)
        register[some] = (value & 15) << 2 if mode == _HEADER else value
    machine.wait(at + 1, rows)


def _store(machine: _Machine, at: int, instruction: Instruction, rows: Rows) -> None:
    register = machine.x if instruction[0] & 7 == _STX else machine.a
    cell = machine.memory.setdefault(instruction[3], np.zeros(len(register), np.uint32))
    cell[rows] = register[rows]
    machine.wait(at + 1, rows)


def _calculate(machine: _Machine, at: int, instruction: Instruction, rows: Rows) -> None:
    code, _, _, k = instruction
    operation = code & 0xF0
    if operation == 0x80:
        machine.a[rows] = np.negative(machine.a[rows])
    else:
        if code & 8 and operation in {0x30, 0x90}:
            # Division by zero refuses the packet.
            rows = rows[machine.x[rows] != 0]
        operand = machine.x[rows] if code & 8 else np.full(len(rows), k, np.uint32)
        machine.a[rows] = _ARITHMETIC[operation](machine.a[rows], operand)
    machine.wait(at + 1, rows)


def _jump(machine: _Machine, at: int, instruction: Instruction, rows: Rows) -> None:
    code, if_true, if_false, k = instruction
    if code & 0xF0 == 0:
        machine.wait(at + 1 + k, rows)
        return
    some = slice(None) if len(rows) == len(machine.a) else rows
    operand = machine.x[some] if code & 8 else np.uint32(k)
    true = _COMPARISONS[code & 0xF0](machine.a[some], operand)  # type: ignore[arg-type]
    if true.all():
        machine.wait(at + 1 + if_true, rows)
    else:
        machine.wait(at + 1 + if_true, rows[true])
        machine.wait(at + 1 + if_false, rows[~true])


def _return(machine: _Machine, at: int, instruction: Instruction, rows: Rows) -> None:
    code, _, _, k = instruction
    machine.accepted[rows] = machine.a[rows] != 0 if code & 0x18 == 0x10 else k != 0


def _transfer(machine: _Machine, at: int, instruction: Instruction, rows: Rows) -> None:
    if instruction[0] & 0xF8 == 0x80:
        machine.a[rows] = machine.x[rows]
    else:
        machine.x[rows] = machine.a[rows]
    machine.wait(at + 1, rows)


_STEPS: dict[int, Callable[[_Machine, int, Instruction, Rows], None]] = {
    _LD: _load,
    _LDX: _load,
    _ST: _store,
    _STX: _store,
    _ALU: _calculate,
    _JMP: _jump,
    _RET: _return,
    _MISC: _transfer,
}
