"""Airframes and their types."""

from typing import Annotated

from pydantic import Field

from aircraftops_data.entities.values import (
    AircraftStatus,
    AirportIcao,
    CountryCode,
    DescriptionCode,
    Icao24,
    Mark,
    OperatorIcao,
    OwnerKind,
    TypeDesignator,
    WakeCategory,
)
from aircraftops_data.model.declarations import Index, PrimaryKey, Unique
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import CORE, GSI1, GSI2, GSI3

ShortText = Annotated[str, Field(min_length=1, max_length=200)]


class Aircraft(Entity, table=CORE, entity_type="aircraft"):
    """An airframe, known by its ICAO 24-bit address. Only one carries a registration at a time."""

    icao24: Icao24
    registration: Mark | None = None
    typecode: TypeDesignator | None = None
    manufacturer: ShortText | None = None
    model: ShortText | None = None
    serial_number: ShortText | None = None
    year_built: Annotated[int, Field(ge=1900, le=2100)] | None = None
    operator: OperatorIcao | None = None
    owner_kind: OwnerKind | None = None
    status: AircraftStatus = AircraftStatus.UNKNOWN
    base_airport: AirportIcao | None = None
    country: CountryCode | None = None
    military: bool = False

    primary = PrimaryKey("AIRCRAFT#{icao24}", "AIRCRAFT")
    by_registration = Index(GSI1, "REGISTRATION#{registration}", "AIRCRAFT#{icao24}")
    by_operator = Index(GSI2, "OPERATOR#{operator}", "TYPE#{typecode}#{registration}")
    by_type = Index(GSI3, "TYPE#{typecode}", "AIRCRAFT#{icao24}")
    unique = Unique("registration")


class AircraftType(Entity, table=CORE, entity_type="aircraft_type"):
    """A type of aircraft as ICAO Doc 8643 designates it."""

    designator: TypeDesignator
    manufacturer: ShortText | None = None
    model: ShortText | None = None
    description_code: DescriptionCode | None = None
    wake_category: WakeCategory | None = None

    primary = PrimaryKey("TYPE#{designator}", "TYPE")
    by_manufacturer = Index(GSI1, "MANUFACTURER#{manufacturer}", "TYPE#{designator}")
    by_description = Index(GSI2, "DESCRIPTION#{description_code}", "TYPE#{designator}")
