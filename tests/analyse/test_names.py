from __future__ import annotations

import pytest

from kubeshark_mcp.analyse.names import cluster_domains, entropy, home_of, lookups, question, registered, without_search
from tests.analyse.building import BuiltFacts, Call


def test_search_domains_are_stripped_as_often_as_they_were_appended() -> None:
    domains = ("cluster.local",)
    for name, bare in {
        "rates.example.net.shop.svc.cluster.local": "rates.example.net",
        "payments.shop.svc.cluster.local": "payments",
        "payments.shop.svc.cluster.local.shop.svc.cluster.local": "payments",
        "db.data.svc.cluster.local": "db.data",
        "www.example.com": "www.example.com",
    }.items():
        assert without_search(name, "shop", domains) == bare


def test_the_domain_of_the_cluster_is_the_shortest_behind_svc() -> None:
    names = {"a.b.svc.cluster.local", "a.b.svc.cluster.local.c.svc.cluster.local", "www.example.com"}
    assert cluster_domains(names) == ("cluster.local",)


def test_a_question_has_a_type_and_a_name() -> None:
    assert question("aaaa WWW.Example.com.") == ("AAAA", "www.example.com")


def test_only_the_query_without_a_search_domain_is_final() -> None:
    names = ["x.shop.shop.svc.cluster.local", "x.shop.svc.cluster.local", "x.shop.cluster.local", "x.shop"]
    found = lookups(
        BuiltFacts(
            [Call(n, "shop/a", "k/dns", f"A {name}", "NXDOMAIN", protocol="dns") for n, name in enumerate(names)]
        )
    )
    assert found.bases == ("x.shop",)
    assert (found.last.tolist(), found.searched.tolist()) == ([False, False, False, True], [True, True, True, False])


def test_random_text_carries_more_than_words() -> None:
    assert entropy("") == 0
    assert entropy("abab") == pytest.approx(1.0)
    assert registered("a.b.example.net") == "example.net"


def test_the_namespace_of_an_unnamed_client_is_guessed_from_its_search_list() -> None:
    asked = {"x.y.shop.svc.cluster.local", "x.y.svc.cluster.local", "cart.shop.svc.cluster.local"}
    assert home_of(asked, ("cluster.local",)) == "shop"
    assert home_of({"cart.shop.svc.cluster.local"}, ("cluster.local",)) == ""
