"""What this server is connected to."""

from __future__ import annotations


async def test_status_says_what_is_there_and_what_to_do_next(ask):
    answer = await ask("check_kubeshark_status")
    assert answer.text == "Running: embedded Hub 1, /captures\ncaptures: 2\n- Look.\nNext: get_data_boundaries()"
    assert answer.facts == {"running": True, "kind": "embedded"}


async def test_a_namespace_means_a_cluster_and_is_refused_here(ask):
    answer = await ask("check_kubeshark_status", release_namespace="kubeshark")
    assert answer.is_error
    assert answer.text.startswith('release_namespace "kubeshark" means a Kubeshark in a cluster')
