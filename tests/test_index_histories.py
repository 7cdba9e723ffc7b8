"""Whatever brings the changes, in any order: a search index ends as the table is.

By the stream, twice or late; by scans between any two writes; by incremental exports of windows that follow each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aircraftops_data import Aircraft, CoreTable
from aircraftops_data.core.context import Context
from aircraftops_data.errors import ConflictError, NotFoundError
from aircraftops_data.request import Request
from aircraftops_data.streams.change import EPOCH, microseconds_of
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.encoding import message, written
from aircraftops_data.streams.sinks.fulltext import FullTextIndex
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.wire import body_of
from sim_engine import Change as Write
from sim_engine import MemoryEngine

ADDRESSES = ("a00001", "a00002")
DECODER = Decoder([Aircraft])
CODEC = codec_of(Aircraft.definition())


def replaced(core: CoreTable, icao24: str, model: str) -> None:
    core.replace(core.get(Aircraft, icao24=icao24).model_copy(update={"model": model}))


def deleted(core: CoreTable, icao24: str, model: str) -> None:
    core.delete(Aircraft, icao24=icao24)


def in_one(core: CoreTable, icao24: str, model: str) -> None:
    """One is made or changed, and the other goes, in a transaction."""
    with core.transaction() as tx:
        tx.put(Aircraft(icao24=icao24, model=model))
        tx.delete(Aircraft, icao24=next(other for other in ADDRESSES if other != icao24))


WRITES: dict[str, Callable[[CoreTable, str, str], object]] = {
    "create": lambda core, icao24, model: core.create(Aircraft(icao24=icao24, model=model)),
    "put": lambda core, icao24, model: core.put(Aircraft(icao24=icao24, model=model)),
    "update": lambda core, icao24, model: core.update(Aircraft, icao24=icao24, set={"model": model}),
    "delete": deleted,
    "replace": replaced,
    "transaction": in_one,
}


@dataclass(frozen=True)
class Step:
    """A write by one of several writers, whose clocks are some milliseconds apart."""

    write: str
    icao24: str
    skew: int


def table_of(steps: Sequence[Step]) -> tuple[CoreTable, list[Write]]:
    """A table after these writes, and what they changed, by the clock of the table."""
    clock = ManualClock()
    engine = MemoryEngine(lambda: (clock.now() - EPOCH) / timedelta(seconds=1))
    core = CoreTable(engine, Context(clock=clock))
    for number, step in enumerate(steps):
        clock.advance(timedelta(milliseconds=20))
        now = clock.now()
        clock.set(now + timedelta(milliseconds=step.skew), backwards=True)
        with suppress(ConflictError, NotFoundError):
            WRITES[step.write](core, step.icao24, f"{number}")
        clock.set(now, backwards=True)
    return core, [write for write in engine.history if write.before != write.after]


def streamed(writes: Sequence[Write]) -> list[Any]:
    """What the stream tells."""
    images = [(entity_of(write.before), entity_of(write.after)) for write in writes]
    return [written(old, new, table="CoreTable", sequence=number) for number, (old, new) in enumerate(images, 1)]


def entity_of(item: Any) -> Aircraft | None:
    return None if item is None else CODEC.entity(item)


def states(writes: Sequence[Write]) -> dict[str, Any]:
    """The items there are after these writes, by their partition keys; None for one that is gone."""
    return {(write.after or write.before or {})["PK"]["S"]: write.after for write in writes}


def exported(writes: Sequence[Write], begin: int, end: int, old_images: bool) -> list[Any]:
    """The lines of an incremental export, its window from one write to another."""
    before, lines = states(writes[:begin]), list[Any]()
    at = {(write.after or write.before or {})["PK"]["S"]: write.at for write in writes[begin:end]}
    for partition, item in states(writes[begin:end]).items():
        micros = microseconds_of(EPOCH + timedelta(seconds=at[partition]))
        images = {"OldImage": before.get(partition) if old_images else None, "NewImage": item}
        keys = {"PK": {"S": partition}, "SK": {"S": "AIRCRAFT"}}
        line = {"Metadata": {"WriteTimestampMicros": {"N": str(micros)}}, "Keys": keys}
        lines.append(line | {name: image for name, image in images.items() if image is not None})
    return lines


def changes_of(lines: Sequence[Any]) -> list[Any]:
    """The changes of raw records, as JSON brings them."""
    return [DECODER.record(json.loads(body_of(Request("x", line))), "CoreTable") for line in lines]


# Writes are fast, and few histories have all it takes.
many = settings(max_examples=settings().max_examples * 5)
steps = st.builds(Step, st.sampled_from([*WRITES]), st.sampled_from(ADDRESSES), st.sampled_from([-3, 0, 3]))


@many
@given(st.lists(steps, min_size=1, max_size=10), st.sampled_from(["stream", "exports", "both"]), st.data())
def test_an_index_ends_as_the_table_is_whatever_brings_the_changes(history: list[Step], by: str, data: Any) -> None:
    core, writes = table_of(history)
    places = st.sets(st.integers(0, len(writes)), max_size=4)
    lines = [{"Item": item} for place in data.draw(places) for item in states(writes[:place]).values() if item]
    if by != "stream":
        windows = pairwise(sorted({0, len(writes), *data.draw(places)}))
        lines += [line for window in windows for line in exported(writes, *window, data.draw(st.booleans()))]
    if by != "exports":
        lines += streamed(writes)
    found = changes_of(lines)
    # By way of a queue they come as messages, and then twice.
    found += DECODER.records([message(change) for change in found]) if found and data.draw(st.booleans()) else []
    index, given = FullTextIndex(fields={Aircraft: ["icao24", "model"]}), data.draw(st.permutations(found))
    while given:
        size = data.draw(st.integers(1, len(given)))
        assert index.write(given[:size]) == []
        given = given[size:]
    stored = {icao24: core.find(Aircraft, icao24=icao24) for icao24 in ADDRESSES}
    expected = {icao24: each and {"icao24": icao24, "model": each.model} for icao24, each in stored.items()}
    assert {icao24: index.get(Aircraft, icao24=icao24) for icao24 in ADDRESSES} == expected
