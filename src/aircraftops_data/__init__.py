"""A single-table DynamoDB data layer for aircraft operations: typed entities, named access patterns, exact costs."""

from aircraftops_data.access.aircraft import (
    AircraftRepository,
    AircraftTypeRepository,
    ImageRepository,
    MaintenanceRepository,
)
from aircraftops_data.access.registry import OperatorRepository, OwnerRepository, RegistryRepository
from aircraftops_data.access.repository import Repository
from aircraftops_data.consumed import Consumed, metered
from aircraftops_data.core.batch import Report
from aircraftops_data.core.partial import Partial
from aircraftops_data.core.query import Collection, Query
from aircraftops_data.core.reading import Page
from aircraftops_data.core.table import CoreTable
from aircraftops_data.entities.aircraft import Aircraft, AircraftType
from aircraftops_data.entities.images import ImageMetadata
from aircraftops_data.entities.maintenance import MaintenanceEvent
from aircraftops_data.entities.operators import Operator
from aircraftops_data.entities.registry import Owner, Registration
from aircraftops_data.model.declarations import Index, PrimaryKey, Unique, upgrader
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.schema import (
    AUDIT_EVENTS,
    CORE,
    GSI1,
    GSI2,
    GSI3,
    JOBS,
    KeyAttribute,
    SecondaryIndex,
    Table,
)
from aircraftops_data.ops import AircraftOps
from aircraftops_data.settings import Settings

__all__ = [
    "AUDIT_EVENTS",
    "CORE",
    "GSI1",
    "GSI2",
    "GSI3",
    "JOBS",
    "Aircraft",
    "AircraftOps",
    "AircraftRepository",
    "AircraftType",
    "AircraftTypeRepository",
    "Collection",
    "Consumed",
    "CoreTable",
    "Entity",
    "ImageMetadata",
    "ImageRepository",
    "Index",
    "KeyAttribute",
    "MaintenanceEvent",
    "MaintenanceRepository",
    "Operator",
    "OperatorRepository",
    "Owner",
    "OwnerRepository",
    "Page",
    "Partial",
    "PrimaryKey",
    "Query",
    "Registration",
    "RegistryRepository",
    "Report",
    "Repository",
    "SecondaryIndex",
    "Settings",
    "Table",
    "Unique",
    "metered",
    "upgrader",
]
