from __future__ import annotations

import pytest

from kubeshark_mcp.kfl.sql_text import LONGEST_SQL, Fragment, Untranslatable, quote_name


def test_fragments_join_with_their_parameters_in_order():
    joined = Fragment.joined(" AND ", [Fragment("a = ?", (1,)), Fragment("b = ?", (2,), fails=True)])
    assert joined == Fragment("(a = ? AND b = ?)", (1, 2), fails=True)
    assert joined.wrapped("NOT ", "") == Fragment("NOT (a = ? AND b = ?)", (1, 2), fails=True)


def test_sql_that_grows_too_long_is_given_up():
    with pytest.raises(Untranslatable):
        Fragment.joined(" OR ", [Fragment("x" * LONGEST_SQL), Fragment("y")])


def test_a_name_cannot_leave_its_quotes():
    assert quote_name('a"b') == '"a""b"'
