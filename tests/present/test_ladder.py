from __future__ import annotations

from kubeshark_mcp.present.budget import BUDGET
from kubeshark_mcp.present.ladder import ladder_head, ladder_text
from kubeshark_mcp.present.tokens import rough_tokens


def hop(depth: int, number: int, **more):
    made = {
        "depth": depth, "handle": f"s/d#{number}", "client": f"a/c{depth}", "server": f"a/c{depth + 1}",
        "protocol": "http", "endpoint": "GET /x", "status": "200", "offset_us": number * 1000, "elapsed_us": 9000,
        "own_us": 9000, "wire_us": None, "failed": False, "by": "time", "asked": False,
    }  # fmt: skip
    return made | more


def trace(*hops, **more):
    return {"hops": list(hops), "header": "", "confidence": "medium", "cut": False} | more


def test_calls_stand_under_their_cause_with_the_time_in_it_and_on_the_network():
    found = trace(
        hop(0, 1, own_us=1000, wire_us=300),
        hop(1, 2, asked=True, by="traceparent"),
        hop(2, 3, status="", elapsed_us=None, own_us=None),
        hop(1, 4, failed=True, status="503"),
    )
    assert ladder_text(found).splitlines() == [
        "+1.0 ms a/c0 -> a/c1 http GET /x 200: 9 ms, 1 ms in c1 itself, 0.3 ms on the network [1]",
        "├ +2.0 ms a/c1 -> a/c2 http GET /x 200: 9 ms [2 by id] <- asked",
        "│ └ +3.0 ms a/c2 -> a/c3 http GET /x !no answer [3]",
        "└ +4.0 ms a/c1 -> a/c2 http GET /x !503: 9 ms [4]",
    ]


def test_the_head_says_how_it_is_known_and_where_the_time_went():
    found = trace(hop(0, 1, own_us=1000), hop(1, 2))
    assert ladder_head(found) == (
        "2 calls, medium confidence (they lie within each other in time, and nothing else could have caused them). "
        "Most time in a/c2 itself: 9 ms."
    )
    by = trace(hop(0, 1, own_us=None), header="traceparent", confidence="high", cut=True)
    assert ladder_head(by) == "1 calls, high confidence (by traceparent); more are not shown."


def test_a_long_ladder_is_cut_but_the_asked_call_stays():
    found = trace(hop(0, 0), *(hop(1, number, asked=number == 180) for number in range(1, 200)))
    text = ladder_text(found)
    assert rough_tokens(text) <= BUDGET
    assert "more calls: format=full)" in text
    assert text.endswith("[180] <- asked")
    assert len(ladder_text(found, brief=False).splitlines()) == 200
