"""Who had which address."""

from __future__ import annotations

from fake_hub import START, FakeHub

from kubeshark_mcp.hub.contract import AddressEntry, WorkloadQuery


async def test_workloads_are_listed_with_addresses_and_labels(ask):
    answer = await ask("list_workloads")
    first, _, *table, _ = answer.text.splitlines()
    assert first == "1 workload"
    assert table == [
        "namespace|name|kind|node|ips|labels",
        "shop|cart-1|pod|node-a|10.0.0.9 since 2026-11-01T13:00:00Z|app=cart",
    ]


async def test_every_condition_reaches_the_hub(ask):
    conditions = {
        "snapshot_id": "s1",
        "name": "cart",
        "namespace": "shop",
        "namespaces": ["shop"],
        "name_regex": "^c",
        "labels": {"app": "cart"},
        "type": "pod",
    }
    answer = await ask("list_workloads", **conditions, timestamp="2026-11-01T13:00:00Z")
    assert answer.asked == [("workloads", WorkloadQuery(**conditions, timestamp=START))]


async def test_addresses_say_who_had_them_and_who_is_unknown(ask):
    answer = await ask("list_ips")
    assert answer.text.splitlines()[0] == "2 addresses"
    assert answer.text.splitlines()[2:-1] == [
        "ip|namespace|name|kind|since",
        "10.0.0.9|shop|cart-1|pod|2026-11-01T13:00:00Z",
        "1.2.3.4||(unknown)||",
    ]


async def test_nothing_repeats_what_was_asked(ask):
    assert (await ask("list_workloads", FakeHub(empty=True), name_regex="^x")).text == (
        "No workload matches name_regex=^x. Leave a condition out to see what there is.\nNext: list_ips()"
    )
    assert (await ask("list_ips", FakeHub(empty=True))).text.startswith("No address is known: ")


async def test_a_large_cluster_is_cut_and_says_how_to_narrow(ask):
    class Large(FakeHub):
        async def addresses(self, query):
            return [AddressEntry(ip=f"10.0.{n // 250}.{n % 250}") for n in range(700)]

    answer = await ask("list_ips", Large())
    assert answer.text.splitlines()[0] == "500 of 700 addresses; narrow with namespaces, name_regex or labels"
    assert answer.facts == {"total": 700}
