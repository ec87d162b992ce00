"""Redis against captures of other projects, what tshark says of them and what those projects expect."""

from __future__ import annotations

import pytest

from kubeshark_mcp.model.entry import Entry
from tests.corpus.harness import Case, Dissection, differences, expected, of_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {
    "redis/zeek__redis__oss-fuzz-473580107.pcap": "a fuzzer's HTTP-like bytes; tshark was told to call each line RESP",
}
"""Captures where we say something else, each with the reason."""

SUCCESS = {"T": "OK", "F": "ERR", None: ""}


def dissected(case: Case) -> Dissection:
    return of_file(case.file, case.decode_as)


def commands(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.request is not None and "redis_command" in entry.fields]


def zeek_log(case: Case) -> list[tuple[str, str, str]]:
    """Give (command, key, outcome) of Zeek's redis.log, where the project keeps one uncut."""
    for test in expected().get(case.file, {}).get("tests", ()):
        for name, log in test["baselines"].items():
            if name in {"redis.log", "redis-default.log"} and "records" in log:
                return [(r["cmd.name"], r.get("cmd.key") or "", SUCCESS[r.get("success")]) for r in log["records"]]
    return []


def zeek_pushes(case: Case) -> list[str]:
    """Give the channels of the pushes that Zeek prints, confirmations of subscriptions included."""
    for test in expected().get(case.file, {}).get("tests", ()):
        text = test["baselines"].get("output", {}).get("text", "")
        lines = [line.partition("[")[2].rstrip("]").split(", ") for line in text.splitlines() if "published" in line]
        if lines:
            return [words[2] if words[0] == "pmessage" else words[1] for words in lines]
    return []


def tshark_commands(case: Case) -> list[tuple[int, str, int]]:
    """Give (packet, command, arguments) of the commands that are arrays; inline ones have no words there."""
    rows = [row for row in case.rows("redis.message") if row["dp"] == 6379 and row["kind"] == "array"]
    return [(row["f"], row["args"][0].upper(), row["n"] - 1) for row in rows if row.get("args")]


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    asked = commands(entries)
    summary = case.summary.get("redis", {})
    found = []
    if summary.get("from_client") not in {None, len(asked)}:
        found.append(f"commands: {len(asked)} here, {summary['from_client']} there")
    if summary.get("from_client") is None and not zeek_log(case) and not zeek_pushes(case):
        found.append(f"messages: {len(entries)} entries here, {summary['messages']} there")
    whole = [(entry.request.last_packet, entry.fields["redis_command"], entry) for entry in asked if entry.request]
    known = tshark_commands(case)
    arrays = [(f, name, e.fields["redis_arguments"]) for f, name, e in whole if e.request_body.startswith(b"*")]
    if len(case.rows("redis.message")) < 400:
        found += differences("commands", arrays, known)
    if summary.get("from_server") is not None and flat(case):
        answered = [entry for entry in entries if entry.response is not None and not entry.malformed]
        found += [] if len(answered) == summary["from_server"] else [f"replies: {len(answered)} here, {summary} there"]
    return found


def flat(case: Case) -> bool:
    """Tell whether tshark counts replies as we do: it counts each value of an array, and pieces of RESP3."""
    kinds = {row["kind"] for row in case.rows("redis.message") if row["dp"] != 6379}
    return not kinds & {"array", "inline_or_fragment"}


@pytest.mark.parametrize("case", parameters("redis"))
def test_commands_and_replies_agree_with_tshark(case: Case):
    result = dissected(case)
    assert result.warnings == []
    found = disagreement(case, result.of("redis"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


@pytest.mark.parametrize("case", parameters("redis"))
def test_calls_agree_with_zeek(case: Case):
    entries = dissected(case).of("redis")
    log, pushes = zeek_log(case), zeek_pushes(case)
    if not log and not pushes:
        pytest.skip("Zeek expects no list of calls")
    if log:
        ours = [(e.fields["redis_command"], e.fields["redis_key"], e.status) for e in in_order(commands(entries))]
        theirs = [(name, key or mine[1], status) for (name, key, status), mine in zip(log, ours, strict=True)]
        assert ours == theirs
    if pushes:
        pushed = [entry for entry in entries if entry.fields["redis_type"] == "push"]
        assert sorted(entry.fields["redis_key"] for entry in pushed) == sorted(pushes)


def in_order(entries: list[Entry]) -> list[Entry]:
    """Put commands in the order in which they were sent."""
    return sorted(
        entries, key=lambda entry: (entry.request.first_packet, entry.request.offset) if entry.request else (0, 0)
    )
