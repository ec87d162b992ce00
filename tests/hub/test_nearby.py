"""A Hub that lists calls and hands out packets, made able to diagnose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from kubeshark_mcp.errors import NotFoundError, UnsupportedError, UsageError
from kubeshark_mcp.hub import contract as c
from kubeshark_mcp.hub import contract_analysis as ca
from kubeshark_mcp.hub import contract_views as cv
from kubeshark_mcp.hub.contract_remote import HubTools
from kubeshark_mcp.hub.interface import Hub
from kubeshark_mcp.hub.nearby import COMPUTED, PREFIX, NearbyHub
from kubeshark_mcp.hub.questions import answers_in_one_place


@answers_in_one_place
class Lister(Hub):
    """Answers like a Hub that has the published tools alone; remembers what it was asked."""

    def __init__(self, hub: Hub, lacking: frozenset[str] = frozenset(COMPUTED.values())) -> None:
        self.hub, self.lacking = hub, lacking
        self.asked: list[str] = []

    async def answer(self, method: str, arguments: Mapping[str, Any]) -> Any:
        self.asked.append(method)
        if method in COMPUTED or method == "source_of":
            raise UnsupportedError(f"This Hub has no {method}.")
        return await getattr(self.hub, method)(**arguments)

    async def tools(self) -> HubTools:
        return HubTools(lacking=self.lacking)

    async def close(self) -> None:
        self.asked.append("close")


def essence(found: ca.Diagnosis) -> list[tuple[str, str, str, int]]:
    return [(one.mechanism, one.component, one.confidence, len(one.evidence)) for one in found.findings]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture
async def near(incident, workspace):
    """One workspace for all tests: the copy is made by the first that needs it."""
    lister = Lister(incident.hub)
    hub = NearbyHub(lister, workspace)  # type: ignore[abstract]
    yield hub, lister
    await hub.close()
    assert lister.asked[-1] == "close"


async def test_a_diagnosis_of_its_packets_says_what_the_embedded_hub_says(incident, near):
    hub, lister = near
    expected = await incident.hub.diagnose(ca.DiagnosisQuery(database=incident.snapshot))
    found = await hub.diagnose(ca.DiagnosisQuery(database=f"{incident.snapshot}/default"))
    assert essence(found) == essence(expected) != []
    assert found.coverage.model_dump(exclude={"limits"}) == expected.coverage.model_dump(exclude={"limits"})
    assert found.database.startswith(PREFIX)
    fetched = lister.asked.count("fetch_file")
    assert await hub.diagnose(ca.DiagnosisQuery()) == found  # the newest is the same, and is here by now
    assert lister.asked.count("fetch_file") == fetched


async def test_what_the_answer_names_can_be_asked_further(near, tmp_path):
    hub, lister = near
    found = await hub.diagnose(ca.DiagnosisQuery())
    handle, claim = found.findings[0].evidence[0], found.findings[0].claims[0]
    asked = len(lister.asked)
    assert (await hub.call(c.CallRequest(id=handle))).entry["_id"]
    assert (await hub.source_of(handle)).sha256
    page = await hub.calls(c.CallQuery(database=found.database, kfl=claim.kfl))
    checked = await hub.verify_claim(ca.ClaimQuery(kfl=claim.kfl, value=page.total, database=found.database))
    assert (checked.holds, checked.count) == (True, page.total)
    assert (await hub.trace_call(cv.TraceQuery(id=handle))).database == found.database
    cut = await hub.cut_evidence(cv.CutRequest(ids=[handle]))
    assert await hub.fetch_file(cut.path, tmp_path / "cut.pcapng") == cut.size_bytes
    assert cut.path.rpartition("/")[2] in await hub.file_url(cut.path)
    assert lister.asked[asked:] == []
    assert [one.snapshot for one in await hub.databases()].count(found.database.partition("/")[0]) == 1


async def test_ids_of_the_hub_are_not_taken_for_those_of_the_copy(near):
    hub, _ = near
    with pytest.raises(UsageError, match=rf"as db {PREFIX}.*find the entry with list_api_calls"):
        await hub.trace_call(cv.TraceQuery(id="3"))


async def test_a_handle_means_the_copy_of_its_own_snapshot_and_not_of_the_newest(incident, tmp_path):
    hub = NearbyHub(Lister(incident.hub), tmp_path)  # type: ignore[abstract]
    asked: list[str | None] = []

    class Made:
        async def of(self, snapshot: str | None) -> str:
            asked.append(snapshot)
            return f"{PREFIX}{snapshot}"

        async def close(self) -> None:
            asked.clear()

    hub._kept = Made()  # type: ignore[assignment]
    for question in (
        hub.trace_call(cv.TraceQuery(id="older/default#3")),
        hub.trace_call(cv.TraceQuery(id="older/default#3", database="newer/default")),
        hub.trace_call(cv.TraceQuery(id="3", database="older/default")),
        hub.cut_evidence(cv.CutRequest(ids=["older/default#3", "older/second#4"])),
        hub.cut_evidence(cv.CutRequest(ids=["older#3", "4"], database="older")),
    ):
        with pytest.raises(UsageError, match=f"as db {PREFIX}older: find the entry"):
            await question
    assert asked == ["older"] * 5
    with pytest.raises(UsageError, match=r"of several snapshots \(older, the newest\): ask about those of one"):
        await hub.cut_evidence(cv.CutRequest(ids=["older/default#3", "4"]))
    assert asked == ["older"] * 5
    with pytest.raises(UsageError, match=f"as db {PREFIX}None"):
        await hub.trace_call(cv.TraceQuery(id="3"))
    await hub.close()


async def test_what_the_hub_can_answer_is_asked_there(incident, near):
    hub, lister = near
    assert await hub.snapshots() == await incident.hub.snapshots()
    assert lister.asked == ["snapshots"]
    assert (await hub.tools()).lacking == frozenset()


async def test_a_hub_that_gives_no_packets_says_so(incident, tmp_path):
    hub = NearbyHub(Lister(incident.hub, frozenset({"diagnose", "export_snapshot_pcap"})), tmp_path)  # type: ignore[abstract]
    with pytest.raises(UnsupportedError, match="This Hub has no diagnose"):
        await hub.diagnose(ca.DiagnosisQuery())
    assert (await hub.tools()).lacking == {"diagnose", "export_snapshot_pcap"}
    assert list(tmp_path.iterdir()) == []


async def test_a_snapshot_that_is_not_there_is_not_fetched(near):
    hub, _ = near
    with pytest.raises(NotFoundError, match="nope"):
        await hub.diagnose(ca.DiagnosisQuery(database="nope"))
