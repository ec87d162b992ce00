"""Export of packets."""

from __future__ import annotations

from fake_hub import END, START

from kubeshark_mcp.hub.contract import Export, ExportRequest


async def test_an_export_gives_the_path_and_the_next_call(ask):
    answer = await ask(
        "export_snapshot_pcap",
        id="s1",
        nodes=["node-a"],
        bpf_filter="port 80",
        start_time="2026-11-01T13:00:00Z",
        end_time="2026-11-01T13:10:00Z",
    )
    request = ExportRequest(snapshot_id="s1", nodes=["node-a"], bpf_filter="port 80", start=START, end=END)
    assert answer.asked == [("export_pcap", request)]
    assert answer.text == (
        "path: /mcp/snapshots/s1/pcap?export=1\n12 packets, 3.4 kB\n"
        'Next: download_file(path="/mcp/snapshots/s1/pcap?export=1")'
    )


async def test_an_export_without_packets_says_so(ask):
    from fake_hub import FakeHub

    class Nothing(FakeHub):
        async def export_pcap(self, request):
            return Export(path="/mcp/x.pcap", packets=0)

    assert "No packet matches" in (await ask("export_snapshot_pcap", Nothing(), id="s1")).text


async def test_a_window_that_ends_before_it_begins_exports_nothing(ask):
    answer = await ask("export_snapshot_pcap", id="s1", start_time="-1m", end_time="-2m")
    assert answer.is_error
    assert answer.asked == []
