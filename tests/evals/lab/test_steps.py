"""Steps as data are those that the programs know."""

from __future__ import annotations

import inspect
import re

from evals.lab import steps
from evals.lab.running import PROGRAMS


def test_every_step_that_can_be_declared_is_carried_out_by_the_programs():
    made = {name for name, function in vars(steps).items() if inspect.isfunction(function) and not name.startswith("_")}
    text = "".join((PROGRAMS / name).read_text() for name in ("steps.py", "rare_steps.py"))
    done = set(re.findall(r"def _([a-z_]+)\(self, (?:step|_): Step, (?:call|_+): Call, ", text))
    assert made == done - {"do"}


def test_a_step_is_plain_data():
    inner = steps.sql("store.data", "SELECT 1", pool=3)
    assert steps.cached("cache.data", "k:{n}", inner, 5) == {
        "do": "cached",
        "host": "cache.data",
        "key": "k:{n}",
        "inner": {"do": "sql", "host": "store.data", "text": "SELECT 1", "pool": 3},
        "expiry": 5,
    }
