"""The airframe as plain pydantic models, for the contenders whose users would write such."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, PlainSerializer

from benchmarks.sample import ENTITY_TYPE, instant_text

Instant = Annotated[datetime, PlainSerializer(instant_text)]


class Performance(BaseModel):
    """What an airframe can do."""

    engines: int
    engine_model: str
    wingspan_m: Decimal
    range_km: int


class Airframe(BaseModel):
    """An airframe with what is stored beside its fields; the keys are made when it is written."""

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
    last_seen_at: Instant
    retired_at: Instant | None = None
    performance: Performance
    equipment: list[str]
    tags: set[str]
    entity_type: str = ENTITY_TYPE
    version: int
    created_at: Instant
    updated_at: Instant
    write_id: str

    def stored(self) -> dict[str, Any]:
        """The item in the Python values that boto3's TypeSerializer takes."""
        fleet, airframe = f"FLEET#{self.operator}", f"AIRFRAME#{self.icao24}"
        return {
            **self.model_dump(exclude_none=True),
            "PK": fleet,
            "SK": airframe,
            "GSI1PK": f"REGISTRATION#{self.registration}",
            "GSI1SK": airframe,
            "GSI2PK": f"TYPE#{self.typecode}",
            "GSI2SK": f"{fleet}#{self.registration}",
        }
