from __future__ import annotations

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.identity.document import Document

WHOLE = Document(
    {
        "name": "web",
        "count": 3,
        "on": True,
        "spec": {"ports": [{"port": 80}], "tags": ["a", "b"]},
        "labels": {"app": "web"},
        "at": "2026-01-31T09:30:00.000001Z",
        "nothing": None,
    },
    "items[0]",
)


def test_what_is_there_is_read_and_what_is_not_reads_as_empty():
    assert (WHOLE.text("name"), WHOLE.number("count"), WHOLE.flag("on")) == ("web", 3, True)
    assert WHOLE.child("spec").children("ports")[0].path == "items[0].spec.ports[0]"
    assert WHOLE.child("spec").texts("tags") == ["a", "b"]
    assert WHOLE.mapping("labels") == {"app": "web"}
    assert (WHOLE.text("nothing"), WHOLE.number("gone"), WHOLE.flag("gone"), WHOLE.children("gone")) == (
        "",
        0,
        False,
        [],
    )
    assert WHOLE.child("nothing").texts("gone") == []


def test_times_are_nanoseconds():
    assert WHOLE.time_ns("at") == 1_769_851_800_000_001_000
    assert Document({"at": "2026-01-31T10:30:00+01:00"}, "").time_ns("at") == 1_769_851_800_000_000_000
    assert Document({"at": "2026-01-31T09:30:00"}, "").time_ns("at") == 1_769_851_800_000_000_000
    assert WHOLE.time_ns("gone") == 0


@pytest.mark.parametrize(
    ("read", "sentence"),
    [
        (lambda: WHOLE.text("count"), "items[0].count is 3, not a text"),
        (lambda: WHOLE.number("name"), "items[0].name is 'web', not a whole number"),
        (lambda: WHOLE.number("on"), "items[0].on is True, not a whole number"),
        (lambda: WHOLE.flag("name"), "items[0].name is 'web', not true or false"),
        (lambda: WHOLE.child("name"), "items[0].name is 'web', not an object"),
        (lambda: WHOLE.children("labels"), "items[0].labels is {'app': 'web'}, not a list"),
        (lambda: Document({"tags": [1]}, "").texts("tags"), "tags[0] is 1, not a text"),
        (lambda: Document({"labels": {"a": 1}}, "").mapping("labels"), "labels.a is 1, not a text"),
        (lambda: WHOLE.time_ns("name"), "items[0].name is 'web', not a time such as 2026-01-31T09:30:00Z"),
        (lambda: Document("x" * 99, ""), f"the document is '{'x' * 56}..., not an object"),
    ],
)
def test_what_is_wrong_is_quoted_with_its_place(read, sentence: str):
    with pytest.raises(UsageError) as caught:
        read()
    assert str(caught.value) == (
        f"Kubernetes objects: {sentence}: give what `kubectl get pods,services,endpointslices,nodes -A -o json` prints"
    )
