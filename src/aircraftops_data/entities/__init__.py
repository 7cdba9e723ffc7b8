"""The aircraft-operations domain: its value types and entities.

All entities are loaded together, so that the design check and a collection know every kind there is.
"""

from aircraftops_data.entities.aircraft import Aircraft, AircraftType
from aircraftops_data.entities.images import ImageMetadata
from aircraftops_data.entities.maintenance import MaintenanceEvent
from aircraftops_data.entities.operators import Operator
from aircraftops_data.entities.registry import Owner, Registration

__all__ = ["Aircraft", "AircraftType", "ImageMetadata", "MaintenanceEvent", "Operator", "Owner", "Registration"]
