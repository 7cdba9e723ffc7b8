"""The register: which airframe held which mark from when to when, and whose it was."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from aircraftops_data.entities.aircraft import ShortText
from aircraftops_data.entities.values import CountryCode, Icao24, Mark, OwnerKind
from aircraftops_data.model.declarations import Index, PrimaryKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.privacy import PERSONAL
from aircraftops_data.model.schema import CORE, GSI1, GSI2

OwnerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Registration(Entity, table=CORE, entity_type="registration"):
    """A mark held by an airframe from a day (included) to a day (not included). Marks are reused over time."""

    mark: Mark
    icao24: Icao24
    held_from: date
    held_until: date | None = None
    serial_number: ShortText | None = None
    owner_id: OwnerId | None = None

    primary = PrimaryKey("AIRCRAFT#{icao24}", "REGISTRATION#{held_from}#{mark}")
    by_mark = Index(GSI1, "REGISTRATION#{mark}", "HELD#{held_from}#{icao24}")
    by_owner = Index(GSI2, "OWNER#{owner_id}", "HELD#{held_from}#{mark}")

    def holds_on(self, day: date) -> bool:
        """Whether the mark was held on this day."""
        return self.held_from <= day and (self.held_until is None or day < self.held_until)

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.held_until is not None and self.held_until < self.held_from:
            raise ValueError("held_until lies before held_from")
        return self


class Owner(Entity, table=CORE, entity_type="owner"):
    """A registered owner where the public register names one. The name is personal data: it is never printed."""

    owner_id: OwnerId
    kind: OwnerKind
    name: Annotated[ShortText, Field(repr=False), PERSONAL]
    state: Annotated[ShortText | None, Field(repr=False), PERSONAL] = None
    country: CountryCode | None = None

    primary = PrimaryKey("OWNER#{owner_id}", "OWNER")
    by_kind = Index(GSI1, "OWNER_KIND#{kind}", "OWNER#{owner_id}")
