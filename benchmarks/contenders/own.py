"""This library, by its public API, on each of its transports."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from aircraftops_data import GSI1, GSI2, AsyncCoreTable, CoreTable, Entity, Index, PrimaryKey, Table
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.request import Request
from aircraftops_data.streams import Change, Decoder
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.wire import body_of
from benchmarks import sample
from benchmarks.contender import BATCH, BLOCKING, Loop, PathName, Work, numbers, works
from benchmarks.events import stream_event

FLEET_TABLE = Table(sample.TABLE, indexes=(GSI1, GSI2), ttl_attribute="delete_at")


class Performance(BaseModel):
    """What an airframe can do."""

    engines: int
    engine_model: str
    wingspan_m: Decimal
    range_km: int


class Airframe(Entity, table=FLEET_TABLE, entity_type=sample.ENTITY_TYPE):
    """The airframe as an entity."""

    icao24: str
    registration: str
    serial_number: str
    typecode: str
    manufacturer: str
    model: str
    operator: str
    status: str
    base_airport: str
    country: str
    lessor: str | None = None
    year_built: int
    seats: int
    cycles: int
    max_takeoff_kg: int
    flight_hours: Decimal
    hourly_cost: Decimal
    military: bool
    leased: bool
    last_seen_at: UtcDatetime
    retired_at: UtcDatetime | None = None
    performance: Performance
    equipment: list[str]
    tags: set[str]

    primary = PrimaryKey("FLEET#{operator}", "AIRFRAME#{icao24}")
    by_registration = Index(GSI1, "REGISTRATION#{registration}", "AIRFRAME#{icao24}")
    by_type = Index(GSI2, "TYPE#{typecode}", "FLEET#{operator}#{registration}")


def airframe(number: int) -> Airframe:
    """The entity as it was read: at its version."""
    kept = sample.kept(number)
    return Airframe(
        **sample.values(number),
        version=kept["version"],
        created_at=kept["created_at"],
        updated_at=kept["updated_at"],
    )


class Own:
    """On the default transport: the caller's botocore client."""

    name = "aircraftops-data"

    def __init__(self, endpoint: str, **options: Any) -> None:
        self.table = CoreTable.connect(endpoint_url=endpoint, **options)
        self.entities = [airframe(number) for number in range(sample.FLEET)]
        self.identities: list[dict[str, Any]] = [{"operator": e.operator, "icao24": e.icao24} for e in self.entities]
        self.numbers = numbers()
        self.codec: Any = codec_of(Airframe.definition())
        self.decoder = Decoder([Airframe])
        self.event = stream_event()

    def page(self) -> list[Airframe]:
        return self.table.query(Airframe.primary(operator=sample.OPERATOR)).page(limit=sample.FLEET).items

    def get(self) -> Airframe:
        return self.table.get(Airframe, **self.identities[next(self.numbers)])

    def put(self) -> Airframe:
        return self.table.put(self.entities[next(self.numbers)])

    def encode(self) -> bytes:
        return body_of(Request("PutItem", self.codec.item(self.entities[next(self.numbers)])))

    def write_many(self) -> int:
        report = self.table.put_many(self.entities)
        report.raise_if_failed()
        return report.done

    def get_many(self) -> list[Airframe | None]:
        return self.table.get_many(Airframe, self.identities[:BATCH]).all()

    def decode_stream(self) -> list[Airframe]:
        return [change.new for change in self.decoder.records(self.event) if isinstance(change, Change)]

    def paths(self) -> Mapping[PathName, Work]:
        return works(self, *BLOCKING, "encode", "decode_stream")

    def close(self) -> None:
        self.table.close()


class OwnDirect(Own):
    """On the direct transport. What no transport takes part in is measured once, by the default one."""

    name = "aircraftops-data, direct"

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint, transport="direct")

    def paths(self) -> Mapping[PathName, Work]:
        return works(self, *BLOCKING)


class OwnAsync:
    """On asyncio."""

    name = "aircraftops-data, async"

    def __init__(self, endpoint: str, loop: Loop) -> None:
        self.loop = loop
        self.numbers = numbers()
        self.table = AsyncCoreTable.connect(endpoint_url=endpoint)
        self.loop.run(self.table.__aenter__())

    async def get(self) -> Airframe:
        icao24 = f"{0xA00000 + next(self.numbers):06x}"
        return await self.table.get(Airframe, operator=sample.OPERATOR, icao24=icao24)

    def paths(self) -> Mapping[PathName, Work]:
        return {"get_async": lambda: self.loop.gets(self.get)}

    def close(self) -> None:
        self.loop.run(self.table.__aexit__(None, None, None))
