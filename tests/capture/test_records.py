from __future__ import annotations

from kubeshark_mcp.capture import records
from kubeshark_mcp.capture.merge import as_records
from kubeshark_mcp.capture.records import Findings


def test_a_part_counts_on_from_its_first_packet():
    whole = as_records([(1, 4, b"aaaa", 1), (2, 3, b"bbb", 1), (3, 2, b"cc", 1)])
    part = whole.part(1, 3)
    assert (part.number, len(part), part.time_ns.tolist(), part.offset.tolist()) == (2, 2, [2, 3], [4, 7])


def test_warnings_do_not_fill_the_memory():
    findings = Findings()
    for number in range(records.MOST_WARNINGS * 3):
        findings.warn("bad", number)
    assert len(findings.warnings) == records.MOST_WARNINGS + 1
    assert str(findings.warnings[-1]) == f"more than {records.MOST_WARNINGS} warnings; the others are left out"


def test_names_and_secrets_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(records, "MOST_NAMES", 2)
    monkeypatch.setattr(records, "MOST_SECRET_BYTES", 10)
    findings = Findings()
    for name in ("a", "b", "c"):
        findings.add_name("10.0.0.1", name)
        findings.add_secret(name.encode() * 4)
    assert findings.names == [("10.0.0.1", "a"), ("10.0.0.1", "b")]
    assert findings.secrets == [b"aaaa", b"bbbb"]
