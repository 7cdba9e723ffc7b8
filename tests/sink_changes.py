"""Changes of an entity with a field of every kind, for tests of sinks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, RootModel, model_serializer

from aircraftops_data import CORE, Entity, PrimaryKey
from aircraftops_data.model.entity import UtcDatetime
from aircraftops_data.model.privacy import PERSONAL, SECRET
from aircraftops_data.streams import Cause, Change, Operation

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Level(IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 2


class Phase(Enum):
    """An enum of text."""

    CLIMB = "climb"


class Crew(BaseModel):
    """A model inside, with a name and a door's code."""

    seat: str = Field(alias="place")
    pilot: Annotated[str, PERSONAL]
    code: Annotated[str, SECRET] = "1234"


@dataclass(frozen=True)
class Gate:
    """A dataclass inside, with a name of its own and a model in it."""

    number: int
    agent: Annotated[str, PERSONAL] = "Quimby"
    guard: Crew | None = None


class Party(RootModel[list[Crew]]):
    """A model of one value, which is stored as that."""


class Steward(BaseModel):
    """A model that is stored otherwise than it is declared."""

    pilot: Annotated[str, PERSONAL]

    @model_serializer
    def _stored(self) -> dict[str, str]:
        return {"who": self.pilot}


class Flight(Entity, table=CORE, entity_type="sink_flight"):
    """Every kind of field."""

    id: str
    legs: int | None = None
    height: float | None = None
    ready: bool = False
    level: Level = Level.LOW
    phase: Phase | None = None
    kind: Literal["cargo", "ferry"] | None = None
    fare: Decimal | None = None
    ref: UUID | None = None
    off: UtcDatetime | None = None
    day: Annotated[date | None, Field(alias="flown_on")] = None
    slot: time | None = None
    taxi: timedelta | None = None
    mark: bytes | None = None
    tags: set[str] = Field(default_factory=set)
    stops: list[int] = Field(default_factory=list)
    notes: dict[str, Any] | None = None
    crew: list[Crew] = Field(default_factory=list)
    gate: Gate | None = None
    party: Party | None = None
    steward: Steward | None = None
    either: int | str | None = None
    captain: Annotated[str, PERSONAL] | None = None
    pin: Annotated[str, SECRET] | None = None

    primary = PrimaryKey("SINKFLIGHT#{id}", "FLIGHT")


FULL = Flight(
    id="1",
    legs=2**63 - 1,
    height=1.5,
    ready=True,
    level=Level.HIGH,
    phase=Phase.CLIMB,
    kind="cargo",
    fare=Decimal("12345678901234567890.123456789012345678"),
    ref=UUID(int=7),
    off=NOON + timedelta(microseconds=123456),
    day=date(2026, 11, 20),
    slot=time(6, 30),
    taxi=timedelta(minutes=12),
    mark=b"\x00\xff",
    tags={"b", "a", "c"},
    stops=[3, 1],
    notes={"b": Decimal("0.5"), "a": [b"\xff", None, {"z", "y"}]},
    crew=[Crew(place="left", pilot="Earhart"), Crew(place="right", pilot="Noonan")],
    gate=Gate(7, guard=Crew(place="door", pilot="Earhart")),
    party=Party([Crew(place="left", pilot="Earhart")]),
    steward=Steward(pilot="Earhart"),
    either="x",
    captain="Earhart",
    pin="0000",
    version=3,
    created_at=NOON - timedelta(days=1),
    updated_at=NOON,
)


def change(number: int, at: datetime | None = NOON, entity: Any = FULL, **others: Any) -> Change[Any]:
    """A change of an item of its own, with this sequence number."""
    key = {"PK": {"S": f"SINKFLIGHT#{number}"}, "SK": {"S": "FLIGHT"}}
    made = Change(
        table="CoreTable",
        keys=key,
        sequence=number,
        at=at,
        event_id=f"event-{number}",
        source_id=str(number),
        raw={},
        operation=Operation.MODIFY,
        cause=Cause.USER,
        entity=type(entity),
        old=None,
        new=entity.model_copy(update={"id": str(number)}),
    )
    return replace(made, **others)
