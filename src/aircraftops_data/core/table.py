"""CoreTable: the single-table toolkit. Entities say which table and keys; this reads and writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, TypeVar, cast, overload

from aircraftops_data.clock import Clock, Retry, SystemClock
from aircraftops_data.consumed import metered
from aircraftops_data.core.adding import Delta
from aircraftops_data.core.batch import (
    GET_LIMIT,
    WRITE_LIMIT,
    BatchWrite,
    Failure,
    Place,
    Progress,
    Report,
    batch_get,
    batch_write,
    chunks,
    last_of_each,
    place_of,
)
from aircraftops_data.core.commit import write
from aircraftops_data.core.context import Context, TableNames
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.intents import Create, Delete, Move, Put, Replace, conjunction, stamped, valid
from aircraftops_data.core.query import Collection, Query, Readable, Runner
from aircraftops_data.core.reading import Reading, ReadPolicy, Source, get, source_of
from aircraftops_data.core.run import side_by_side
from aircraftops_data.core.transaction import Transaction, deleting, updating
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import AircraftOpsDataError, InvalidInputError, NotFoundError
from aircraftops_data.model.conditions import Attribute, BeginsWith, Comparison, Condition
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.definition import EntityDefinition, Item, KeyPart
from aircraftops_data.model.entity import Entity
from aircraftops_data.model.keys import SEPARATOR
from aircraftops_data.request import Transport
from aircraftops_data.settings import Settings
from aircraftops_data.translation.codec import check_size, codec_of, is_expired, values_of
from aircraftops_data.translation.readers import reader_of
from aircraftops_data.transports.botocore import BotocoreTransport, dynamodb_client

E = TypeVar("E", bound=Entity)
T = TypeVar("T")

# Enough chunks for every thread to stay busy, few enough that memory stays flat.
_WINDOW_CHUNKS = 4


class CoreTable:
    """Reads and writes entities, each in the table its class names. Safe to share between threads."""

    def __init__(self, transport: Transport, context: Context | None = None, cursor_secret: bytes = b"") -> None:
        self.runner = Runner(transport, context or Context(), Cursors(cursor_secret))

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
    ) -> CoreTable:
        """A table on boto3's own configuration; the arguments are those of `AircraftOps.connect`. Nothing is sent."""
        known = _settings(settings, given)
        if client is not None and (session is not None or given.get("endpoint_url") is not None):
            raise InvalidInputError("A client has its session and endpoint already; give neither beside it")
        names = TableNames(known.prefix, known.overrides())
        context = Context(names, clock or SystemClock(), retry=retry or Retry())
        used = dynamodb_client(session, endpoint_url=known.endpoint_url) if client is None else client
        return cls(BotocoreTransport(used), context, known.cursor_secret.get_secret_value().encode())

    @property
    def context(self) -> Context:
        """Names, clock, chance and retry policy."""
        return self.runner.context

    # Reading one

    def get(self, entity: type[E], *, consistent: bool = False, include_expired: bool = False, **identity: Any) -> E:
        """The entity with these primary-key components. 0.5 read units per 4 KB, 1 when consistent.

        Raises NotFoundError, InvalidKeyError, CorruptItemError.
        """
        found = self.find(entity, consistent=consistent, include_expired=include_expired, **identity)
        if found is None:
            name = entity.definition().name
            raise NotFoundError(f"No {name} at this key", entity=name, identity=identity)
        return found

    def find(
        self, entity: type[E], *, consistent: bool = False, include_expired: bool = False, **identity: Any
    ) -> E | None:
        """Like `get`, with None where there is none."""
        definition = entity.definition()
        key = definition.identify(identity)
        plan = get(definition, key, self.context, consistent=consistent, expired=include_expired)
        return cast("E | None", self.runner.run(plan))

    # Writing one

    def create(self, entity: E) -> E:
        """Store an entity that must not exist yet, and return it. Raises AlreadyExistsError, UniqueConflictError."""
        return self._written(Create(entity))

    def put(self, entity: E) -> E:
        """Store an entity whether or not it exists; the version goes on. Raises UniqueConflictError."""
        return self._written(Put(entity))

    def replace(self, entity: E) -> E:
        """Store an entity that exists at the version it was read at. Raises VersionConflictError, NotFoundError."""
        return self._written(Replace(entity))

    @overload
    def update(
        self,
        target: E,
        *,
        set: Mapping[str, Any] | None = None,
        remove: Sequence[str] = (),
        add: Mapping[str, Delta] | None = None,
        where: Condition | None = None,
    ) -> E: ...

    @overload
    def update(
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

    def update(self, target: type[E] | E, **changes: Any) -> E:
        """Change named fields of an entity that exists; returns it as it is then.

        From an instance its version is checked; from a class and identity only a `version` given is. `remove` takes a
        field back to its default, `add` adds a number or elements of a set. Raises NotFoundError,
        VersionConflictError, ConditionFailedError (`where`), UniqueConflictError, InvalidValueError.
        """
        return self._written(updating(target, **changes))

    @overload
    def delete(self, target: E, *, where: Condition | None = None) -> E | None: ...

    @overload
    def delete(
        self, target: type[E], *, where: Condition | None = None, version: int | None = None, **identity: Any
    ) -> E | None: ...

    def delete(self, target: type[E] | E, **conditions: Any) -> E | None:
        """Delete an entity; returns what was deleted, None where there was nothing.

        From an instance its version is checked. Raises VersionConflictError, ConditionFailedError (`where`).
        """
        return cast("E | None", self._write(deleting(target, **conditions)))

    def move(self, entity: E, **changes: Any) -> E:
        """Give an entity another primary key (and other changes), in one transaction. Raises AlreadyExistsError."""
        return self._written(Move(entity, changes))

    def _write(self, intent: Intent[T]) -> T:
        return self.runner.run(write(intent, self.context))

    def _written(self, intent: Intent[E | None]) -> E:
        """What a write left, which is always known of a write by itself."""
        return cast("E", self._write(intent))

    def transaction(self) -> Transaction:
        """All or nothing, across tables: `with core.transaction() as tx: tx.create(...); tx.update(...)`."""
        return Transaction(self.runner)

    # Reading many

    def query(self, query: KeyQuery[E]) -> Query[E]:
        """A lazy query: iterate, `.page()`, `.first()`, `.one()`, `.count()`, `.where()`, `.project()`."""
        return Query(_reading(query.definition, source_of(query)), self.runner)

    def scan(self, entity: type[E], segments: int = 1) -> Query[E]:
        """Every entity of a kind by reading the whole table, in `segments` side by side. Costs the whole table."""
        if segments < 1:
            raise InvalidInputError("A scan has at least one segment")
        definition = entity.definition()
        reading = _reading(definition, Source(definition.table), _of_kind(definition))
        return Query(replace(reading, segments=segments), self.runner)

    def collection(
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
        definition = entity.definition()
        part = definition.primary.partition
        for name in components:
            part.template.component(name)
        place = part.value({name: definition.coerce(name, value) for name, value in components.items()})
        if place is None:
            raise InvalidInputError("A collection needs every component of the partition key")
        source = Source(definition.table, partition=(part.attribute.name, place))
        reading: Reading[Item] = Reading(source, dict, consistent=consistent, include_expired=include_expired)
        return Collection(entity, iter(Readable(reading, self.runner)), on_corrupt)

    def get_many(
        self,
        entity: type[E],
        identities: Iterable[Mapping[str, Any]],
        *,
        consistent: bool = False,
        include_expired: bool = False,
        concurrency: int = 1,
    ) -> list[E | None]:
        """The entities with these identities, in their order, None where there is none; each key is read once."""
        definition = entity.definition()
        keys = [definition.identify(identity) for identity in identities]
        places = [place_of(key, definition.table) for key in keys]
        distinct = list(dict(zip(places, keys, strict=True)).values())

        def read(part: list[Item]) -> list[Item]:
            return self.runner.run(batch_get(definition.table, part, self.context, consistent=consistent))

        items = chain.from_iterable(side_by_side(read, chunks(distinct, GET_LIMIT), concurrency))
        now, codec = self.context.clock.now(), codec_of(definition)
        found = {
            place_of(item, definition.table): codec.entity(item)
            for item in items
            if include_expired or not is_expired(item, definition.table, now)
        }
        return [found.get(place) for place in places]

    # Writing many

    def put_many(self, entities: Iterable[E], *, concurrency: int = 1, progress: Progress | None = None) -> Report[E]:
        """Put a stream of entities, 25 a request; what could not be written is in `report.failed`.

        The engine's batches know no conditions: each item's version is that of the instance plus one, whatever was
        stored. Entities with unique values are put one by one instead. Of the same key given twice the last wins.
        """
        return self._bulk(entities, self._batch_put, Put, concurrency, progress)

    def delete_many(
        self, entities: Iterable[E], *, concurrency: int = 1, progress: Progress | None = None
    ) -> Report[E]:
        """Delete a stream of entities, 25 a request, whatever their versions; failures as with `put_many`."""
        return self._bulk(entities, self._batch_delete, _plain_delete, concurrency, progress)

    def _batch_put(self, entity: E) -> BatchWrite[E]:
        definition = entity.definition()
        checked: E = valid(definition, values_of(entity))
        stored = stamped(checked, entity.version + 1, self.context.clock.now(), entity.created_at)
        item = check_size(codec_of(definition).item(stored), definition.name)
        return BatchWrite(entity, definition.table, definition.identify(checked.identity()), item)

    def _batch_delete(self, entity: E) -> BatchWrite[E]:
        definition = entity.definition()
        return BatchWrite(entity, definition.table, definition.identify(entity.identity()))

    def _bulk(
        self,
        entities: Iterable[E],
        prepare: Callable[[E], BatchWrite[E]],
        intend: Callable[[E], Intent[Any]],
        concurrency: int,
        progress: Progress | None,
    ) -> Report[E]:
        """Windows of some chunks a thread; a key given twice is settled inside a window, and windows follow in turn."""
        report, dealt_with = Report[E](), 0
        for window in chunks(entities, WRITE_LIMIT * _WINDOW_CHUNKS * concurrency):
            batched, single = _prepared(window, prepare, report)
            parts = chain(
                side_by_side(self._send_batch, chunks(batched, WRITE_LIMIT), concurrency),
                side_by_side(lambda entity: self._send_single(entity, intend), single, _threads(single, concurrency)),
            )
            for part in parts:
                report.include(part)
            dealt_with += len(window)
            report.done = dealt_with - len(report.failed)
            if progress is not None:
                progress(dealt_with)
        return report

    def _send_batch(self, writes: list[BatchWrite[E]]) -> Report[E]:
        return self.runner.run(batch_write(writes, self.context))

    def _send_single(self, entity: E, intend: Callable[[E], Intent[Any]]) -> Report[E]:
        with metered() as meter:
            try:
                self._write(intend(entity))
            except AircraftOpsDataError as error:
                return Report(0, [Failure(entity, error)], meter.consumed)
        return Report(1, [], meter.consumed)


def _settings(settings: Settings | None, given: dict[str, Any]) -> Settings:
    if settings is None:
        return Settings.from_environment(**given)
    if given:
        raise InvalidInputError(f"Give settings, or {', '.join(sorted(given))} by name; not both")
    return settings


def _plain_delete(entity: Entity) -> Intent[Any]:
    return Delete(entity.definition(), entity.identity())


def _threads(entities: list[E], concurrency: int) -> int:
    """One where a key comes twice: then the order of the writes decides."""
    places: set[Place] = {place_of(e.definition().identify(e.identity()), e.definition().table) for e in entities}
    return concurrency if len(places) == len(entities) else 1


def _prepared(
    window: list[E], prepare: Callable[[E], BatchWrite[E]], report: Report[E]
) -> tuple[list[BatchWrite[E]], list[E]]:
    """The window as batch writes, and the entities that need a write of their own; what cannot be written is noted."""
    batched: list[BatchWrite[E]] = []
    single: list[E] = []
    for entity in window:
        try:
            ready = prepare(entity)
        except InvalidInputError as error:
            report.failed.append(Failure(entity, error))
            continue
        if entity.definition().uniques:
            single.append(entity)
        else:
            batched.append(ready)
    return last_of_each(batched), single


def _reading(definition: EntityDefinition, source: Source, condition: Condition | None = None) -> Reading[Any]:
    refusal = None
    if source.index is not None and source.index.projection != "ALL":
        refusal = f"{source.index.name} carries only parts of a {definition.name}; ask for them with .project()"
    reader = reader_of(definition)
    return Reading(source, codec_of(definition).entity, definition, condition, reader=reader, refusal=refusal)


def _of_kind(definition: EntityDefinition) -> Condition | None:
    """What tells the items of an entity in a scan: its type, or else the literals its primary key begins with."""
    table = definition.table
    if table.typed:
        return Comparison("=", Attribute(table.managed.entity_type), definition.entity_type)
    return conjunction([condition for part in definition.primary.parts for condition in _literally(part)])


def _literally(part: KeyPart) -> Iterator[Condition]:
    literals, attribute = part.template.leading_literals, Attribute(part.attribute.name)
    if not part.template.components:
        yield Comparison("=", attribute, part.template.text)
    elif literals:
        yield BeginsWith(attribute, SEPARATOR.join((*literals, "")))
