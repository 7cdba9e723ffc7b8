"""Tables as others made them, and entities for their items."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from aircraftops_data import Entity, Index, KeyAttribute, PrimaryKey, SecondaryIndex, Table
from aircraftops_data.model.schema import ManagedAttributes

BY_ROUTE = SecondaryIndex("byRoute", KeyAttribute("route"), KeyAttribute("departs", "N"), projection="KEYS_ONLY")
BY_GATE = SecondaryIndex("byGate", KeyAttribute("gateName"), projection=("departs", "crewSize"))
FLIGHTS = Table("flights", KeyAttribute("flightId"), None, indexes=(BY_ROUTE, BY_GATE), typed=False)


class Crew(BaseModel):
    """A map with names of its own."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    head_count: int = Field(alias="headCount")


class Flight(Entity, table=FLIGHTS, entity_type="flight"):
    """One key attribute, names in camelCase, two indexes that carry only some attributes."""

    flight_id: str = Field(alias="flightId")
    route: str
    departs: int
    gate_name: str | None = Field(default=None, alias="gateName")
    crew_size: int = Field(default=2, alias="crewSize")
    crew: Crew | None = None

    primary = PrimaryKey("{flight_id}")
    by_route = Index(BY_ROUTE, "{route}", "{departs}")
    by_gate = Index(BY_GATE, "{gate_name}")


BY_KIND = SecondaryIndex("byKind", KeyAttribute("device"), KeyAttribute("kind"), projection=("level",), local=True)
BY_LEVEL = SecondaryIndex("byLevel", KeyAttribute("device"), KeyAttribute("level", "N"), local=True)
SAMPLES = Table("samples", KeyAttribute("device"), KeyAttribute("ts", "N"), indexes=(BY_KIND, BY_LEVEL), typed=False)


class Sample(Entity, table=SAMPLES, entity_type="sample"):
    """A number as sort key, and local indexes; the fields' names are not those of the key."""

    device_id: str
    at: Decimal
    kind: str | None = None
    level: float | None = None

    primary = PrimaryKey("{device_id}", "{at}")
    by_kind = Index(BY_KIND, "{device_id}", "{kind}")
    by_level = Index(BY_LEVEL, "{device_id}", "{level}")


BLOBS = Table("blobs", KeyAttribute("digest", "B"), KeyAttribute("part", "B"), typed=False)


class Blob(Entity, table=BLOBS, entity_type="blob"):
    """Bytes as keys."""

    digest: bytes
    part: bytes
    size: int = 0

    primary = PrimaryKey("{digest}", "{part}")


PEOPLE = Table("people", KeyAttribute("pk"), KeyAttribute("sk"), escape_keys=False, typed=False)


class Account(Entity, table=PEOPLE, entity_type="account"):
    """Keys as others write them, nothing escaped."""

    name: str

    primary = PrimaryKey("USER#{name}", "ACCOUNT")


class Order(Entity, table=PEOPLE, entity_type="order"):
    """In the same partitions, with nothing but its key to tell it by."""

    name: str
    number: str

    primary = PrimaryKey("USER#{name}", "ORDER#{number}")


class Team(Entity, table=PEOPLE, entity_type="team"):
    """Its keys begin like those of accounts."""

    name: str

    primary = PrimaryKey("USERGROUP#{name}", "ACCOUNT#OF#{name}")


NAMED = ManagedAttributes(version="_v", created_at="_created", updated_at="_updated", write_id="_w", entity_type="_t")
RELEASES = Table("releases", KeyAttribute("id"), None, managed=NAMED, ttl_attribute="purgeAt")


class Release(Entity, table=RELEASES, entity_type="release"):
    """Others keep a `version_text` of their own beside ours, and name what the library keeps."""

    id: str
    label: str | None = Field(default=None, alias="version")

    primary = PrimaryKey("{id}")


def flight(flight_id: str, **given: Any) -> Flight:
    """A flight by the names of its fields; type checkers know a constructor's aliases only."""
    values: dict[str, Any] = {"flight_id": flight_id, **given}
    return Flight(**values)


def crew(head_count: int) -> Crew:
    """A crew, likewise."""
    return Crew.model_validate({"head_count": head_count}, by_name=True)
