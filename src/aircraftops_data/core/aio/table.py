"""The core table: the single-table toolkit. Entities say which table and keys; this reads and writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Self, TypeVar, cast, overload

from aircraftops_data.clock import Clock, Retry
from aircraftops_data.core.accompanied import Companion, accompanied, refuse_companions
from aircraftops_data.core.adding import Delta
from aircraftops_data.core.aio.bulk import OnProgress, look_up, write_all
from aircraftops_data.core.aio.connecting import DEFAULT_TRANSPORT, TransportName, transport_of
from aircraftops_data.core.aio.crew import Inputs
from aircraftops_data.core.aio.merged import AsyncMerged
from aircraftops_data.core.aio.query import AsyncQuery, AsyncReadable, AsyncResults
from aircraftops_data.core.aio.run import AsyncRunner
from aircraftops_data.core.aio.transaction import AsyncTransaction
from aircraftops_data.core.asking import finding, getting, partition_reading, query_reading, scan_reading
from aircraftops_data.core.batch import Report, checked
from aircraftops_data.core.collection import Collection
from aircraftops_data.core.commit import write
from aircraftops_data.core.configured import configured
from aircraftops_data.core.context import Context
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.intents import Create, Move, Put, Replace
from aircraftops_data.core.lookup import Lookup
from aircraftops_data.core.merging import merging
from aircraftops_data.core.pace import Limiter, Rate
from aircraftops_data.core.packing import DELETES, PUTS, Packing
from aircraftops_data.core.reading import ReadPolicy
from aircraftops_data.core.targets import deleting, updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.model.conditions import Condition
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.entity import Entity
from aircraftops_data.request import AsyncTransport
from aircraftops_data.settings import Settings

E = TypeVar("E", bound=Entity)
T = TypeVar("T")


class AsyncCoreTable:
    """Reads and writes entities, each in the table its class names. Safe to share between tasks.

    `async with` closes the transport's connections at the end.
    """

    def __init__(self, transport: AsyncTransport, context: Context | None = None, cursor_secret: bytes = b"") -> None:
        self.runner = AsyncRunner(transport, context or Context(), Cursors(cursor_secret))
        self._companions: tuple[Companion, ...] = ()

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
    ) -> AsyncCoreTable:
        """A table on boto3's own configuration; the arguments are those of `AsyncAircraftOps.connect`.

        Nothing is sent. Raises InvalidInputError.
        """
        made = configured(session, client, settings, clock, retry, given)
        carrier = transport_of(transport, session, client, made.settings, made.context.clock)
        return cls(carrier, made.context, made.cursor_secret)

    @property
    def context(self) -> Context:
        """Names, clock, chance and retry policy."""
        return self.runner.context

    def paced(self, rate: Rate | Limiter | None) -> Self:
        """The same tables at a rate in request units per second; as they are for None."""
        return self._over(self.runner.at(rate))

    def renamed(self, names: Mapping[str, str]) -> Self:
        """The same with other physical names, by the names of the definitions: `{"JobsTable": "locks"}`."""
        known = self.context.names
        context = replace(self.context, names=replace(known, overrides={**known.overrides, **names}))
        return self._over(replace(self.runner, context=context))

    def along_with(self, companion: Companion) -> Self:
        """The same, where what the companion says goes along with each write of an entity, in its transaction.

        By itself or in a `transaction()`; `put_many` and `delete_many` are refused, for a batch takes nothing along.
        """
        other = copy(self)
        other._companions = (*self._companions, companion)
        return other

    def _over(self, runner: AsyncRunner) -> Self:
        other = copy(self)
        other.runner = runner
        return other

    async def aclose(self) -> None:
        """Close the transport's connections; a client the caller gave is the caller's to close."""
        await self.runner.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # Reading one

    async def get(
        self, entity: type[E], *, consistent: bool = False, include_expired: bool = False, **identity: Any
    ) -> E:
        """The entity with these primary-key components. 0.5 read units per 4 KB, 1 when consistent.

        Raises NotFoundError, InvalidKeyError, CorruptItemError.
        """
        plan = getting(entity, identity, self.context, consistent=consistent, expired=include_expired)
        return await self.runner.run(plan)

    async def find(
        self, entity: type[E], *, consistent: bool = False, include_expired: bool = False, **identity: Any
    ) -> E | None:
        """Like `get`, with None where there is none."""
        plan = finding(entity, identity, self.context, consistent=consistent, expired=include_expired)
        return await self.runner.run(plan)

    # Writing one

    async def create(self, entity: E) -> E:
        """Store an entity that must not exist yet, and return it. Raises AlreadyExistsError, UniqueConflictError."""
        return await self._written(Create(entity))

    async def put(self, entity: E) -> E:
        """Store an entity whether or not it exists; the version goes on. Raises UniqueConflictError."""
        return await self._written(Put(entity))

    async def replace(self, entity: E) -> E:
        """Store an entity that exists at the version it was read at. Raises VersionConflictError, NotFoundError."""
        return await self._written(Replace(entity))

    @overload
    async def update(
        self,
        target: E,
        *,
        set: Mapping[str, Any] | None = None,
        remove: Sequence[str] = (),
        add: Mapping[str, Delta] | None = None,
        where: Condition | None = None,
    ) -> E: ...

    @overload
    async def update(
        self,
        target: type[E],
        *,
        set: Mapping[str, Any] | None = None,
        remove: Sequence[str] = (),
        add: Mapping[str, Delta] | None = None,
        where: Condition | None = None,
        version: int | None = None,
        **identity: Any,
    ) -> E: ...

    async def update(self, target: type[E] | E, **changes: Any) -> E:
        """Change named fields of an entity that exists; returns it as it is then.

        From an instance its version is checked; from a class and identity only a `version` given is. `remove` takes a
        field back to its default, `add` adds a number or elements of a set. Raises NotFoundError,
        VersionConflictError, ConditionFailedError (`where`), UniqueConflictError, InvalidValueError.
        """
        return await self._written(updating(target, **changes))

    @overload
    async def delete(self, target: E, *, where: Condition | None = None) -> E | None: ...

    @overload
    async def delete(
        self, target: type[E], *, where: Condition | None = None, version: int | None = None, **identity: Any
    ) -> E | None: ...

    async def delete(self, target: type[E] | E, **conditions: Any) -> E | None:
        """Delete an entity; returns what was deleted, None where there was nothing.

        From an instance its version is checked. Raises VersionConflictError, ConditionFailedError (`where`).
        """
        return cast("E | None", await self._write(deleting(target, **conditions)))

    async def move(self, entity: E, **changes: Any) -> E:
        """Give an entity another primary key (and other changes), in one transaction. Raises AlreadyExistsError."""
        return await self._written(Move(entity, changes))

    async def _write(self, intent: Intent[T]) -> T:
        return await self.runner.run(write(accompanied(intent, self._companions), self.context))

    async def _written(self, intent: Intent[E | None]) -> E:
        """What a write left, which is always known of a write by itself."""
        return cast("E", await self._write(intent))

    def transaction(self) -> AsyncTransaction:
        """All or nothing, across tables: `async with core.transaction() as tx: tx.create(...); tx.update(...)`."""
        return AsyncTransaction(self.runner, self._companions)

    # Reading many

    def query(self, query: KeyQuery[E]) -> AsyncQuery[E]:
        """A lazy query: iterate, `.page()`, `.first()`, `.one()`, `.count()`, `.where()`, `.project()`."""
        return AsyncQuery(query_reading(query), self.runner)

    def merged(self, groups: Sequence[Sequence[KeyQuery[E]]]) -> AsyncMerged[E]:
        """Several key queries as one listing, lazy like `query`, in the order of their sort keys.

        The queries of one group interleave; the groups follow one another: every sort key of a group must lie before
        those of the next, as with a group a month. No two queries may bring the same item. Raises InvalidInputError
        unless all are of one entity and one key, which has a sort key.
        """
        return AsyncMerged(*merging(groups), self.runner)

    def scan(self, entity: type[E], segments: int = 1, *, rate: Rate | Limiter | None = None) -> AsyncQuery[E]:
        """Every entity of a kind by reading the whole table, in `segments` side by side. Costs the whole table.

        Segments read on by themselves, one page ahead each; with more than one, items come in no order. `rate` limits
        the read units per second.
        """
        return AsyncQuery(scan_reading(entity, segments), self.runner.at(rate))

    async def collection(
        self,
        entity: type[Entity],
        *,
        consistent: bool = False,
        include_expired: bool = False,
        on_corrupt: ReadPolicy = "raise",
        **components: Any,
    ) -> Collection:
        """Everything in the partition this entity lives in, by one query, sorted out by entity.

        Takes the components of the partition key; items of types nobody declared are in `.unknown`.
        """
        options = {"consistent": consistent, "include_expired": include_expired, "on_corrupt": on_corrupt}
        found = aiter(AsyncReadable(partition_reading(entity, components, **options), self.runner))
        return Collection(entity, await found.all(), found.consumed, found.corrupt)

    def get_many(
        self,
        entity: type[E],
        identities: Inputs[Mapping[str, Any]],
        *,
        consistent: bool = False,
        include_expired: bool = False,
        concurrency: int = 1,
        rate: Rate | Limiter | None = None,
    ) -> AsyncResults[E | None]:
        """The entities with these identities, as a stream in their order, None where there is none; `.all()` lists it.

        Up to 100 different keys a request, `concurrency` requests at a time; a key that comes again within a request
        is read once. Identities are taken as they are needed. `rate` limits the read units per second.
        """
        lookup = Lookup(entity, self.context, consistent, include_expired)
        return AsyncResults(look_up(lookup, identities, self.runner.at(rate), checked(concurrency)), "raise")

    # Writing many

    async def put_many(
        self,
        entities: Inputs[E],
        *,
        concurrency: int = 1,
        rate: Rate | Limiter | None = None,
        progress: OnProgress | None = None,
    ) -> Report[E]:
        """Put a stream of entities, 25 a request; what could not be written is in `report.failed`.

        Entities are taken as they are needed: at most 2 x `concurrency` requests are under way or ready. `rate` limits
        the request units per second; `progress` is called with a `Progress` after each request.

        The engine's batches know no conditions: each item's version is that of the instance plus one, whatever was
        stored. Entities with unique values are put one by one instead. Of the same key given twice the last wins.
        """
        refuse_companions(self._companions)
        packing = Packing[E](PUTS, self.context)
        return await write_all(entities, packing, self.runner.at(rate), checked(concurrency), progress)

    async def delete_many(
        self,
        entities: Inputs[E],
        *,
        concurrency: int = 1,
        rate: Rate | Limiter | None = None,
        progress: OnProgress | None = None,
    ) -> Report[E]:
        """Delete a stream of entities, 25 a request, whatever their versions; all else is as with `put_many`."""
        refuse_companions(self._companions)
        packing = Packing[E](DELETES, self.context)
        return await write_all(entities, packing, self.runner.at(rate), checked(concurrency), progress)
