"""A single-table DynamoDB data layer for aircraft operations: typed entities, named access patterns, exact costs.

Every public name is imported when it is first used: an entity or a stream decoder does not load boto3.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOME = {
    "AUDIT_EVENTS": "model.schema",
    "CORE": "model.schema",
    "GSI1": "model.schema",
    "GSI2": "model.schema",
    "GSI3": "model.schema",
    "JOBS": "model.schema",
    "Aircraft": "entities.aircraft",
    "AircraftOps": "ops",
    "AircraftRepository": "access.aircraft",
    "AircraftType": "entities.aircraft",
    "AircraftTypeRepository": "access.aircraft",
    "Collection": "core.query",
    "Consumed": "consumed",
    "CoreTable": "core.table",
    "Entity": "model.entity",
    "ImageMetadata": "entities.images",
    "ImageRepository": "access.aircraft",
    "Index": "model.declarations",
    "KeyAttribute": "model.schema",
    "MaintenanceEvent": "entities.maintenance",
    "MaintenanceRepository": "access.aircraft",
    "Operator": "entities.operators",
    "OperatorRepository": "access.registry",
    "Owner": "entities.registry",
    "OwnerRepository": "access.registry",
    "Page": "core.reading",
    "Partial": "core.partial",
    "PrimaryKey": "model.declarations",
    "Query": "core.query",
    "Registration": "entities.registry",
    "RegistryRepository": "access.registry",
    "Report": "core.batch",
    "Repository": "access.repository",
    "SecondaryIndex": "model.schema",
    "Settings": "settings",
    "Table": "model.schema",
    "Unique": "model.declarations",
    "metered": "consumed",
    "upgrader": "model.declarations",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
