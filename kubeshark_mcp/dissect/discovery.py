"""Find the protocols that are installed, here or in a stranger's package, and the fields they declare."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from types import ModuleType

from kubeshark_mcp.dissect.base import ConnectionProtocol, Protocol
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.errors import KubesharkError
from kubeshark_mcp.model.common_fields import COMMON_FIELDS
from kubeshark_mcp.model.field import Field
from kubeshark_mcp.model.reserved_fields import RESERVED_FIELDS

GROUP = "kubeshark_mcp.protocols"
"""Entry-point group: each entry names a module with protocols, or a package whose modules are looked through."""


class DiscoveryError(KubesharkError):
    """An installed protocol cannot be loaded, or two of them contradict each other."""


def load_protocols() -> tuple[Protocol, ...]:
    """Make one of each installed protocol, ordered by name. The caller keeps them: nothing is remembered here."""
    protocols: list[Protocol] = []
    for entry_point in sorted(entry_points(group=GROUP), key=lambda found: found.name):
        for module in _modules(entry_point.value):
            protocols += [found() for found in protocols_in(module)]
    check(protocols)
    return tuple(sorted(protocols, key=lambda protocol: protocol.name))


def protocols_in(module: ModuleType) -> Iterator[type[Protocol]]:
    """Give the concrete protocols that the module itself defines; what it imports belongs elsewhere."""
    for _, found in sorted(vars(module).items()):
        if not (inspect.isclass(found) and issubclass(found, Protocol) and not inspect.isabstract(found)):
            continue
        if found.__module__ == module.__name__ and not found.__name__.startswith("_"):
            yield found


def check(protocols: Iterable[Protocol]) -> None:
    """Refuse two protocols of one name, a field declared twice, and a field of different types."""
    names: dict[str, Protocol] = {}
    known = {field.name: (field, "the common fields") for field in (*COMMON_FIELDS, *RESERVED_FIELDS)}
    for protocol in protocols:
        if other := names.get(protocol.name):
            raise DiscoveryError(
                f"two protocols are called {protocol.name!r}, {_where(other)} and {_where(protocol)}: rename one"
            )
        names[protocol.name] = protocol
        own: set[str] = set()
        for field in protocol.fields:
            if field.name in own:
                raise DiscoveryError(f"{_where(protocol)} declares the field {field.name!r} twice: remove one")
            own.add(field.name)
            other_field, owner = known.setdefault(field.name, (field, _where(protocol)))
            if other_field.type is not field.type:
                raise DiscoveryError(
                    f"{_where(protocol)} declares the field {field.name!r} as {field.type.value}, but {owner} as "
                    f"{other_field.type.value}: give it one type or another name"
                )


def all_fields(protocols: Iterable[Protocol]) -> tuple[Field, ...]:
    """Give every KFL field once: the common ones, those of the protocols, then the reserved ones nobody fills yet.

    A protocol's own declaration wins over a reserved one; of two protocols the first wins (types are equal anyway).
    """
    fields = {field.name: field for field in COMMON_FIELDS}
    for protocol in protocols:
        for field in protocol.fields:
            fields.setdefault(field.name, field)
    for field in RESERVED_FIELDS:
        fields.setdefault(field.name, field)
    return tuple(fields.values())


def fields_by_protocol(protocols: Iterable[Protocol]) -> dict[str, tuple[Field, ...]]:
    """Give the fields that entries of each protocol may carry: its own, and of what it carries or is in."""
    protocols = list(protocols)
    found = {protocol.name: protocol.fields for protocol in protocols if not isinstance(protocol, Enricher)}
    for enricher in protocols:
        if isinstance(enricher, Enricher):
            for name in sorted(enricher.enriches & found.keys()):
                own = {field.name for field in found[name]}
                found[name] += tuple(field for field in enricher.fields if field.name not in own)
    carried = [field for protocol in protocols for field in protocol.carried]
    for protocol in protocols:
        if protocol.name in found and not isinstance(protocol, ConnectionProtocol):
            own = {field.name for field in found[protocol.name]}
            found[protocol.name] += tuple(field for field in carried if field.name not in own)
    return found


def _modules(name: str) -> Iterator[ModuleType]:
    module = _import(name)
    yield module
    path = getattr(module, "__path__", None)
    if path is not None:
        for found in sorted(pkgutil.iter_modules(path), key=lambda item: item.name):
            yield _import(f"{name}.{found.name}")


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise DiscoveryError(
            f"the protocol module {name!r} cannot be imported ({error!r}): repair it, or remove its package"
        ) from error


def _where(protocol: Protocol) -> str:
    return f"{type(protocol).__module__}.{type(protocol).__name__}"
