from __future__ import annotations

from kubeshark_mcp.present.report_style import STYLE


def test_the_style_reaches_for_nothing_elsewhere_and_knows_dark_and_paper():
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert "prefers-color-scheme: dark" in STYLE
    assert "@media print" in STYLE
    assert STYLE.count("{") == STYLE.count("}")
