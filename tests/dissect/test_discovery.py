from __future__ import annotations

import csv
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from textwrap import dedent

import pytest

from kubeshark_mcp.dissect import discovery
from kubeshark_mcp.dissect.base import Protocol
from kubeshark_mcp.dissect.discovery import DiscoveryError, all_fields, check, load_protocols
from kubeshark_mcp.model.field import Field, FieldType

SHARED = Path(os.environ.get("KUBESHARK_CAPTURES") or Path(__file__).parents[3] / "shared" / "captures").parent
FIELDS = SHARED / "kfl" / "fields.tsv"
KFL_FIELDS = 226

STRANGER = """
    from typing import ClassVar
    from kubeshark_mcp.dissect.base import Confidence, Protocol
    from kubeshark_mcp.model.field import Field, FieldType

    class Stranger(Protocol):
        name: ClassVar[str] = {name!r}
        title: ClassVar[str] = "Stranger"
        specification: ClassVar[str] = "none"
        fields: ClassVar[tuple[Field, ...]] = ({fields})

        def probe(self, opening):
            return Confidence.NO

        def open(self, context):
            raise NotImplementedError
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install modules of protocols beside the shipped ones."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    extra: list[EntryPoint] = []
    real = discovery.entry_points

    def install(module: str, text: str, *, entry: bool = True) -> None:
        path = tmp_path / f"{module.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        if entry:
            extra.append(EntryPoint(module, module.removesuffix(".__init__"), discovery.GROUP))

    monkeypatch.setattr(discovery, "entry_points", lambda group: [*real(group=group), *extra])
    yield install
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_the_shipped_protocols_are_found_in_order_of_their_names():
    names = [protocol.name for protocol in load_protocols()]
    assert names == sorted(names)
    assert {"http", "tcp_conn", "udp_conn", "tcp_flow", "udp_flow"} <= set(names)


def test_a_strangers_module_and_package_are_found(installed):
    installed("stranger_one", STRANGER.format(name="one", fields=""))
    installed("strangers.__init__", "")
    installed("strangers.two", STRANGER.format(name="two", fields=""), entry=False)
    discovered = {protocol.name for protocol in load_protocols()}
    assert {"one", "two", "http"} <= discovered


def test_a_module_that_cannot_be_imported_is_named(installed):
    installed("stranger_broken", "import there_is_no_such_module")
    with pytest.raises(
        DiscoveryError, match=r"the protocol module 'stranger_broken' cannot be imported .*no_such_module"
    ):
        load_protocols()


def test_a_name_that_is_taken_is_refused(installed):
    installed("stranger_http", STRANGER.format(name="http", fields=""))
    with pytest.raises(DiscoveryError, match=r"two protocols are called 'http', .*Http and stranger_http.Stranger"):
        load_protocols()


@pytest.mark.parametrize("field", ["src.ip", "status_code", "kafka_size"])
def test_a_field_of_another_type_is_refused(installed, field: str):
    declared = f'Field({field!r}, FieldType.DOUBLE, "x", "x"),'
    installed("stranger_types", STRANGER.format(name="types", fields=declared))
    with pytest.raises(DiscoveryError, match=rf"declares the field '{field}' as double, but .* as (int|string)"):
        load_protocols()


def test_a_field_declared_twice_is_refused():
    class Twice(Protocol):
        name = "twice"
        title = specification = ""
        fields = (Field("a", FieldType.INT, "", ""), Field("a", FieldType.INT, "", ""))

        def probe(self, opening):
            raise NotImplementedError

        def open(self, context):
            raise NotImplementedError

    with pytest.raises(DiscoveryError, match="declares the field 'a' twice"):
        check([Twice()])


def test_a_protocols_own_declaration_wins_over_a_reserved_one(installed):
    declared = 'Field("tcp_method", FieldType.STRING, "its own words", "tcp_method != \\"\\""),'
    installed("stranger_plain", STRANGER.format(name="plain", fields=declared))
    found = {field.name: field for field in all_fields(load_protocols())}
    assert found["tcp_method"].meaning == "its own words"


def test_all_fields_has_each_name_once_whatever_is_installed():
    fields = all_fields(load_protocols())
    assert len({field.name for field in fields}) == len(fields) >= KFL_FIELDS
    assert {"http", "status_code", "kafka_api_key", "conn_state", "tcp_retransmissions"} <= {f.name for f in fields}


@pytest.mark.corpus
def test_every_field_that_kubeshark_documents_exists_with_its_type():
    if not FIELDS.exists():
        pytest.skip(f"no list of fields in {FIELDS}")
    with FIELDS.open() as lines:
        documented = {row["name"]: row["type"] for row in csv.DictReader(lines, delimiter="\t")}
    found = {field.name: field.type.value for field in all_fields(load_protocols())}
    maps = {name: "map[string]string" if kind == "map" else kind for name, kind in documented.items()}
    assert len(documented) == KFL_FIELDS
    assert {name: found.get(name) for name in maps} == maps
