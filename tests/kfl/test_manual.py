from __future__ import annotations

from kubeshark_mcp.kfl.manual import Section, fields_page, language_page
from kubeshark_mcp.model.field import Field, FieldType


def test_a_page_of_fields_has_contents_and_one_table_a_section():
    first = Field("a", FieldType.BOOL, "one | other", "a || !a")
    second = Field("b.c", FieldType.INT, "number", "b.c > 1", default=-1)
    page = fields_page(
        [Section("On TCP (tcp)", "Source: RFC.", [first, second], ["d"]), Section("None", "Nothing.", [])]
    )
    assert page.startswith("# Fields of KFL\n")
    assert "\n2 fields. " in page
    assert "\n- [On TCP (tcp)](#on-tcp-tcp): 2\n- [None](#none): 0\n" in page
    assert page.endswith(
        "## On TCP (tcp)\n\nSource: RFC.\n\n"
        "| field | type | meaning | example |\n| --- | --- | --- | --- |\n"
        "| `a` | bool | one \\| other | `a \\|\\| !a` |\n"
        "| `b.c` | int | number (default -1) | `b.c > 1` |\n\nAlso: `d`.\n\n"
        "## None\n\nNothing.\n"
    )


def test_the_page_of_the_language_says_what_is_left_out_and_why():
    page = language_page()
    left_out = page[page.index("## Left out of CEL on purpose") : page.index("## Limits")]
    for what in ("Messages", "Optionals", "`cel.bind`", "two variables", "`math`", "declarations"):
        assert what in left_out
    assert "65,536 characters" in page
    assert "{" not in page[page.index("## Limits") :]
