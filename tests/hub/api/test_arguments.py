"""Arguments as clients send them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kubeshark_mcp.errors import UsageError
from kubeshark_mcp.hub.api import arguments as a
from kubeshark_mcp.hub.api.arguments import read_arguments

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("given", [1793534400000, "1793534400000", "2026-11-01T12:00:00Z", "2026-11-01T13:00:00+01:00"])
def test_times_come_as_milliseconds_or_rfc_3339(given):
    assert read_arguments("t", a.Calls, {"start": given}).start == NOON


def test_times_and_durations_can_be_relative():
    read = read_arguments("t", a.Calls, {"start": "-15m"})
    assert abs(datetime.now(UTC) - timedelta(minutes=15) - read.start) < timedelta(minutes=1)
    assert read_arguments("t", a.CreateSnapshot, {"name": "x", "duration": "30m"}).duration == 1800


def test_lists_and_labels_come_as_they_are_or_as_text():
    for nodes in (["a", "b"], "a, b"):
        assert read_arguments("t", a.ExportPcap, {"id": "s", "nodes": nodes}).nodes == ["a", "b"]
    for labels in ({"app": "x", "t": "y"}, "app=x,t=y", ["app=x", "t=y"]):
        assert read_arguments("t", a.Workloads, {"labels": labels}).labels == {"app": "x", "t": "y"}


@pytest.mark.parametrize("name", ["id", "snapshot_id", "snapshot"])
def test_a_snapshot_is_named_by_any_name_that_hubs_have_for_it(name):
    assert read_arguments("t", a.OneSnapshot, {name: "s1"}).id == "s1"
    assert read_arguments("t", a.OneDissection, {name: "s1"}).snapshot_id == "s1"


def test_numbers_as_ids_and_texts_as_numbers_are_understood():
    assert read_arguments("t", a.OneCall, {"id": 7}).id == "7"
    assert read_arguments("t", a.Calls, {"limit": "7"}).limit == 7


@pytest.mark.parametrize(
    ("model", "given", "says"),
    [
        (a.Calls, {"limit": 0}, "t: limit is 0: input should be greater than or equal to 1."),
        (a.Calls, {"format": "wide"}, "t: format is 'wide': input should be 'compact', 'full' or 'raw'."),
        (a.Calls, {"lmit": 5}, "t: there is no argument 'lmit'; did you mean limit?."),
        (a.Nothing, {"x": 1}, "t: there is no argument 'x'; there are none."),
        (a.OneSnapshot, {}, "t: id is missing."),
        (a.Calls, {"start": "noonish"}, 'start is "noonish", which is no time'),
        (a.Workloads, {"labels": "app"}, "t: labels is 'app'"),
        (a.Calls, {"kfl": "x" * 20_000}, "t: kfl is 'xxx"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(model, given, says):
    with pytest.raises(UsageError) as caught:
        read_arguments("t", model, given)
    assert says.replace("?.", "?") in str(caught.value).replace("?.", "?")
    assert len(str(caught.value)) < 300
