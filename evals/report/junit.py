"""A run as JUnit XML, which CI systems show case by case."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from evals.outcomes import Outcome, Result, Run

_ELEMENTS = {
    Outcome.FAIL: "failure",
    Outcome.SET_UP_FAIL: "error",
    Outcome.THROTTLED: "skipped",
    Outcome.SKIPPED: "skipped",
    Outcome.KNOWN_FAIL: "skipped",
}


def junit(run: Run) -> str:
    """One test suite for each arm and suite. What is known to fail counts as skipped, with its reason."""
    root = ET.Element("testsuites", name="evals", tests=str(len(run.results)))
    for (arm, suite), results in run.groups().items():
        kinds = [_ELEMENTS.get(each.outcome, "") for each in results]
        counts = {
            "tests": len(results),
            "failures": kinds.count("failure"),
            "errors": kinds.count("error"),
            "skipped": kinds.count("skipped"),
        }
        element = ET.SubElement(root, "testsuite", {"name": f"{arm}.{suite}"} | {k: str(v) for k, v in counts.items()})
        for each in results:
            _case(element, each)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(parent: ET.Element, result: Result) -> None:
    name = result.case if not result.run else f"{result.case}#{result.run}"
    attributes = {"classname": f"{result.arm}.{result.suite}", "name": name, "time": f"{result.cost.seconds:.2f}"}
    element = ET.SubElement(parent, "testcase", attributes)
    if kind := _ELEMENTS.get(result.outcome):
        told = "\n".join([result.outcome.value, *result.reasons])
        ET.SubElement(element, kind, message=_printable(told.splitlines()[0])).text = _printable(told)


def _printable(text: str) -> str:
    """Without characters that XML 1.0 forbids."""
    return "".join(each for each in text if each in "\t\n" or each >= " ")


def write_junit(run: Run, path: Path) -> None:
    """Write it to a file."""
    path.write_text(junit(run))
