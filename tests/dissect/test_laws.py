"""Laws that every protocol keeps, held against the conversations in its file of samples."""

from __future__ import annotations

import importlib.util
import random
import time
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from kubeshark_mcp.dissect.base import Confidence, ConnectionProtocol, Opening, Protocol, Settings
from kubeshark_mcp.dissect.discovery import load_protocols
from kubeshark_mcp.dissect.enrich import Enricher
from kubeshark_mcp.model.entry import Entry
from kubeshark_mcp.model.field import FieldType
from tests.dissect.conversation import CLIENT, SERVER, Talk, connection, meaning, packets, play

SAMPLES = Path(__file__).parent / "samples"
PROTOCOLS = {found.name: found for found in load_protocols() if not isinstance(found, ConnectionProtocol | Enricher)}
TYPES = {
    FieldType.STRING: str,
    FieldType.INT: int,
    FieldType.DOUBLE: float,
    FieldType.BOOL: bool,
    FieldType.BYTES: bytes,
    FieldType.TIMESTAMP: int,
}
SECONDS = 1.0
SMALL = 10_000
"""Bytes of a conversation up to which it is cut into single bytes."""


@cache
def samples(name: str) -> ModuleType:
    path = SAMPLES / f"{name}.py"
    assert path.exists(), f"every protocol has conversations in {path}: SAMPLES and TRANSPORT"
    spec = importlib.util.spec_from_file_location(f"samples_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fresh(name: str) -> Protocol:
    return type(PROTOCOLS[name])()


def transport_of(name: str, title: str) -> str:
    """A file of samples names its transport, or one for each conversation."""
    return getattr(samples(name), "TRANSPORTS", {}).get(title, samples(name).TRANSPORT)


def conversations(only: str = "") -> list:
    return [
        pytest.param(name, transport_of(name, title), talk, id=f"{name}: {title}")
        for name in PROTOCOLS
        if (SAMPLES / f"{name}.py").exists()
        for title, talk in samples(name).SAMPLES.items()
        if only in {"", transport_of(name, title)}
    ]


def size(talk: Talk) -> int:
    return sum(len(data) for _, data in talk)


def rounds(talk: Talk, most: int) -> int:
    """Give how often to try: less often what is long."""
    return max(3, min(most, 40_000 // size(talk)))


def speak(name: str, transport: str, talk: Talk, **how: object) -> list[Entry]:
    """Play with detection switched off: what remains is the reading itself."""
    settings = Settings(decode_as={(transport, 40080): name})
    return play([fresh(name)], talk, transport=transport, settings=settings, **how)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_has_samples(name: str):
    assert samples(name).SAMPLES
    assert {transport_of(name, title) for title in samples(name).SAMPLES} <= PROTOCOLS[name].transports


@pytest.mark.parametrize(("name", "transport", "talk"), conversations())
def test_it_is_found_by_its_bytes_on_a_strange_port_among_all_protocols(name: str, transport: str, talk: Talk):
    everybody = [fresh(other) for other in PROTOCOLS]
    found = play(everybody, talk, transport=transport)
    assert [meaning(entry) for entry in found] == [meaning(entry) for entry in speak(name, transport, talk)]
    assert found != []


@pytest.mark.parametrize(("name", "transport", "talk"), conversations("tcp"))
def test_any_cutting_of_the_bytes_gives_the_same_entries(name: str, transport: str, talk: Talk):
    whole = [meaning(entry) for entry in speak(name, transport, talk)]
    for seed in range(rounds(talk, 25)):
        cuts = random.Random(seed)
        for biggest in (1, 7, 300) if size(talk) < SMALL else (500, 3000):
            again = play([fresh(name)], talk, cuts=cuts, port=40081, settings=None, biggest=biggest)
            assert [meaning(entry) for entry in again] == whole, (seed, biggest)


@pytest.mark.parametrize(("name", "transport", "talk"), conversations())
def test_entries_carry_evidence_in_order_and_declared_fields_of_the_declared_types(
    name: str, transport: str, talk: Talk
):
    declared = {field.name: field.type for field in PROTOCOLS[name].fields}
    for entry in speak(name, transport, talk):
        assert entry.fields[entry.protocol] is True
        assert entry.request is not None or entry.response is not None
        for span in (entry.request, entry.response):
            if span is not None:
                assert 1 <= span.first_packet <= span.last_packet
                assert span.start_ns <= span.end_ns
                assert span.length > 0
        for field, value in entry.fields.items():
            assert field in declared, field
            assert has_type(value, declared[field]), (field, value)


def has_type(value: object, kind: FieldType) -> bool:
    if kind is FieldType.STRING_LIST:
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if kind is FieldType.STRING_MAP:
        return isinstance(value, dict) and all(isinstance(x, str) for pair in value.items() for x in pair)
    return isinstance(value, TYPES[kind]) and not (kind is FieldType.INT and isinstance(value, bool))


@pytest.mark.parametrize(("name", "transport", "talk"), conversations())
@pytest.mark.parametrize("how", ["fin", "reset", "evicted", "end"])
def test_any_beginning_of_a_conversation_is_read_without_a_fault(name: str, transport: str, talk: Talk, how: str):
    for length in range(0, size(talk), max(1, size(talk) // rounds(talk, 150))):
        speak(name, transport, beginning(talk, length), how=how)


def beginning(talk: Talk, length: int) -> Talk:
    part = []
    for direction, data in talk:
        if length > 0:
            part.append((direction, data[:length]))
        length -= len(data)
    return part


@pytest.mark.parametrize(("name", "transport", "talk"), conversations())
def test_bytes_missing_anywhere_are_marked_and_never_joined(name: str, transport: str, talk: Talk):
    whole = {content(entry) for entry in speak(name, transport, talk)}
    biggest = 30 if size(talk) < SMALL else 3000
    for seed in range(rounds(talk, 60)):
        sent = packets(talk, random.Random(seed) if transport == "tcp" else None, biggest)
        last = {max(at for at, packet in enumerate(sent) if packet.direction is way) for way, _ in talk}
        lost = {random.Random(seed).randrange(len(sent))} - last
        cuts = random.Random(seed) if transport == "tcp" else None
        for entry in speak(name, transport, talk, lost=lost, cuts=cuts, biggest=biggest):
            if not entry.malformed and entry.request is not None and entry.response is not None:
                assert content(entry) in whole, (seed, lost, entry)


def content(entry: Entry) -> tuple[object, ...]:
    return (entry.summary, entry.status, entry.request_body, entry.response_body, repr(sorted(entry.fields.items())))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_noise_is_declined(name: str):
    noise = random.Random(7)
    tcp = "tcp" in PROTOCOLS[name].transports
    for _ in range(40):
        data = noise.randbytes(64 * 1024 if tcp else 512)
        for talk in ([(CLIENT, data)], [(SERVER, data)], [(CLIENT, data), (SERVER, noise.randbytes(400))]):
            assert play([fresh(name)], talk, transport="tcp" if tcp else "udp") == []
    ascii_noise = bytes(noise.choices(range(32, 127), k=2000))
    assert play([fresh(name)], [(CLIENT, ascii_noise)], transport="tcp" if tcp else "udp") == []


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize(("other", "transport", "talk"), conversations())
def test_conversations_of_other_protocols_are_declined(name: str, other: str, transport: str, talk: Talk):
    if name == other:
        pytest.skip("its own")
    if transport not in PROTOCOLS[name].transports:
        pytest.skip("another transport")
    found = play([fresh(name)], talk, transport=transport)
    assert [entry for entry in found if not entry.malformed] == []


@pytest.mark.parametrize(("name", "transport", "talk"), conversations())
def test_damaged_conversations_are_read_without_a_fault_and_in_time(name: str, transport: str, talk: Talk):
    begun = time.process_time()
    for seed in range(rounds(talk, 120)):
        choice = random.Random(seed)
        damaged = [(direction, damage(data, choice)) for direction, data in talk]
        play([fresh(name)], damaged, transport=transport)
        speak(
            name,
            transport,
            damaged,
            cuts=choice if transport == "tcp" else None,
            biggest=64 if size(talk) < SMALL else 3000,
        )
    assert time.process_time() - begun < 10 * SECONDS


def damage(data: bytes, choice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(choice.randint(1, 4)):
        if not changed:
            break
        at = choice.randrange(len(changed))
        kind = choice.randrange(4)
        if kind == 0:
            changed[at] = choice.randrange(256)
        elif kind == 1:
            del changed[at : at + choice.randint(1, 20)]
        elif kind == 2:
            changed[at:at] = choice.randbytes(choice.randint(1, 20))
        else:
            changed[at:at] = changed[at : at + 50] * choice.randint(1, 5)
    return bytes(changed)


@pytest.mark.parametrize(("name", "transport", "talk"), conversations("tcp"))
def test_reading_time_grows_with_the_bytes_and_not_with_their_square(name: str, transport: str, talk: Talk):
    """2 MB said at once, and 40 KB in packets of one byte."""
    turns: list = []
    for direction in (CLIENT, SERVER):
        said = b"".join(data for way, data in talk if way is direction)
        if said:
            turns.append((direction, said * max(1, (2 << 20) // size(talk))))
    begun = time.process_time()
    speak(name, transport, turns)
    small = [(direction, data[: 20 * 1024]) for direction, data in turns]
    speak(name, transport, small, cuts=random.Random(1), biggest=1)
    assert time.process_time() - begun < 15 * SECONDS


@pytest.mark.parametrize(("name", "transport", "talk"), conversations("tcp"))
def test_a_probe_is_pure_and_never_takes_back_a_refusal(name: str, transport: str, talk: Talk):
    """More bytes never turn NO into a claim: the engine asks no more after a NO."""
    protocol = fresh(name)
    of = connection(transport)
    heard = [b"", b""]
    refused = False
    for direction, data in talk:
        for byte in data[:200]:
            heard[direction] += bytes([byte])
            opening = Opening(of, heard[0], heard[1], True, True)
            opinion = protocol.probe(opening)
            assert protocol.probe(opening) is opinion
            refused = refused or opinion is Confidence.NO
            assert not (refused and opinion >= Confidence.LIKELY)
