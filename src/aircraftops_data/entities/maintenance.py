"""What happened to an airframe: work orders, incidents, accidents."""

from datetime import date
from typing import Annotated

from pydantic import StringConstraints

from aircraftops_data.entities.aircraft import ShortText
from aircraftops_data.entities.values import Icao24, MaintenanceKind
from aircraftops_data.model.declarations import Index, PrimaryKey
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import CORE, GSI1

EventId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class MaintenanceEvent(Entity, table=CORE, entity_type="maintenance_event"):
    """A work order, an incident or an accident of one airframe."""

    event_id: EventId
    icao24: Icao24
    occurred_on: date
    kind: MaintenanceKind
    summary: Annotated[str, StringConstraints(max_length=1000)] = ""
    severity: ShortText | None = None

    primary = PrimaryKey("AIRCRAFT#{icao24}", "MAINTENANCE#{occurred_on}#{event_id}")
    by_kind = Index(GSI1, "MAINTENANCE#{kind}", "ON#{occurred_on}#{event_id}")
