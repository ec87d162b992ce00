"""Text made to hurt: it ends in an error or an answer within a second, grows little, and nothing of it is run."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from kubeshark_mcp.errors import FilterError
from kubeshark_mcp.kfl import Catalogue, check, compile_filter, complete, evaluate
from kubeshark_mcp.kfl.lexer import LONGEST_TEXT

MEGABYTE = 1_000_000
LONGEST = 1.0
"""Seconds."""
GROWTH = 100
"""Megabytes."""
FUZZED = float(os.environ.get("KUBESHARK_FUZZ_SECONDS", "600"))
NEST = 10_000

REFUSED: dict[str, str] = {
    "a megabyte of a name": "a" * MEGABYTE,
    "a megabyte of brackets": "(" * MEGABYTE,
    "a megabyte of conditions": "http && " * (MEGABYTE // 8) + "http",
    "a megabyte of text": f'path == "{"x" * MEGABYTE}"',
    "ten thousand brackets": "(" * NEST + "http" + ")" * NEST,
    "ten thousand lists": "[" * NEST + "]" * NEST + " == []",
    "ten thousand maps": "{1:" * NEST + "1" + "}" * NEST + " == {}",
    "ten thousand negations": "!" * (NEST + 1) + "nothing_like_it",
    "ten thousand minus signs": "-" * NEST + "status_code == 1",
    "ten thousand conditionals": "http ? " * NEST + "true" + " : false" * NEST,
    "ten thousand members": "path" + ".trim()" * NEST + ' == ""',
    "ten thousand keys": "request.headers" + '["a"]' * NEST + ' == ""',
    "ten thousand sums": "status_code" + " + 1" * NEST + " == 1",
    "ten thousand macros": "dns_questions.all(x, " * NEST + "true" + ")" * NEST,
    "a regular expression with a look-ahead": 'path.matches("(?=a)")',
    "a regular expression with a back reference": r'path.matches("(a)\\1")',
    "a regular expression that would be huge": 'path.matches("((a{1,999}){1,999}){1,999}")',
    "a regular expression of many characters": f'path.matches("{"a" * 3000}")',
    "an integer of thousands of digits": "status_code == " + "9" * 60_000,
    "an integer over 64 bits": "status_code == 9223372036854775808",
    "a hexadecimal over 64 bits": "status_code == 0x1" + "0" * 60_000,
    "half of a surrogate pair": 'path == "\ud800"',
    "invalid UTF-8 that was decoded anyhow": b'path == "\xff"'.decode("utf-8", "surrogateescape"),
    "a null byte outside of a text": "http\0",
    "an escape of no character": r'path == "\U00110000"',
    "SQL for a filter": "1=1; DROP TABLE entries; --",
    "SQL for a name": 'a"; DROP TABLE entries; -- == 1',
    "SQL in a name in backquotes": "request.headers.`a\"; DROP TABLE entries; --` == 'x'",
    "a comment that never ends": "/* " * 10_000,
    "many errors": "nothing_a == 1 && " * 3_000 + "nothing_b == 1",
    "an unclosed text": '"' + "\\" * 60_000,
    "a number with a long fraction": "loss_ratio > 0." + "1" * 60_000 + ".2",
}
ANSWERED: dict[str, str] = {
    "a catastrophic regular expression": 'path.matches("(a*)*(a|aa)+(.*)*b$")',
    "nested repetitions": 'path.matches("(((a+)+)+)+c")',
    "a huge list": "status_code in [" + ", ".join(map(str, range(9_000))) + "]",
    "a list of long texts": "path in [" + ", ".join(f'"{"x" * 90}{number}"' for number in range(600)) + "]",
    "a chain of conditions": " || ".join(f"status_code == {number}" for number in range(2_500)),
    "an overflow": "status_code * 9223372036854775807 > 0",
    "the smallest integer divided": "-9223372036854775808 / (status_code - 1) == 5",
    "a division by zero": "status_code / 0 == 1",
    "an overflow of a time": 'timestamp + duration("2562047h") > timestamp && timestamp.getFullYear() > 9999',
    "SQL in a text": 'path == "\' OR 1=1; DROP TABLE entries; --"',
    "SQL in a key": 'request.headers["\'; DROP TABLE entries; --"] == "\\"; ATTACH \'x\'"',
    "SQL in a pattern": 'path.matches("\'; DROP TABLE entries; --")',
    "a null byte in a text": 'path == "a\\u0000b" || path.contains("\\u0000")',
    "a null byte as it is in a text": 'path == "a\0b"',
    "texts that double": 'path.map(x, x) == "" || ' * 0 + "(" + " + ".join(["path"] * 90) + ') == "a"',
    "lists that grow": "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, "
    "[1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, a + b + c + d + e > status_code)))))",
    "lists of lists": "[[1,2,3,4,5,6,7,8,9].map(a, [1,2,3,4,5,6,7,8,9].map(b, [1,2,3,4,5,6,7,8,9].map(c, "
    "[1,2,3,4,5,6,7,8,9].map(d, [1,2,3,4,5,6,7,8,9].map(e, [a,b,c,d,e])))))] == [[status_code]]",
    "replacements that grow": 'path.replace("", path).replace("", path).replace("", path).replace("", path) == "x"',
    "a format of great width": '"%.1000d".format([status_code]) == "1" || "%.999999999f".format([loss_ratio]) == "1"',
    "a split into many": "size(path.split('')) > 5 || path.split('').join(path).split('').join(path) == 'x'",
}
ROW = {"path": "a" * 5_000, "status_code": 1, "timestamp": 10**18, "request.headers": {}, "loss_ratio": 0.5}


def all_ways(text: str, catalogue: Catalogue) -> None:
    """Do with a text whatever is done with filters; only errors with a sentence may come of it."""
    program = None
    try:
        program = compile_filter(text, catalogue, now_ns=0)
    except FilterError as error:
        str(error).encode()
    found = check(text, catalogue)
    assert found.valid == (program is not None)
    found.message.encode()
    complete(text, len(text), catalogue)
    complete(text, len(text) // 2, catalogue)
    if program is not None and program.residual is not None:
        program.residual(ROW)
    try:
        evaluate(text if program is None else program, ROW)
    except FilterError as error:
        str(error).encode()


def seconds(work: Callable[[], Any]) -> float:
    """Measure on the processor: what else the machine does is not the filter's fault."""
    started = time.process_time()
    work()
    return time.process_time() - started


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_with_a_sentence_within_a_second(name: str, catalogue: Catalogue):
    found = []
    assert seconds(lambda: found.append(check(REFUSED[name], catalogue))) < LONGEST
    assert not found[0].valid
    assert 20 < len(found[0].message) < 5_000
    assert seconds(lambda: all_ways(REFUSED[name], catalogue)) < 3 * LONGEST


@pytest.mark.parametrize("name", ANSWERED)
def test_it_is_answered_in_every_engine_within_a_second_and_nothing_else_happens(name: str, catalogue: Catalogue):
    text = ANSWERED[name]
    assert len(text) <= LONGEST_TEXT
    assert seconds(lambda: all_ways(text, catalogue)) < 3 * LONGEST
    if not check(text, catalogue).valid:
        return
    program = compile_filter(text, catalogue, now_ns=0)
    if program.residual is not None:
        residual = program.residual
        assert seconds(lambda: residual(ROW)) < LONGEST
    assert "DROP" not in program.sql.sql
    assert "ATTACH" not in program.sql.sql
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE entries AS SELECT repeat('a', 5000) AS path, 1::BIGINT AS status_code, "
            "0.5::DOUBLE AS loss_ratio, 1000000000000000000::BIGINT AS timestamp, MAP {'a': 'b'} AS \"request.headers\""
        )
        run = lambda: connection.execute(  # noqa: E731
            f"SELECT count(*) FROM entries WHERE {program.sql.sql}", program.sql.parameters
        ).fetchall()
        assert seconds(run) < LONGEST
        assert connection.execute("SELECT count(*) FROM entries").fetchall() == [(1,)]


GROWING = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from test_hostile import ANSWERED, REFUSED, all_ways
from conftest import fields
from kubeshark_mcp.kfl import Catalogue
catalogue = Catalogue(fields())
all_ways('path.matches("a")', catalogue)
peaks = {}
for name, text in {**REFUSED, **ANSWERED}.items():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    all_ways(text, catalogue)
    peaks[name] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps(peaks))
"""


def test_none_makes_the_process_grow_by_a_hundred_megabytes():
    done = subprocess.run(
        [sys.executable, "-c", GROWING, str(Path(__file__).parent)],
        capture_output=True, text=True, timeout=110, check=True,
    )  # fmt: skip
    peaks = json.loads(done.stdout)
    assert {name: grown for name, grown in peaks.items() if grown > GROWTH} == {}
    assert sum(peaks.values()) < 2 * GROWTH


def mutated(source: random.Random, seeds: list[str]) -> str:
    """Cut, join, repeat and disturb valid and hostile filters."""
    text = source.choice(seeds)[:3_000]
    for _ in range(source.randrange(1, 6)):
        at = source.randrange(len(text) + 1)
        end = min(len(text), at + source.randrange(12))
        other = source.choice(seeds)[:500]
        part = other[source.randrange(len(other) + 1) :][: source.randrange(30)]
        tokens = [
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            '"',
            "'",
            ".",
            ",",
            "?",
            ":",
            "!",
            "-",
            "&&",
            "||",
            "in",
            "\\",
            "`",
            "0x",
        ]
        text = source.choice(
            [
                text[:at] + part + text[end:],
                text[:at] + text[end:],
                text[:at] + source.choice([*tokens, "\0", "\ud800", "9" * 25, "ü", "1u", "1e999"]) + text[at:],
                text[:at] + text[at:end] * source.randrange(2, 40) + text[end:],
            ]
        )
    return text


def fuzz(limit: float, rounds: int, seed: int, catalogue: Catalogue) -> int:
    source = random.Random(seed)
    lines = (Path(__file__).parent / "cel_cases.txt").read_text().splitlines()
    lines += (Path(__file__).parent / "filter_cases.txt").read_text().splitlines()
    seeds = [line.partition(" => ")[0].partition(" | ")[0] for line in lines if line and line[0] not in "#/"]
    seeds += [text[:2_000] for text in (*REFUSED.values(), *ANSWERED.values())]
    stop = time.monotonic() + limit
    done = 0
    while done < rounds and time.monotonic() < stop:
        text = mutated(source, seeds)
        took = seconds(lambda: all_ways(text, catalogue))  # noqa: B023
        assert took < 3 * LONGEST, (took, text)
        done += 1
    return done


def test_mutated_filters_end_in_an_answer_or_a_sentence(catalogue: Catalogue):
    assert fuzz(20, 1_500, 1, catalogue) > 100


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_mutated_filters_do_so_for_ten_minutes(catalogue: Catalogue):
    assert fuzz(FUZZED, 10**9, int(time.time()), catalogue) > 1_000
