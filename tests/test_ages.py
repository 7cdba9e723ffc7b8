"""Ages: they rise with every change of an item, over its deletions too, and fit what OpenSearch takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from aircraftops_data import CoreTable
from aircraftops_data.core.context import Context
from aircraftops_data.entities.aircraft import Aircraft
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.request import Request
from aircraftops_data.streams.change import microseconds_of
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.sinks.age import age, age_of
from aircraftops_data.streams.sinks.fulltext import FullTextIndex
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.wire import body_of
from sim_engine import MemoryEngine
from streaming import BEGUN_AT, change, history, stored

SHIP = Aircraft(icao24="a835af")
MILLISECOND = timedelta(milliseconds=1)


def test_ages_rise_from_change_to_change_over_the_lives_of_an_item() -> None:
    ages: list[Any] = [age_of(change) for change in history(SHIP, SHIP, None, SHIP, None, SHIP, SHIP)]
    assert ages == sorted(set(ages))


def test_ages_rise_with_every_write_of_the_library() -> None:
    clock = ManualClock()
    core = CoreTable(MemoryEngine(), Context(clock=clock))

    def later(stored: Any) -> Any:
        clock.advance(MILLISECOND)
        return stored

    first = later(core.create(SHIP))
    second = later(core.update(first, set={"model": "737"}))
    third = later(core.put(SHIP))
    fourth = later(core.replace(third.model_copy(update={"model": "747"})))
    core.delete(fourth)
    fifth = later(core.create(SHIP))
    core.put_many([SHIP])
    ages = [age(state) for state in (first, second, third, fourth, fifth, core.get(Aircraft, icao24="a835af"))]
    assert ages == sorted(set(ages))
    assert age(fourth) + 1 < age(fifth)


def test_a_later_life_is_older_than_every_version_of_the_one_before() -> None:
    last = stored(SHIP, version=(1 << 21) - 1)
    assert age(last) < age(stored(SHIP, version=1, created_at=BEGUN_AT + MILLISECOND))


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE"])
def test_a_removal_without_its_image_has_none(view: Any) -> None:
    assert age_of(history(SHIP, None, view=view)[1]) is None


@pytest.mark.parametrize("shown", [True, False], ids=["old image", "keys"])
def test_a_removal_in_an_export_is_younger_than_all_that_began_before_it(shown: bool) -> None:
    """Its old image is what there was when the window of the export began."""
    removed_at = BEGUN_AT + timedelta(days=1)
    first, last, next_life = (
        stored(SHIP, version=version, created_at=created_at)
        for version, created_at in [
            (1, BEGUN_AT),
            (9, removed_at - MILLISECOND),
            (1, removed_at + MILLISECOND),
        ]
    )
    item = json.loads(body_of(Request("x", codec_of(Aircraft.definition()).item(first))))
    line = {
        "Metadata": {"WriteTimestampMicros": {"N": str(microseconds_of(removed_at))}},
        "Keys": {name: item[name] for name in ("PK", "SK")},
        **({"OldImage": item} if shown else {}),
    }
    removal: Any = Decoder([Aircraft]).record(line)
    index = FullTextIndex(fields={Aircraft: ["icao24"]})
    index.write([change(None, last), removal])
    assert index.count() == 0
    index.write([change(None, next_life), removal])
    assert index.count() == 1


def test_what_was_created_before_2020_has_its_version_for_an_age() -> None:
    assert age(stored(SHIP, version=7, created_at=datetime(1999, 1, 1, tzinfo=UTC))) == 7


def test_it_fits_63_bits_until_2159() -> None:
    latest = datetime(2020, 1, 1, tzinfo=UTC) + MILLISECOND * ((1 << 42) - 1)
    assert latest.year == 2159
    assert age(stored(SHIP, version=(1 << 21) - 1, created_at=latest)) == (1 << 63) - 1
    with pytest.raises(InvalidInputError, match="created_at"):
        age(stored(SHIP, created_at=latest + MILLISECOND))


@pytest.mark.parametrize("version", [-1, 1 << 21])
def test_a_version_that_does_not_fit_is_refused(version: int) -> None:
    with pytest.raises(InvalidInputError, match="21 bits"):
        age(stored(SHIP, version=version))


def test_what_was_never_stored_has_no_age() -> None:
    with pytest.raises(InvalidInputError, match="no created_at"):
        age(SHIP)
