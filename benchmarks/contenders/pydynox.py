"""pydynox: a Model over a client in Rust, sync and async."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydynox import DynamoDBClient, Model, ModelConfig, SyncBatchWriter, set_default_client
from pydynox.attributes import (
    BooleanAttribute,
    DatetimeAttribute,
    DecimalAttribute,
    ListAttribute,
    MapAttribute,
    NumberAttribute,
    StringAttribute,
    StringSetAttribute,
)

from benchmarks import sample
from benchmarks.contender import BATCH, BLOCKING, Loop, PathName, Work, numbers, works


class Performance(BaseModel):
    """What an airframe can do. Its span is a float: pydynox reads no exact number inside a map."""

    engines: int
    engine_model: str
    wingspan_m: float
    range_km: int


class Airframe(Model):
    """The airframe; its keys are made by pydynox's own templates."""

    model_config = ModelConfig(table=sample.TABLE)

    PK = StringAttribute(partition_key=True, template="FLEET#{operator}")
    SK = StringAttribute(sort_key=True, template="AIRFRAME#{icao24}")
    GSI1PK = StringAttribute(template="REGISTRATION#{registration}")
    GSI1SK = StringAttribute(template="AIRFRAME#{icao24}")
    GSI2PK = StringAttribute(template="TYPE#{typecode}")
    GSI2SK = StringAttribute(template="FLEET#{operator}#{registration}")
    icao24 = StringAttribute(required=True)
    registration = StringAttribute(required=True)
    serial_number = StringAttribute(required=True)
    typecode = StringAttribute(required=True)
    manufacturer = StringAttribute(required=True)
    model = StringAttribute(required=True)
    operator = StringAttribute(required=True)
    status = StringAttribute(required=True)
    base_airport = StringAttribute(required=True)
    country = StringAttribute(required=True)
    lessor = StringAttribute()
    year_built = NumberAttribute(required=True)
    seats = NumberAttribute(required=True)
    cycles = NumberAttribute(required=True)
    max_takeoff_kg = NumberAttribute(required=True)
    flight_hours = DecimalAttribute(required=True)
    hourly_cost = DecimalAttribute(required=True)
    military = BooleanAttribute(required=True)
    leased = BooleanAttribute(required=True)
    last_seen_at = DatetimeAttribute(required=True)
    retired_at = DatetimeAttribute()
    performance = MapAttribute(Performance, required=True)
    equipment = ListAttribute(required=True)
    tags = StringSetAttribute(required=True)
    entity_type = StringAttribute(required=True)
    version = NumberAttribute(required=True)
    created_at = DatetimeAttribute(required=True)
    updated_at = DatetimeAttribute(required=True)
    write_id = StringAttribute(required=True)


def airframe(number: int) -> Airframe:
    """The model of an airframe."""
    given = {**sample.values(number), **sample.kept(number)}
    return Airframe(**{**given, "performance": Performance(**given["performance"])})


class Pydynox:
    """The library itself."""

    name = "pydynox"

    def __init__(self, endpoint: str, loop: Loop) -> None:
        self.client = DynamoDBClient(endpoint_url=endpoint, region="us-east-1", access_key="local", secret_key="local")
        set_default_client(self.client)
        # Seen as Any, for its overloads do not take keys from a dict.
        self.model: Any = Airframe
        self.airframes = [airframe(number) for number in range(sample.FLEET)]
        self.keys = [{name: sample.keys(n)[name] for name in ("PK", "SK")} for n in range(sample.FLEET)]
        self.numbers = numbers()
        self.loop = loop

    def page(self) -> list[Airframe]:
        return list(Airframe.sync_query(f"FLEET#{sample.OPERATOR}", page_size=sample.FLEET))

    def get(self) -> Any:
        return self.model.sync_get(**self.keys[next(self.numbers)])

    def put(self) -> None:
        self.airframes[next(self.numbers)].sync_save(full_replace=True)

    def write_many(self) -> int:
        with SyncBatchWriter(self.client, sample.TABLE) as batch:
            for model in self.airframes:
                batch.put(model.to_dict())
        return sample.FLEET

    def get_many(self) -> list[Airframe]:
        return Airframe.sync_batch_get(self.keys[:BATCH])

    async def get_async(self) -> Any:
        return await self.model.get(**self.keys[next(self.numbers)])

    def paths(self) -> Mapping[PathName, Work]:
        return {**works(self, *BLOCKING), "get_async": lambda: self.loop.gets(self.get_async)}

    def close(self) -> None:
        """Its connections end with the client."""
