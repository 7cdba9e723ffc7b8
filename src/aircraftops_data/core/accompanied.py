"""Writes of entities that another write goes along with, in the same transaction: an account of each change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar, cast

from aircraftops_data.core.intents import Create, Delete, Move, Put, Replace
from aircraftops_data.core.update import Update
from aircraftops_data.core.writes import Action, Intent, Stale, Stamp, Verdict, Writing
from aircraftops_data.errors import InvalidInputError
from aircraftops_data.model.definition import Item
from aircraftops_data.model.entity import Entity

T = TypeVar("T")
Operation = Literal["create", "put", "replace", "update", "delete", "move"]
_OPERATIONS: Mapping[type[Any], Operation] = {
    Create: "create",
    Put: "put",
    Replace: "replace",
    Update: "update",
    Delete: "delete",
    Move: "move",
}


@dataclass(frozen=True, slots=True)
class Changed:
    """What a write makes of an entity: the very one it replaces and the very one it leaves, versions and instants too.

    `before` is None where nothing was there, or only what had expired; `after` is None where it is deleted.
    """

    entity_type: type[Entity]
    operation: Operation
    before: Entity | None
    after: Entity | None


Companion = Callable[[Changed], Intent[Any] | None]
"""Says what goes along with a change, which it gets to see before it is made; None: nothing.

It is asked once for each state the entity is found in, and again where another writer came in between; it must do
nothing itself. What it gives may not need to read, and not meet the entity's own item.
"""


class Accompanied(Generic[T]):
    """A write of an entity, and whatever its companions say goes along: both are made, or neither.

    The stored item is read first, 1 read unit per 4 KB (not for a create), and the write is made only over that: where
    another came in between, it is all worked out again. A transaction costs 2 write units per KB. Where nothing goes
    along, and where there is nothing to delete, all is as without. Raises what the write by itself raises, what the
    companion's write raises, and CorruptItemError where the item that is there cannot be read.
    """

    def __init__(self, intent: Intent[T], *companions: Companion) -> None:
        if not isinstance(intent, Writing) or type(intent) not in _OPERATIONS:
            raise InvalidInputError(f"Nothing can go along with a {type(intent).__name__}")
        self._writing: Writing = copy(intent)
        self._writing.reads_first = True
        self._intent = cast("Intent[T]", self._writing)
        self._companions = companions
        self._resolved: tuple[str, Item | None] | None = None
        self._beside: list[_Beside] = []
        self.table = intent.table
        self.definition = intent.definition
        self.read_key = self._intent.read_key

    @property
    def needs_read(self) -> bool:
        """Whatever replaces something; a create does not."""
        return self._intent.needs_read

    def resolve(self, stored: Item | None, stamp: Stamp) -> list[Action]:
        """The write's own actions, made over what is stored, and behind them those that go along."""
        own = self._intent.resolve(stored, stamp)
        # The same facts must make the same transaction, for it goes by the same token; a companion may draw lots.
        if self._resolved != (stamp.write_id, stored):
            self._beside = list(self._going_along(own, stored, stamp))
            self._resolved = stamp.write_id, stored
        return [*own, *(action for beside in self._beside for action in beside.actions(stored, stamp))]

    def _going_along(self, own: list[Action], stored: Item | None, stamp: Stamp) -> Iterator[_Beside]:
        changed = self._changed(own, stored, stamp)
        if changed.before is None and changed.after is None:
            return
        for companion in self._companions:
            intent = companion(changed)
            if intent is not None:
                yield _Beside(intent)

    def _changed(self, own: list[Action], stored: Item | None, stamp: Stamp) -> Changed:
        writing = self._writing
        operation, codec = _OPERATIONS[type(writing)], writing.codec
        before = None if stored is None or writing.gone(stored, stamp) else codec.entity(stored)
        left = None if operation == "delete" else own[0].item
        after = None if left is None else codec.entity(left)
        return Changed(writing.definition.entity, operation, before, after)

    def outcome(self, item: Item | None) -> T:
        """What the write says it is; what went along is told that it is done."""
        for beside in self._beside:
            beside.done()
        return self._intent.outcome(item)


class _Beside:
    """A write that goes along; what it learns of its own item it keeps to itself."""

    def __init__(self, intent: Intent[Any]) -> None:
        if intent.needs_read:
            raise InvalidInputError(f"A {type(intent).__name__} that needs to read cannot go along with a write")
        self._intent = intent
        self._stored: Item | None = None

    def actions(self, main: Item | None, stamp: Stamp) -> Iterator[Action]:
        """Its actions beside the write of an entity that is stored as `main`."""
        for action in self._intent.resolve(self._stored, stamp):
            yield replace(action, explain=self._explaining(action, main))

    def done(self) -> None:
        """It has been made."""
        self._intent.outcome(None)

    def _explaining(self, action: Action, main: Item | None) -> Callable[[Item | None], Verdict]:
        def explain(item: Item | None) -> Verdict:
            verdict = action.explain(item)
            if not isinstance(verdict, Stale):
                return verdict
            self._stored = verdict.item
            return Stale(main)

        return explain


def accompanied(intent: Intent[T], companions: Sequence[Companion]) -> Intent[T]:
    """The intent with these companions; as it is where there are none."""
    return Accompanied(intent, *companions) if companions else intent


def refuse_companions(companions: Sequence[Companion]) -> None:
    """Raise InvalidInputError where anything should go along with what is written in batches."""
    if companions:
        raise InvalidInputError("Nothing can go along with a batch; write one by one, or in a transaction")
