"""Proves truths: takes the captures through the real MCP server, and tshark where a truth names it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters

from evals.lab.record import SUFFIX, packets_in
from evals.lab.truth import Evidence, Expected, Truth, load_truth


class ToolFailedError(Exception):
    """A tool answered with an error; its text says why."""


@dataclass(frozen=True)
class Check:
    """One thing that was counted. witness: `kubeshark` or `tshark`; capture: `fault` or `baseline`."""

    witness: str
    capture: str
    filter: str
    meaning: str
    expect: Expected
    found: int

    @property
    def holds(self) -> bool:
        """Whether it is as the truth says."""
        return self.expect.holds(self.found)

    def __str__(self) -> str:
        mark = "ok  " if self.holds else "FAIL"
        return f"{mark} {self.witness} ({self.capture}): {self.found} of {self.expect}: {self.meaning} [{self.filter}]"


@dataclass
class Proof:
    """What came out for one incident. problems: what kept it from being checked at all."""

    name: str
    checks: list[Check] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    packets: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything is as the truth says."""
        return not self.problems and bool(self.checks) and all(check.holds for check in self.checks)

    def lines(self) -> list[str]:
        """Tell it, failures only when there are some."""
        failed = [str(check) for check in self.checks if not check.holds]
        return [f"FAIL {problem}" for problem in self.problems] + failed


async def verify(folder: Path, thorough: bool = True) -> Proof:
    """Prove the truth in an incident's folder. thorough: also its baseline, and by tshark if that is installed."""
    proof = Proof(folder.name)
    truth = load_truth(folder / "truth.yaml")
    proof.problems += _misplaced(folder, truth)
    proof.packets = sum(packets_in(path) for path in folder.rglob(f"*{SUFFIX}"))
    proof.checks += await _by_server(folder, [(each, each.expect) for each in truth.evidence], "fault")
    if not thorough:
        return proof
    proof.checks += await verify_baseline(folder, truth)
    if shutil.which("tshark"):
        proof.checks += [by_tshark(folder, each) for each in truth.evidence if each.tshark is not None]
    return proof


async def verify_baseline(folder: Path, truth: Truth) -> list[Check]:
    """Count what the evidence selects before the fault, where the truth says so."""
    early = [(each, each.baseline) for each in truth.evidence if each.baseline is not None]
    return await _by_server(folder / "baseline", early, "baseline") if early else []


def _misplaced(folder: Path, truth: Truth) -> list[str]:
    if truth.name != folder.name:
        return [f"The truth in {folder.name} is named {truth.name!r}."]
    return []


async def verify_all(folders: Iterable[Path], jobs: int = 1, thorough: bool = True) -> list[Proof]:
    """Prove several, `jobs` at a time, each with a server of its own."""
    turns = asyncio.Semaphore(jobs)

    async def one(folder: Path) -> Proof:
        async with turns:
            try:
                return await verify(folder, thorough)
            except (OSError, ValueError) as failure:
                return Proof(folder.name, problems=[str(failure)])
            except ExceptionGroup as failures:  # what the client's task group makes of an error within it
                told, others = failures.split((ToolFailedError, OSError, ValueError))
                if others is not None or told is None:
                    raise
                return Proof(folder.name, problems=[str(failure) for failure in _leaves(told)])

    return list(await asyncio.gather(*(one(folder) for folder in folders)))


def _leaves(group: ExceptionGroup[Any]) -> list[BaseException]:
    return [
        leaf for each in group.exceptions for leaf in (_leaves(each) if isinstance(each, ExceptionGroup) else [each])
    ]


@asynccontextmanager
async def dissected(folder: Path) -> Any:
    """Start the server on the captures of a folder and dissect them; gives a `call(tool, **arguments)` and the db."""
    with tempfile.TemporaryDirectory(prefix="verify-") as workspace:
        command = ["-m", "kubeshark_mcp", "--workspace", workspace, "--resources", str(folder / "resources.json")]
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            command += ["--pcap", str(path), "--node", path.name.removesuffix(SUFFIX)]
        async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:

            async def call(tool: str, **arguments: Any) -> dict[str, Any]:
                result = await client.call_tool(tool, arguments)
                text = "".join(part.text for part in result.content if part.type == "text")
                if result.is_error:
                    raise ToolFailedError(f"{tool} failed on {folder.name}: {text}")
                return dict((result.meta or {}).get("kubeshark/facts", {}))

            snapshot = await call("create_snapshot", name="incident", wait=True)
            done = await call("start_snapshot_dissection", snapshot_id=snapshot["id"], wait=True)
            yield call, done["db"]


async def _by_server(folder: Path, wanted: list[tuple[Evidence, Expected]], capture: str) -> list[Check]:
    checks = []
    async with dissected(folder) as (call, db):
        for evidence, expect in wanted:
            facts = await call("list_api_calls", kfl=evidence.kfl, limit=1, db=db)
            checks.append(
                Check("kubeshark", capture, evidence.kfl, evidence.meaning, expect, int(facts.get("total", 0)))
            )
    return checks


def by_tshark(folder: Path, evidence: Evidence) -> Check:
    """Have tshark count the packets that a piece of evidence names on one node."""
    witness = evidence.tshark
    assert witness is not None
    path = folder / f"{witness.node}{SUFFIX}"
    command = ("tshark", "-n", "-r", str(path), "-Y", witness.filter, "-T", "fields", "-e", "frame.number")
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise ValueError(f"tshark did not take {witness.filter!r}: {done.stderr.strip()[-300:]}")
    found = len(done.stdout.split())
    return Check("tshark", "fault", witness.filter, evidence.meaning, witness.packets, found)
