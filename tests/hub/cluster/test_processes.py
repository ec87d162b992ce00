"""Programs beside the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from cluster_fakes import Programs

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.cluster.processes import LINES, Child, program


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that is dead and not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_output_of_both_kinds_and_the_exit_code_are_kept(programs: Programs):
    programs.write("x", "echo one", "echo two >&2", "printf three", "exit 3")
    child = await Child.start([program("x"), "a b", "$HOME"])
    assert await child.wait() == 3
    assert sorted(child.lines) == ["one", "three", "two"]
    assert programs.calls("x") == ["a b $HOME"]


async def test_long_output_is_bounded(programs: Programs):
    programs.write("x", f"seq 1 {LINES * 3}", "head -c 100000 /dev/zero | tr '\\0' x")
    child = await Child.start([program("x")])
    await child.wait()
    assert len(child.lines) == LINES
    assert max(map(len, child.lines)) <= 2000


async def test_ending_a_program_ends_what_it_started(programs: Programs):
    programs.write("x", "trap '' TERM", "sleep 600 &", "echo $!", "wait")
    child = await Child.start([program("x")])
    while not child.lines:
        await child.heard()
    await child.end(gently=False)
    assert child.exit_code is not None
    grandchild = int(child.lines[0])
    for _ in range(200):
        if not alive(grandchild):
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the program's own child still runs")


async def test_a_program_that_ends_when_asked_is_not_killed(programs: Programs):
    programs.write("x", "trap 'echo bye; exit 7' TERM", "echo up", "while :; do sleep 0.01; done")
    child = await Child.start([program("x")])
    await child.heard()
    await child.end()
    assert child.exit_code == 7


async def test_a_program_that_is_not_there_is_a_sentence(programs: Programs):
    with pytest.raises(UsageError, match="The program kubectl is not installed"):
        program("kubectl")
    with pytest.raises(UsageError, match="cannot be started"):
        await Child.start(["/no/such/program"])
