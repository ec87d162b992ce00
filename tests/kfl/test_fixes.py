from __future__ import annotations

import pytest

from kubeshark_mcp.kfl import Catalogue, check


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("response.status == 500", "status_code"),
        ("src.ns == 'a'", "src.namespace"),
        (
            "src == 'a'",
            "src.ip, src.port, src.pod.name, src.pod.namespace, src.service.name, src.name, src.namespace, src.dns",
        ),
        ('status_code == "500"', "500"),
        ("path", 'path != ""'),
        ("tls == null", "false"),
        ("pods", "size(pods) > 0"),
        ("loss_ratio == status_code", "double(status_code)"),
        ("len(path) == 1", "size"),
        ("path.hasPrefix('a')", "startsWith"),
        ("path.matchez('a')", "matches"),
    ],
)
def test_a_mistake_comes_with_what_to_write_instead(catalogue: Catalogue, text: str, suggestion: str):
    assert check(text, catalogue).errors[0].suggestion == suggestion


def test_a_name_that_means_the_time_taken_says_its_unit(catalogue: Catalogue):
    assert "microseconds" in check("latency > 5", catalogue).errors[0].message
