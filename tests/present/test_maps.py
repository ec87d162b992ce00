from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import pytest

from kubeshark_mcp.present.budget import BUDGET
from kubeshark_mcp.present.maps import COLUMNS, label_of, map_rows, map_text, mermaid_text, share_failed, svg_text
from kubeshark_mcp.present.tokens import rough_tokens

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '"><script>alert(1)</script>]]>&#39;\x1b[31m'


def link(client: str = "shop/web", server: str = "shop/api", **more):
    made = {
        "client": client, "server": server, "protocol": "http", "calls": 120, "failed": 3, "unanswered": 1,
        "nxdomain": 0, "per_second": 12.0, "p50_us": 900, "p95_us": 40_000, "request_bytes": 10, "response_bytes": 20,
        "outside": False, "connections": 2, "refused": 0, "unreachable": 0, "resets": 0, "segments": 1000,
        "retransmissions": 5,
    }  # fmt: skip
    return made | more


def test_a_label_says_rate_errors_and_latency_and_leaves_out_what_says_nothing():
    assert label_of(link()) == "http 12/s 3.3% err p95 40 ms 0.5% retrans"
    quiet = link(failed=0, unanswered=0, retransmissions=0, per_second=0.001, p95_us=None)
    assert label_of(quiet) == "http <0.01/s"
    dead = link(calls=0, failed=0, unanswered=0, connections=4, refused=4, protocol="tcp", p95_us=None, segments=0)
    assert label_of(dead) == "tcp 12/s 100% err"
    assert label_of(link(protocol="dns", failed=0, unanswered=0, nxdomain=60, segments=0)) == (
        "dns 12/s 50% NXDOMAIN p95 40 ms"
    )


@pytest.mark.parametrize(
    ("more", "share"),
    [({}, 4 / 120), ({"failed": 120, "unanswered": 1}, 1.0), ({"calls": 0, "connections": 0}, 0.0),
     ({"calls": 0, "connections": 4, "refused": 1, "unreachable": 1}, 0.5)],
)  # fmt: skip
def test_the_share_of_failures_is_that_of_calls_or_else_of_connections(more, share):
    assert share_failed(link(**more)) == pytest.approx(share)


def test_a_table_has_a_line_a_link_and_stays_within_the_budget():
    found = {"links": [link(f"ns/client-{number}") for number in range(500)]}
    assert [len(row) for row in map_rows(found)[:1]] == [len(COLUMNS)]
    text = map_text(found)
    assert rough_tokens(text) <= BUDGET
    assert text.endswith("more links: raise limit, or name a service)")
    assert len(map_text(found, limit=30).splitlines()) == 32
    assert len(map_text(found, "json", 500).splitlines()) == 500
    assert map_text({"links": []}, "mermaid") == "Nobody called anybody in this window."


def test_mermaid_quotes_what_was_captured():
    text = mermaid_text({"links": [link(server=HOSTILE, outside=True), link(protocol="dns")]})
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    assert lines[1] == '  n0["shop/web"]'
    assert re.fullmatch(r"  n1\(\[\"[\w #;/]+\"\]\)", lines[2])
    assert '  n0 -->|"dns 12/s 3.3% err p95 40 ms 0.5% retrans"| n2' in lines
    assert "script>" not in text


def test_a_drawing_is_one_valid_element_without_script_link_or_font():
    text = svg_text({"links": [link(), link(server=HOSTILE), link("shop/api", "db.example.net", outside=True)]})
    root = ElementTree.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "style", "defs", "marker", "path", "rect", "text", "g", "title", "line"}
    assert not any(name.startswith("on") or "href" in name for element in root.iter() for name in element.attrib)
    assert "url(http" not in text
    assert "@import" not in text
    names = {element.text for element in root.iter(f"{SVG}text") if element.get("class") == "name"}
    assert {"web", "api", "db.example.net"} <= names


def test_errors_colour_an_edge_and_rate_widens_it():
    links = [
        link(failed=0, unanswered=0), link("shop/web", "shop/b", failed=0, unanswered=1, calls=500),
        link("shop/web", "shop/c"), link("shop/web", "shop/d", failed=60, per_second=1000.0),
    ]  # fmt: skip
    root = ElementTree.fromstring(svg_text({"links": links}, "Map & more", ["shop/c"]))
    edges = {
        element.get("class"): float(element.get("stroke-width"))
        for element in root.iter(f"{SVG}path")
        if "edge" in element.get("class", "")
    }
    assert set(edges) == {"edge well", "edge some", "edge many", "edge most"}
    assert edges["edge most"] > edges["edge well"]
    assert [e.get("class") for e in root.iter(f"{SVG}g") if "marked" in e.get("class")] == ["box marked"]
    assert root.get("aria-label") == "Map & more"


def test_labels_of_one_gap_never_overlap():
    root = ElementTree.fromstring(svg_text({"links": [link("a/hub", f"a/s{n}") for n in range(12)]}))
    places = sorted(float(e.get("y")) for e in root.iter(f"{SVG}text") if e.get("class", "").startswith("label"))
    assert len(places) == 12
    assert all(below - above >= 14 for above, below in itertools.pairwise(places))


def test_more_links_than_can_be_read_are_counted():
    text = svg_text({"links": [link("a/hub", f"a/s{n}") for n in range(200)]})
    assert "200 links, 50 not drawn" in text
