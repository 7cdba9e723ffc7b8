# Generated from access/aio/aircraft.py by tools/twins.py; edit that.
"""Repositories of airframes, their types, images and maintenance."""

from __future__ import annotations

from datetime import date

from aircraftops_data.access.repository import Repository
from aircraftops_data.core.collection import Collection
from aircraftops_data.core.query import Query
from aircraftops_data.entities.aircraft import Aircraft, AircraftType
from aircraftops_data.entities.images import ImageMetadata
from aircraftops_data.entities.maintenance import MaintenanceEvent
from aircraftops_data.entities.values import ImageState, MaintenanceKind


class AircraftRepository(Repository[Aircraft]):
    """Airframes by address, by registration, by operator and by type."""

    entity = Aircraft

    def get(self, icao24: str) -> Aircraft:
        """The aircraft with this 24-bit address. Raises NotFoundError."""
        return self.core.get(Aircraft, icao24=icao24)

    def find(self, icao24: str) -> Aircraft | None:
        """The aircraft with this 24-bit address; None where there is none."""
        return self.core.find(Aircraft, icao24=icao24)

    def by_registration(self, registration: str) -> Aircraft | None:
        """The aircraft that carries this registration now (through an index: a moment behind)."""
        return self.core.query(Aircraft.by_registration(registration=registration)).first()

    def operated_by(self, operator: str, *, typecode: str | None = None) -> Query[Aircraft]:
        """The fleet of an operator (ICAO code) by type and registration; aircraft that lack either are not in it."""
        given = {"operator": operator} if typecode is None else {"operator": operator, "typecode": typecode}
        return self.core.query(Aircraft.by_operator(**given))

    def of_type(self, typecode: str) -> Query[Aircraft]:
        """All aircraft of a type, by address."""
        return self.core.query(Aircraft.by_type(typecode=typecode))

    def everything_about(self, icao24: str) -> Collection:
        """The aircraft with its registrations, images and maintenance events, by one query."""
        return self.core.collection(Aircraft, icao24=icao24)


class AircraftTypeRepository(Repository[AircraftType]):
    """Types of aircraft by designator, manufacturer and description."""

    entity = AircraftType

    def get(self, designator: str) -> AircraftType:
        """The type with this designator. Raises NotFoundError."""
        return self.core.get(AircraftType, designator=designator)

    def made_by(self, manufacturer: str) -> Query[AircraftType]:
        """The types of a manufacturer, spelled as in ICAO Doc 8643."""
        return self.core.query(AircraftType.by_manufacturer(manufacturer=manufacturer))

    def described_as(self, description_code: str) -> Query[AircraftType]:
        """The types with a description code, such as L2J: land planes with two jets."""
        return self.core.query(AircraftType.by_description(description_code=description_code))


class ImageRepository(Repository[ImageMetadata]):
    """Images by aircraft, by id and by state."""

    entity = ImageMetadata

    def get(self, icao24: str, image_id: str) -> ImageMetadata:
        """One image of an aircraft. Raises NotFoundError."""
        return self.core.get(ImageMetadata, icao24=icao24, image_id=image_id)

    def by_id(self, image_id: str) -> ImageMetadata | None:
        """The image with this id, whatever aircraft it shows."""
        return self.core.query(ImageMetadata.by_id(image_id=image_id)).first()

    def of_aircraft(self, icao24: str) -> Query[ImageMetadata]:
        """The images of an aircraft."""
        return self.core.query(ImageMetadata.primary(icao24=icao24))

    def in_state(self, state: ImageState) -> Query[ImageMetadata]:
        """The images whose handling has come this far."""
        return self.core.query(ImageMetadata.by_state(state=state))


class MaintenanceRepository(Repository[MaintenanceEvent]):
    """Maintenance events by aircraft and by kind, over time."""

    entity = MaintenanceEvent

    def of_aircraft(self, icao24: str) -> Query[MaintenanceEvent]:
        """The events of an aircraft, oldest first."""
        return self.core.query(MaintenanceEvent.primary(icao24=icao24))

    def of_kind(
        self, kind: MaintenanceKind, *, since: date | None = None, until: date | None = None
    ) -> Query[MaintenanceEvent]:
        """The events of a kind between two days, both included, oldest first."""
        pattern = MaintenanceEvent.by_kind(kind=kind)
        if since is not None and until is not None:
            pattern = pattern.between(occurred_on=(since, until))
        elif since is not None:
            pattern = pattern.at_least(occurred_on=since)
        elif until is not None:
            pattern = pattern.at_most(occurred_on=until)
        return self.core.query(pattern)
