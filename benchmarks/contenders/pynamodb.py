"""PynamoDB: a Model with its attributes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pynamodb.attributes import (
    Attribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.constants import NUMBER, STRING
from pynamodb.models import Model

from benchmarks import sample
from benchmarks.contender import BATCH, BLOCKING, PathName, Work, numbers, works


class DecimalAttribute(Attribute[Decimal]):
    """An exact number; PynamoDB's own are floats. Source: its documentation, "Custom Attributes"."""

    attr_type = NUMBER

    def serialize(self, value: Decimal) -> str:
        return str(value)

    def deserialize(self, value: str) -> Decimal:
        return Decimal(value)


class InstantAttribute(Attribute[datetime]):
    """An instant as all the others store it; PynamoDB's own writes +0000 and reads nothing else."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return sample.instant_text(value)

    def deserialize(self, value: str) -> datetime:
        return datetime.fromisoformat(value)


class Performance(MapAttribute[str, Any]):
    """What an airframe can do."""

    engines = NumberAttribute()
    engine_model = UnicodeAttribute()
    wingspan_m = DecimalAttribute()
    range_km = NumberAttribute()


class Airframe(Model):
    """The airframe. PynamoDB makes no keys of fields, so they are given."""

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Where it is stored."""

        table_name = sample.TABLE
        region = "us-east-1"
        host = ""

    PK = UnicodeAttribute(hash_key=True)
    SK = UnicodeAttribute(range_key=True)
    GSI1PK = UnicodeAttribute()
    GSI1SK = UnicodeAttribute()
    GSI2PK = UnicodeAttribute()
    GSI2SK = UnicodeAttribute()
    icao24 = UnicodeAttribute()
    registration = UnicodeAttribute()
    serial_number = UnicodeAttribute()
    typecode = UnicodeAttribute()
    manufacturer = UnicodeAttribute()
    model = UnicodeAttribute()
    operator = UnicodeAttribute()
    status = UnicodeAttribute()
    base_airport = UnicodeAttribute()
    country = UnicodeAttribute()
    lessor = UnicodeAttribute(null=True)
    year_built = NumberAttribute()
    seats = NumberAttribute()
    cycles = NumberAttribute()
    max_takeoff_kg = NumberAttribute()
    flight_hours = DecimalAttribute()
    hourly_cost = DecimalAttribute()
    military = BooleanAttribute()
    leased = BooleanAttribute()
    last_seen_at = InstantAttribute()
    retired_at = InstantAttribute(null=True)
    performance = Performance()  # type: ignore[no-untyped-call]
    equipment = ListAttribute(of=UnicodeAttribute)
    tags = UnicodeSetAttribute()
    entity_type = UnicodeAttribute()
    version = NumberAttribute()
    created_at = InstantAttribute()
    updated_at = InstantAttribute()
    write_id = UnicodeAttribute()


def airframe(number: int) -> Airframe:
    """The model of an airframe."""
    given: dict[str, Any] = {**sample.keys(number), **sample.values(number), **sample.kept(number)}
    nested: Any = Performance
    return Airframe(**{**given, "performance": nested(**given["performance"])})


class Pynamodb:
    """The library itself, on its own connection."""

    name = "pynamodb"

    def __init__(self, endpoint: str) -> None:
        Airframe.Meta.host = endpoint
        self.airframes = [airframe(number) for number in range(sample.FLEET)]
        self.keys = [(sample.keys(n)["PK"], sample.keys(n)["SK"]) for n in range(sample.FLEET)]
        self.numbers = numbers()

    def page(self) -> list[Airframe]:
        return list(Airframe.query(f"FLEET#{sample.OPERATOR}", limit=sample.FLEET))

    def get(self) -> Airframe:
        return Airframe.get(*self.keys[next(self.numbers)])

    def put(self) -> None:
        self.airframes[next(self.numbers)].save()

    def write_many(self) -> int:
        with Airframe.batch_write() as batch:
            for model in self.airframes:
                batch.save(model)
        return sample.FLEET

    def get_many(self) -> list[Airframe]:
        return list(Airframe.batch_get(self.keys[:BATCH]))

    def paths(self) -> Mapping[PathName, Work]:
        return works(self, *BLOCKING)

    def close(self) -> None:
        """Its connections belong to the class."""
