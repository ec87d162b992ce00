"""DNS against captures of other projects, what tshark says of them and what those projects expect."""

from __future__ import annotations

from typing import Any

import pytest

from kubeshark_mcp.dissect.wire_dns import OPCODES, RCODES
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.stream import Span
from tests.corpus.harness import Case, Dissection, differences, expected, of_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {
    "dns/suricata__dns-udp-junkrequest-first.pcap": "an SNMP message to port 53 is not taken for DNS, as in Suricata",
}
"""Captures where we say something else than tshark, each with the reason."""

_OPCODES = {name: number for number, name in OPCODES.items()}
_RCODES = {name: number for number, name in RCODES.items()}


def dissected(case: Case) -> Dissection:
    return of_file(case.file, case.decode_as)


def questions(row: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give names and types as we write them; tshark words the root, `*` and names that it cannot read."""
    names = (name.replace("<Root>", ".") for name in row.get("qname", ()) if not name.startswith("<Name contains"))
    types = (kind.split(" ")[0].replace("*", "ANY") for kind in row.get("qtype", ()))
    return tuple(names), tuple(types)


def asked(entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give names and types; a type that tshark does not know is `Unknown` there."""
    types = entry.fields["dns_question_types"]
    return entry.fields["dns_questions"], tuple("Unknown" if kind.startswith("TYPE") else kind for kind in types)


def last(span: Span | None) -> int:
    """Give the packet under which tshark shows a message."""
    return span.last_packet if span is not None else 0


def addresses(entry: Entry) -> set[str]:
    """Give all addresses of a response, of whatever section."""
    kinds = zip(entry.fields["dns_answer_types"], entry.fields["dns_answers"], strict=True)
    found = {text for kind, text in kinds if kind in {"A", "AAAA"}}
    for line in (*entry.fields["dns_authorities"], *entry.fields["dns_additionals"]):
        _, _, kind, text = line.split(" ", 3)
        found |= {text} if kind in {"A", "AAAA"} and not text.startswith("\\#") else set()
    return found


def disagreement(case: Case, entries: list[Entry]) -> list[str]:
    queries = [entry for entry in entries if entry.request is not None]
    responses = [entry for entry in entries if entry.response is not None]
    summary = [case.summary.get(name, {}) for name in ("dns", "mdns")]
    found = []
    for name, ours in (("queries", queries), ("responses", responses)):
        theirs = sum(part.get(name) or 0 for part in summary)
        found += [f"{name}: {len(ours)} here, {theirs} there"] if len(ours) != theirs else []
    rows = case.rows("dns.query") + case.rows("mdns.query")
    unread = {row["f"] for row in rows if questions(row)[0] == ()}
    found += differences(
        "queries",
        (
            (last(e.request), e.fields["dns_id"], _OPCODES[e.fields["dns_opcode"]], asked(e))
            for e in queries
            if last(e.request) not in unread
        ),
        ((row["f"], row["id"], row["opcode"], questions(row)) for row in rows if row["f"] not in unread),
    )
    by_packet = {last(entry.response): entry for entry in responses}
    for row in case.rows("dns.response") + case.rows("mdns.response"):
        found += answer_differences(by_packet.get(row["f"]), row)
    return found


def answer_differences(entry: Entry | None, row: dict[str, Any]) -> list[str]:
    if entry is None:
        return [f"packet {row['f']}: no response here"]
    found = []
    if _RCODES[entry.status] & 15 != row["rcode"]:
        found.append(f"packet {row['f']}: {entry.status} here, {row['rcode']} there")
    if entry.fields["dns_opcode"] != "UPDATE" and len(entry.fields["dns_answers"]) != row.get("ancount", 0):
        found.append(f"packet {row['f']}: {len(entry.fields['dns_answers'])} answers here, {row['ancount']} there")
    if set(row.get("a", ())) != addresses(entry):
        found.append(f"packet {row['f']}: {sorted(addresses(entry))} here, {row.get('a')} there")
    missing = set(row.get("cname", ())) - set(entry.fields["dns_answers"])
    return found + ([f"packet {row['f']}: no alias {missing}"] if missing else [])


@pytest.mark.parametrize("case", parameters("dns"))
def test_messages_agree_with_tshark(case: Case):
    result = dissected(case)
    assert result.warnings == []
    found = disagreement(case, result.of("dns"))
    if case.file in EXCEPTIONS:
        assert found != [], "it agrees: take it off the list"
        return
    assert found == []


def zeek_log(case: Case) -> list[tuple[int, str, str]]:
    """Give (id, name, outcome) of Zeek's dns.log; it has no multicast DNS and no queries without a name."""
    tests = expected().get(case.file, {}).get("tests", [])
    logs = [test["baselines"]["dns.log"] for test in tests if "records" in test["baselines"].get("dns.log", {})]
    records = logs[0]["records"] if logs else []
    return [(int(r["trans_id"]), r["query"], r.get("rcode_name", "")) for r in records if "query" in r]


def arkime_sessions(case: Case) -> list[tuple[str, str, str]]:
    """Give (name, type, outcome) of Arkime's sessions; names in punycode are decoded there."""
    sessions = expected().get(case.file, {}).get("sessions", [])
    found = [talk for session in sessions for talk in session.get("dns", ()) if "queryHost" in talk]
    return [(talk["queryHost"].replace("<root>", "."), talk["qt"], talk.get("status", "")) for talk in found]


def unicode_name(name: str) -> str:
    return name.encode().decode("idna") if "xn--" in name else name


@pytest.mark.parametrize("case", parameters("dns"))
def test_entries_agree_with_the_project_that_the_capture_comes_from(case: Case):
    entries = dissected(case).of("dns")
    zeek, arkime = zeek_log(case), arkime_sessions(case)
    if not zeek and not arkime:
        pytest.skip("that project expects no list of messages")
    if zeek:
        ours = [(entry.fields["dns_id"], entry.summary.split(" ")[1].lower(), entry.status) for entry in entries]
        assert [row for row in zeek if (row[0], row[1].lower(), row[2]) not in ours and row[1] not in NAMED] == []
        assert len(zeek) == len(entries)
        return
    mine = [
        (unicode_name(entry.fields["dns_questions"][0]).lower(), entry.fields["dns_question_types"][0], entry.status)
        for entry in entries
    ]
    theirs = [(name.lower(), {"*": "ANY"}.get(kind, kind), status) for name, kind, status in arkime]
    assert differences("talks", set(mine), set(theirs)) == []


NAMED = frozenset({"nwin2.stratolab.org", "nwin1.stratolab.org"})
"""Zeek shows the updated name where we show the zone."""
