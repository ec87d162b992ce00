"""MongoDB against captures of other projects, and what tshark says of them."""

from __future__ import annotations

import pytest

from tests.corpus.harness import CAPTURES, Case, dissect_file, parameters

pytestmark = pytest.mark.corpus

EXCEPTIONS: dict[str, str] = {}


@pytest.mark.parametrize("case", parameters("mongodb"))
def test_requests_agree_with_tshark(case: Case):
    wanted = [
        (row["f"], row["opcode"], row["collection"], row["len"])
        for row in case.rows("mongo.message")
        if row.get("opcode") == "Query"
    ]
    entries = dissect_file(CAPTURES / case.file, case.decode_as).entries
    found = [
        (
            entry.request.first_packet,
            "Query",
            f"{entry.fields['mongodb_database']}.$cmd",
            entry.fields["mongodb_request_size"],
        )
        for entry in entries
        if entry.protocol == "mongodb" and entry.request is not None and entry.connection.server.port == 27017
    ]
    assert found == wanted
