"""Write the reference pages of KFL from what the protocols declare: `python scripts/write_kfl_reference.py [--check]`.

With --check nothing is written; the exit code is 1 where a page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from kubeshark_mcp.dissect.base import Protocol
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.kfl.manual import Section, fields_page, language_page
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.reserved_fields import RESERVED_FIELDS

FOLDER = Path(__file__).resolve().parents[1] / "skills" / "kfl" / "references"


def sections(protocols: Iterable[Protocol]) -> list[Section]:
    """Give the fields that every entry has by group, those of each protocol, and those that nobody fills yet."""
    groups: dict[str, list[Field]] = {}
    for field in COMMON_FIELDS:
        groups.setdefault(field.group, []).append(field)
    made = [Section(group, "Of every entry.", fields) for group, fields in groups.items()]
    told = {field.name for field in COMMON_FIELDS}
    for protocol in protocols:
        own = [field for field in protocol.fields if field.name not in told]
        elsewhere = [field.name for field in protocol.fields if field.name in told]
        told |= {field.name for field in own}
        introduction = f"Entries with `{protocol.name}`. Source: {protocol.specification.rstrip('.')}."
        made.append(Section(f"{protocol.title} ({protocol.name})", introduction, own, elsewhere))
    reserved = [field for field in RESERVED_FIELDS if field.name not in told]
    made.append(
        Section(
            "Not known from captures",
            "These names exist so that a filter written elsewhere compiles; here they always have their default.",
            reserved,
        )
    )
    return made


def pages() -> dict[Path, str]:
    """Give every page with its text."""
    return {
        FOLDER / "fields.md": fields_page(sections(load_protocols())),
        FOLDER / "language.md": language_page(),
    }


def main(arguments: list[str]) -> int:
    """Write the pages, or say which are stale."""
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path} is stale: run python scripts/write_kfl_reference.py\n")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(pages()[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
