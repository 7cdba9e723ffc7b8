"""A single-table DynamoDB data layer for aircraft operations: typed entities, named access patterns, exact costs.

Every public name is imported when it is first used: an entity or a stream decoder does not load boto3.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aircraftops_data.access.aio.aircraft import (
        AsyncAircraftRepository,
        AsyncAircraftTypeRepository,
        AsyncImageRepository,
        AsyncMaintenanceRepository,
    )
    from aircraftops_data.access.aio.registry import (
        AsyncOperatorRepository,
        AsyncOwnerRepository,
        AsyncRegistryRepository,
    )
    from aircraftops_data.access.aio.repository import AsyncRepository
    from aircraftops_data.access.aircraft import (
        AircraftRepository,
        AircraftTypeRepository,
        ImageRepository,
        MaintenanceRepository,
    )
    from aircraftops_data.access.registry import OperatorRepository, OwnerRepository, RegistryRepository
    from aircraftops_data.access.repository import Repository
    from aircraftops_data.async_ops import AsyncAircraftOps
    from aircraftops_data.consumed import Consumed, metered
    from aircraftops_data.core.aio.merged import AsyncMerged
    from aircraftops_data.core.aio.query import AsyncQuery
    from aircraftops_data.core.aio.table import AsyncCoreTable
    from aircraftops_data.core.aio.transaction import AsyncTransaction
    from aircraftops_data.core.batch import Report
    from aircraftops_data.core.collection import Collection
    from aircraftops_data.core.merged import Merged
    from aircraftops_data.core.pace import Limiter, Rate
    from aircraftops_data.core.packing import Progress
    from aircraftops_data.core.partial import Partial
    from aircraftops_data.core.query import Query
    from aircraftops_data.core.reading import Page
    from aircraftops_data.core.table import CoreTable
    from aircraftops_data.core.transaction import Transaction
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
    "Aircraft": "entities.aircraft",
    "AircraftOps": "ops",
    "AircraftRepository": "access.aircraft",
    "AircraftType": "entities.aircraft",
    "AircraftTypeRepository": "access.aircraft",
    "AsyncAircraftOps": "async_ops",
    "AsyncAircraftRepository": "access.aio.aircraft",
    "AsyncAircraftTypeRepository": "access.aio.aircraft",
    "AsyncCoreTable": "core.aio.table",
    "AsyncImageRepository": "access.aio.aircraft",
    "AsyncMaintenanceRepository": "access.aio.aircraft",
    "AsyncMerged": "core.aio.merged",
    "AsyncOperatorRepository": "access.aio.registry",
    "AsyncOwnerRepository": "access.aio.registry",
    "AsyncQuery": "core.aio.query",
    "AsyncRegistryRepository": "access.aio.registry",
    "AsyncRepository": "access.aio.repository",
    "AsyncTransaction": "core.aio.transaction",
    "CORE": "model.schema",
    "Collection": "core.collection",
    "Consumed": "consumed",
    "CoreTable": "core.table",
    "Entity": "model.entity",
    "GSI1": "model.schema",
    "GSI2": "model.schema",
    "GSI3": "model.schema",
    "ImageMetadata": "entities.images",
    "ImageRepository": "access.aircraft",
    "Index": "model.declarations",
    "JOBS": "model.schema",
    "KeyAttribute": "model.schema",
    "Limiter": "core.pace",
    "MaintenanceEvent": "entities.maintenance",
    "MaintenanceRepository": "access.aircraft",
    "Merged": "core.merged",
    "Operator": "entities.operators",
    "OperatorRepository": "access.registry",
    "Owner": "entities.registry",
    "OwnerRepository": "access.registry",
    "Page": "core.reading",
    "Partial": "core.partial",
    "PrimaryKey": "model.declarations",
    "Progress": "core.packing",
    "Query": "core.query",
    "Rate": "core.pace",
    "Registration": "entities.registry",
    "RegistryRepository": "access.registry",
    "Report": "core.batch",
    "Repository": "access.repository",
    "SecondaryIndex": "model.schema",
    "Settings": "settings",
    "Table": "model.schema",
    "Transaction": "core.transaction",
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
    "AsyncAircraftOps",
    "AsyncAircraftRepository",
    "AsyncAircraftTypeRepository",
    "AsyncCoreTable",
    "AsyncImageRepository",
    "AsyncMaintenanceRepository",
    "AsyncMerged",
    "AsyncOperatorRepository",
    "AsyncOwnerRepository",
    "AsyncQuery",
    "AsyncRegistryRepository",
    "AsyncRepository",
    "AsyncTransaction",
    "Collection",
    "Consumed",
    "CoreTable",
    "Entity",
    "ImageMetadata",
    "ImageRepository",
    "Index",
    "KeyAttribute",
    "Limiter",
    "MaintenanceEvent",
    "MaintenanceRepository",
    "Merged",
    "Operator",
    "OperatorRepository",
    "Owner",
    "OwnerRepository",
    "Page",
    "Partial",
    "PrimaryKey",
    "Progress",
    "Query",
    "Rate",
    "Registration",
    "RegistryRepository",
    "Report",
    "Repository",
    "SecondaryIndex",
    "Settings",
    "Table",
    "Transaction",
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
