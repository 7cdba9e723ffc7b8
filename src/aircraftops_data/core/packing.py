"""Bulk writes as requests: 25 different items each, no item in two requests under way, every input accounted for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from aircraftops_data.consumed import Consumed
from aircraftops_data.core.batch import WRITE_LIMIT, BatchWrite, Failure, Place, Report
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import Delete, Put, stamped, valid
from aircraftops_data.core.writes import Intent
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.entity import Entity
from aircraftops_data.translation.codec import check_size, codec_of, primary_key, values_of

E = TypeVar("E", bound=Entity)

# A source that gives the same few keys again and again must not be read for ever before anything is sent.
_INPUTS_LIMIT = 10 * WRITE_LIMIT


@dataclass(frozen=True)
class Progress:
    """How far a bulk write has come: inputs written, inputs that failed, and what it has cost."""

    done: int
    failed: int
    consumed: Consumed

    @property
    def inputs(self) -> int:
        """How many inputs have been dealt with."""
        return self.done + self.failed


@dataclass(frozen=True)
class Bulk(Generic[E]):
    """A kind of bulk write: how an input goes into a batch, and the write of its own it is where it has uniques."""

    prepare: Callable[[E, Context], BatchWrite[E]]
    intend: Callable[[E], Intent[Any]]


@dataclass(frozen=True)
class Unit(Generic[E]):
    """What is written by one plan: a batch of different items, or one entity by a write of its own."""

    writes: dict[Place, BatchWrite[E]]
    intent: Intent[Any] | None = None

    @property
    def entities(self) -> list[E]:
        """Every input it stands for."""
        return [entity for write in self.writes.values() for entity in write.entities]


@dataclass
class Packing(Generic[E]):
    """Packs inputs into units, keeps apart those that write the same item, and accounts for them."""

    bulk: Bulk[E]
    context: Context
    report: Report[E] = field(default_factory=Report[E])
    _filling: dict[Place, BatchWrite[E]] = field(default_factory=dict[Place, BatchWrite[E]])
    _held: int = 0
    _under_way: set[Place] = field(default_factory=set[Place])

    def take(self, entity: E) -> Unit[E] | None:
        """Pack one more input, and give the unit that is complete with it; what cannot be written is reported."""
        try:
            write = self.bulk.prepare(entity, self.context)
        except InvalidInputError as error:
            self.report.failed.append(Failure(entity, error))
            return None
        place = write.place
        if entity.definition().uniques:
            return Unit({place: write}, self.bulk.intend(entity))
        former = self._filling.pop(place, None)
        self._filling[place] = write if former is None else replace(write, superseded=former.entities)
        self._held += 1
        return self.rest() if len(self._filling) == WRITE_LIMIT or self._held == _INPUTS_LIMIT else None

    def rest(self) -> Unit[E] | None:
        """What is packed so far."""
        unit = Unit(self._filling) if self._filling else None
        self._filling, self._held = {}, 0
        return unit

    def may_go(self, unit: Unit[E]) -> bool:
        """Whether none of its items is being written; else the earlier write could come last."""
        return self._under_way.isdisjoint(unit.writes)

    def start(self, unit: Unit[E]) -> None:
        """Note that its items are being written."""
        self._under_way.update(unit.writes)

    def settle(self, unit: Unit[E], part: Report[E]) -> None:
        """Note what came of it."""
        self._under_way.difference_update(unit.writes)
        self.report.include(part)
        self.report.done += part.done

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return Progress(self.report.done, len(self.report.failed), self.report.consumed)


def _put(entity: E, context: Context) -> BatchWrite[E]:
    definition = entity.definition()
    checked: E = valid(definition, values_of(entity))
    stored = stamped(checked, entity.version + 1, context.clock.now(), entity.created_at)
    item = check_size(codec_of(definition).item(stored), definition.name)
    return BatchWrite(entity, definition.table, primary_key(item, definition.table), item)


def _delete(entity: E, _: Context) -> BatchWrite[E]:
    definition = entity.definition()
    return BatchWrite(entity, definition.table, definition.identify(entity.identity()))


def _plain_delete(entity: Entity) -> Intent[Any]:
    return Delete(entity.definition(), entity.identity())


PUTS: Bulk[Any] = Bulk(_put, Put)
DELETES: Bulk[Any] = Bulk(_delete, _plain_delete)
