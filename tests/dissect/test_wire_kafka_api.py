"""The tables of Kafka: names, numbers, and that every schema can be read in every version."""

from __future__ import annotations

import pytest

from kubeshark_mcp.dissect.wire_kafka import RequestHeader, Schemas
from kubeshark_mcp.dissect.wire_kafka_api import APIS, ERRORS, NEVER, Api


@pytest.mark.parametrize(
    ("key", "name"),
    [(0, "Produce"), (1, "Fetch"), (3, "Metadata"), (11, "JoinGroup"), (18, "ApiVersions"), (36, "SaslAuthenticate")],
)
def test_requests_have_the_protocols_numbers(key: int, name: str):
    assert APIS[key].name == name


def test_all_requests_up_to_the_newest_are_known_without_a_gap():
    assert sorted(APIS) == list(range(93))
    assert len({api.name for api in APIS.values()}) == 93


@pytest.mark.parametrize(
    ("code", "name"),
    [(-1, "UNKNOWN_SERVER_ERROR"), (0, "NONE"), (6, "NOT_LEADER_OR_FOLLOWER"), (79, "MEMBER_ID_REQUIRED")],
)
def test_errors_have_the_protocols_codes(code: int, name: str):
    assert ERRORS[code] == name
    assert all(text.isupper() for text in ERRORS.values())


@pytest.mark.parametrize("key", APIS, ids=lambda key: APIS[key].name)
def test_every_version_of_every_schema_reads_a_message_of_nothing_but_zeros(key: int):
    """Zeros are empty strings and arrays, and no error: a long row of them has a whole body in it."""
    api = APIS[key]
    for version in range(api.newest + 1):
        for found in (
            Schemas().request(RequestHeader(key, version, 0, "", 0), bytes(400)),
            Schemas().response(key, version, bytes(400)),
        ):
            assert (found.whole, found.topics, found.errors) == (True, [], [])
            assert found.malformed.endswith(f"at byte {400 - int(found.malformed.split()[0])}")


def test_the_first_flexible_version_is_one_that_exists_or_never():
    assert all(isinstance(api, Api) and (api.flexible <= api.newest or api.flexible == NEVER) for api in APIS.values())
