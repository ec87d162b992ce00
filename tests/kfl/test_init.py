from __future__ import annotations

import subprocess
import sys

import pytest

from kubeshark_mcp import kfl


def test_every_public_name_is_there_and_no_other():
    assert all(getattr(kfl, name).__name__ == name for name in kfl.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        kfl.nothing  # noqa: B018


def test_the_parser_and_the_reference_library_are_imported_on_first_use_only():
    program = (
        "import sys; from kubeshark_mcp.kfl import Catalogue; loaded = set(sys.modules); "
        "from kubeshark_mcp.kfl import compile_filter; compile_filter('1 == 1', Catalogue([]), now_ns=0); "
        "print('kubeshark_mcp.kfl.parser' in loaded, 'celpy' in sys.modules, 're2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "False"]
