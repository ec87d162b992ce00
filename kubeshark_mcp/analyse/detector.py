"""What a detector is, and how detectors are found: each a class in a file of its own, here or in another package."""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from types import ModuleType
from typing import ClassVar

from kubeshark_mcp.analyse.facts import Facts
from kubeshark_mcp.analyse.findings import Finding
from kubeshark_mcp.analyse.mechanisms import Mechanism

GROUP = "kubeshark_mcp.detectors"
"""Entry-point group: each names a module, or a package whose modules are looked through, with Detector classes."""

log = logging.getLogger(__name__)


class Detector(ABC):
    """Looks for one kind of fault. The class's docstring says the statistics and the guard against false alarms.

    name: short, unique. looks_for: one line for answers ("checked and normal: ..."). mechanisms: what it may name.
    protocols: it is asked only where one of these was seen (empty: always). A detector keeps no state between calls,
    reads nothing but the facts, and yields nothing where the data cannot tell.
    """

    name: ClassVar[str]
    looks_for: ClassVar[str]
    mechanisms: ClassVar[frozenset[Mechanism]]
    protocols: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def detect(self, facts: Facts) -> Iterable[Finding]:
        """Give what is abnormal; nothing where all is well."""


def load_detectors() -> tuple[Detector, ...]:
    """Make one of each installed detector, by name; a stranger's that cannot be imported is logged and left out."""
    found: dict[str, Detector] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name != "builtin", point.name)):
        try:
            modules = list(_modules(point.value))
        except Exception:
            if point.name == "builtin":
                raise
            log.exception("The detectors of entry point %r (%s) cannot be imported.", point.name, point.value)
            continue
        for module in modules:
            for made in detectors_in(module):
                if found.setdefault(made.name, made) is not made:
                    log.warning("A second detector named %r, from %s, is left out.", made.name, module.__name__)
    return tuple(found[name] for name in sorted(found))


def detectors_in(module: ModuleType) -> Iterator[Detector]:
    """Make the concrete detectors that the module itself defines."""
    for member in vars(module).values():
        if not (inspect.isclass(member) and issubclass(member, Detector) and not inspect.isabstract(member)):
            continue
        if member.__module__ == module.__name__ and not member.__name__.startswith("_"):
            yield member()


def _modules(name: str) -> Iterator[ModuleType]:
    module = importlib.import_module(name)
    yield module
    for item in sorted(pkgutil.iter_modules(getattr(module, "__path__", [])), key=lambda item: item.name):
        yield importlib.import_module(f"{name}.{item.name}")
