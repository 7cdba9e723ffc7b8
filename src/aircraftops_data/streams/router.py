"""The router: gives each change to the functions and sinks that want it, in order, and says what failed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from aircraftops_data.clock import Clock, SystemClock
from aircraftops_data.errors import DefinitionError
from aircraftops_data.model.definition import MANAGED_FIELDS
from aircraftops_data.model.entity import Entity
from aircraftops_data.streams.change import AnyRecord, Change, Operation
from aircraftops_data.streams.decoding import Decoder
from aircraftops_data.streams.filters import Source, filter_criteria
from aircraftops_data.streams.sinks.sink import Sink
from aircraftops_data.streams.subscription import Predicate, Subscription
from aircraftops_data.streams.taking import Batch, Late, Once, Outlet, Receiver, Routes, Taken

if TYPE_CHECKING:
    # It brings the core along, which reading a stream does without.
    from aircraftops_data.streams.quarantine import Quarantine

LOG = logging.getLogger("aircraftops_data")
E = TypeVar("E", bound=Entity)
OperationName = Literal["insert", "modify", "remove"]
Handler = Callable[[Change[E]], object]
MARGIN = timedelta(seconds=5)


def _never() -> bool:
    return False


class LambdaContext(Protocol):
    """What is asked of the context that Lambda gives a function."""

    def get_remaining_time_in_millis(self) -> int:
        """The milliseconds until Lambda ends the function."""
        ...


class Router:
    """Gives changes to the functions registered with `on` and the sinks registered with `into`, in record order.

    It stops at the first record that fails, so that none behind it is dealt with twice or out of order. With a
    `quarantine` a record that keeps failing is parked, and the records of its item behind it, while others flow. With
    `once` (`ops.jobs.once`) each function is run once for each record, however often it is delivered: 3 units a record;
    not for snapshots, which nothing tells from each other. What was run is known by `name`, which is the quarantine's
    where there is one: no two routers may share it. `margin` is how long before Lambda's deadline it stops, to name
    the record to go on from; at most half of the time. Safe to share between threads once everything is registered.
    Raises DefinitionError for `once` without a name.
    """

    def __init__(
        self,
        entities: Collection[type[Entity]] = (),
        *,
        name: str | None = None,
        quarantine: Quarantine | None = None,
        once: Once | None = None,
        margin: timedelta = MARGIN,
        clock: Clock | None = None,
    ) -> None:
        self._known = dict.fromkeys(entities)
        self._quarantine = quarantine
        self._once = once
        self._margin = margin.total_seconds()
        self._clock = clock or SystemClock()
        self._receivers: list[Receiver] = []
        self._outlets: list[Outlet] = []
        self._made: Decoder | None = None
        if once is not None and name is None and quarantine is None:
            raise DefinitionError("A router with once= has a name=: what its functions were run for is known by it")
        self.name = quarantine.name if quarantine is not None else name or "router"

    # Registering

    def on(
        self,
        entity: type[E],
        *operations: OperationName,
        changed: Collection[str] = (),
        where: Predicate | None = None,
        name: str | None = None,
    ) -> Callable[[Handler[E]], Handler[E]]:
        """Register a function of a change: of these operations (none: all), of one of these fields, where this holds.

        A change whose images do not tell what changed is given. Functions are called in the order they are registered.
        `name` tells functions of one name apart. Raises DefinitionError for a field or operation there is not.
        """
        subscription = subscribed(entity, operations, changed, where)

        def register(function: Handler[E]) -> Handler[E]:
            known = f"{name or getattr(function, '__qualname__', type(function).__name__)}:{entity.__name__}"
            if any(each.name == known for each in self._receivers):
                raise DefinitionError(f"{known} is registered already; give one of the two a name=")
            self._add(entity)
            self._receivers.append(Receiver(known, subscription, function))
            return function

        return register

    def into(
        self,
        sink: Sink,
        *entities: type[Entity],
        operations: Collection[OperationName] = (),
        changed: Collection[str] = (),
        where: Predicate | None = None,
    ) -> None:
        """Register a sink for the changes of these entities, those of `on`. Raises DefinitionError.

        Sinks are written once the functions went through, in the order they are registered: a sink that counts what
        it is given (files for analytics) goes last.
        """
        if not entities:
            raise DefinitionError("A sink is given the changes of at least one entity")
        subscriptions = tuple(subscribed(entity, operations, changed, where) for entity in entities)
        for entity in entities:
            self._add(entity)
        self._outlets.append(Outlet(sink, subscriptions))

    def _add(self, entity: type[Entity]) -> None:
        if entity not in self._known:
            self._known[entity] = None
            self._made = None

    @property
    def subscriptions(self) -> tuple[Subscription, ...]:
        """All that is wanted."""
        sinks = (each for outlet in self._outlets for each in outlet.subscriptions)
        return (*(receiver.subscription for receiver in self._receivers), *sinks)

    @property
    def decoder(self) -> Decoder:
        """What reads the records of the entities that are known here."""
        if self._made is None:
            self._made = Decoder(tuple(self._known))
        return self._made

    def filter_criteria(self, source: Source = "dynamodb") -> dict[str, Any]:
        """The FilterCriteria of Lambda's event source mapping: with them no function runs for what nobody wants."""
        return filter_criteria(self.subscriptions, source=source)

    # Routing

    def handle(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Deal with an event of Lambda; the answer is that of ReportBatchItemFailures, which the mapping must have on.

        Of a stream it names the lowest record that failed, or the next where time ran out: Lambda goes on from there.
        Of a queue it names all messages from there on. SNS and Firehose read no such answer: with these use `take`, and
        raise its error. Raises UnknownEventError for what is no event of a stream.
        """
        records = self.decoder.records(event)
        taken = self.take(records, self._late(context))
        left = records[taken.done :]
        if taken.error is not None:
            LOG.warning("%s stopped at a record: %s", self.name, type(taken.error).__name__, exc_info=taken.error)
        failed = left[:1] if goes_on_from_one(event) else left
        # An identifier that is empty means that the whole batch has failed.
        return {"batchItemFailures": [{"itemIdentifier": record.source_id or ""} for record in failed]}

    def _late(self, context: LambdaContext | None) -> Late:
        if context is None:
            return _never
        left = context.get_remaining_time_in_millis() / 1000
        until = self._clock.monotonic() + left - min(self._margin, left / 2)
        return lambda: self._clock.monotonic() >= until

    def take(self, records: Sequence[AnyRecord], late: Late = _never) -> Taken:
        """Deal with records in order, up to the first that fails, or until it is `late`, which is asked before each.

        With a quarantine 1 read unit a batch, and what parking costs. Never raises what a handler or a sink does: it
        is in the answer. What `late` raises is raised, or in the answer too; no sink is given anything then.
        """
        return Batch(self._routes, self._quarantine, late).take(records)

    def run(self, body: str) -> None:
        """Deal with one record by itself, given as JSON text; nothing is parked. Raises what goes wrong."""
        taken = Batch(self._routes, None, _never).take(self.decoder.records(body))
        if taken.error is not None:
            raise taken.error

    @property
    def _routes(self) -> Routes:
        return Routes(self.name, self._receivers, self._outlets, self._once)


# Every write changes them: `Change.changed` does not tell of them.
_NEVER_CHANGED = MANAGED_FIELDS - {"expires_at"}


def subscribed(
    entity: type[Entity], operations: Collection[str], changed: Collection[str], where: Predicate | None
) -> Subscription:
    """A subscription of names. Raises DefinitionError for a name that is none."""
    unknown = [name for name in operations if name not in frozenset(Operation)]
    missing = [name for name in changed if name not in entity.model_fields or name in _NEVER_CHANGED]
    if unknown or missing:
        raise DefinitionError(f"{entity.__name__} has no {', '.join((*unknown, *missing))} to tell of")
    wanted = frozenset(map(Operation, operations)) or frozenset(Operation)
    return Subscription(entity, wanted, frozenset(changed), where)


def goes_on_from_one(event: Any) -> bool:
    """Whether who sent this event goes on from the first record named: Lambda's mapping of a stream does."""
    try:
        return event["Records"][0]["eventSource"] in ("aws:dynamodb", "aws:kinesis")
    except (LookupError, TypeError):
        return False
