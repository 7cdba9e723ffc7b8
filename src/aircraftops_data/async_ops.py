"""The whole data layer behind one door."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from aircraftops_data.access.aio.aircraft import (
    AsyncAircraftRepository,
    AsyncAircraftTypeRepository,
    AsyncImageRepository,
    AsyncMaintenanceRepository,
)
from aircraftops_data.access.aio.registry import AsyncOperatorRepository, AsyncOwnerRepository, AsyncRegistryRepository
from aircraftops_data.clock import Clock, Retry
from aircraftops_data.core.aio.connecting import DEFAULT_TRANSPORT, TransportName
from aircraftops_data.core.aio.table import AsyncCoreTable
from aircraftops_data.core.provisioning import TableOutcome, create_tables
from aircraftops_data.model.schema import TABLES
from aircraftops_data.settings import Settings

if TYPE_CHECKING:
    from aircraftops_data.audit.aio.audit import AsyncAudit
    from aircraftops_data.coordination.aio.changes import AsyncChanges
    from aircraftops_data.coordination.aio.locks import AsyncLocks
    from aircraftops_data.jobs.aio.jobs import AsyncJobs
    from aircraftops_data.transports.botocore import BotocoreTransport


class AsyncAircraftOps:
    """The repositories over the three tables, made once and shared; safe between tasks.

    `async with AsyncAircraftOps.connect() as ops` closes the connections at the end; so does `aclose`.
    """

    def __init__(self, core: AsyncCoreTable, settings: Settings | None = None, session: Any = None) -> None:
        self.core = core
        self._settings = settings or Settings()
        self._session = session
        self.aircraft = AsyncAircraftRepository(core)
        self.types = AsyncAircraftTypeRepository(core)
        self.registry = AsyncRegistryRepository(core)
        self.owners = AsyncOwnerRepository(core)
        self.operators = AsyncOperatorRepository(core)
        self.images = AsyncImageRepository(core)
        self.maintenance = AsyncMaintenanceRepository(core)

    @classmethod
    def connect(
        cls,
        *,
        session: Any = None,
        client: Any = None,
        settings: Settings | None = None,
        clock: Clock | None = None,
        retry: Retry | None = None,
        transport: TransportName = DEFAULT_TRANSPORT,
        **given: Any,
    ) -> AsyncAircraftOps:
        """Connect by boto3's own configuration (AWS_ENDPOINT_URL_DYNAMODB, AWS_PROFILE, ... are honoured).

        `session` is a boto3 session, `client` a DynamoDB client to use as it is, `transport` what carries requests.
        Every field of `Settings` may be given by name (`prefix="prod-"`, `endpoint_url=...`), and goes before its
        environment variable. Nothing is sent. Raises InvalidInputError.
        """
        options: dict[str, Any] = {"session": session, "client": client, "settings": settings, **given}
        core = AsyncCoreTable.connect(clock=clock, retry=retry, transport=transport, **options)
        return cls(core, settings or Settings.from_environment(**given), session)

    @cached_property
    def jobs(self) -> AsyncJobs:
        """Durable jobs. Loaded when first used; large payloads go to the bucket of the settings, where one is set."""
        from aircraftops_data.jobs.aio.jobs import AsyncJobs
        from aircraftops_data.transports.bucket import AsyncObjectStore

        bucket = self._settings.jobs_bucket
        return AsyncJobs(self.core, objects=None if bucket is None else AsyncObjectStore(bucket, self._session))

    @cached_property
    def audit(self) -> AsyncAudit:
        """Audit events and their chains. Loaded when first used; on a local engine its first event makes the table."""
        from aircraftops_data.audit.aio.audit import AsyncAudit
        from aircraftops_data.audit.options import AuditOptions

        return AsyncAudit(self.core, AuditOptions.of(self._settings))

    @cached_property
    def locks(self) -> AsyncLocks:
        """Locks with fencing tokens, in JobsTable or in the lock table of the settings. Loaded when first used."""
        from aircraftops_data.coordination.aio.locks import AsyncLocks

        return AsyncLocks(self.core, table=self._settings.lock_table)

    @cached_property
    def changes(self) -> AsyncChanges:
        """Changes that are each made once, and their history. Loaded when first used."""
        from aircraftops_data.coordination.aio.changes import AsyncChanges
        from aircraftops_data.coordination.options import ChangeOptions

        return AsyncChanges(self.core, options=ChangeOptions.of(self._settings))

    @cached_property
    def streams(self) -> BotocoreTransport:
        """The way to the streams of the tables, for a `Poller`: blocking, as pollers are. Made when first used."""
        from aircraftops_data.transports.streams import streams_transport

        where = {"endpoint_url": self._settings.endpoint_url, "region": self._settings.region}
        return streams_transport(self._session, **where)

    async def aclose(self) -> None:
        """Close the connections; a client the caller gave is the caller's to close."""
        await self.core.aclose()
        if "streams" in self.__dict__:
            self.streams.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def create_tables(self) -> list[TableOutcome]:
        """Make the tables that are missing, wait until they are active and their TTL is on; says what it did.

        Never changes or deletes a table. Raises TableMismatchError where one exists and differs.
        """
        return await self.core.runner.run(create_tables(TABLES, self.core.context, self._settings))

    def table_names(self) -> list[str]:
        """The physical names of the three tables."""
        return [self.core.context.names[table] for table in TABLES]
