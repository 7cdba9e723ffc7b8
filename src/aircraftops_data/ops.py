"""AircraftOps: the whole data layer behind one door."""

from __future__ import annotations

from typing import Any

from aircraftops_data.access.aircraft import (
    AircraftRepository,
    AircraftTypeRepository,
    ImageRepository,
    MaintenanceRepository,
)
from aircraftops_data.access.registry import OperatorRepository, OwnerRepository, RegistryRepository
from aircraftops_data.clock import Clock, Retry
from aircraftops_data.core.provisioning import TableOutcome, create_tables
from aircraftops_data.core.table import CoreTable
from aircraftops_data.model.schema import TABLES
from aircraftops_data.settings import Settings, TableOptions


class AircraftOps:
    """The repositories over the three tables, made once and shared; safe between threads."""

    def __init__(self, core: CoreTable, options: TableOptions | None = None) -> None:
        self.core = core
        self._options = options or TableOptions()
        self.aircraft = AircraftRepository(core)
        self.types = AircraftTypeRepository(core)
        self.registry = RegistryRepository(core)
        self.owners = OwnerRepository(core)
        self.operators = OperatorRepository(core)
        self.images = ImageRepository(core)
        self.maintenance = MaintenanceRepository(core)

    @classmethod
    def connect(
        cls,
        *,
        session: Any = None,
        client: Any = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        retry: Retry | None = None,
        **given: Any,
    ) -> AircraftOps:
        """Connect by boto3's own configuration (AWS_ENDPOINT_URL_DYNAMODB, AWS_PROFILE, ... are honoured).

        `session` is a boto3 session, `client` a DynamoDB client to use as it is. Every field of `Settings` may be
        given by name (`prefix="prod-"`, `endpoint_url=...`), and goes before its environment variable. Nothing is sent.
        """
        core = CoreTable.connect(session=session, client=client, settings=settings, clock=clock, retry=retry, **given)
        return cls(core, settings or Settings.from_environment(**given))

    def create_tables(self) -> list[TableOutcome]:
        """Make the tables that are missing, wait until they are active and their TTL is on; says what it did.

        Never changes or deletes a table. Raises TableMismatchError where one exists and differs.
        """
        return self.core.runner.run(create_tables(TABLES, self.core.context, self._options))

    def table_names(self) -> list[str]:
        """The physical names of the three tables."""
        return [self.core.context.names[table] for table in TABLES]
