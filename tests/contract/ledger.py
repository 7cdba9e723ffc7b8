"""A ledger of changes for the tests of what goes along with a write: who writes it, and what it must come to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

from entities import Badge, Parcel, Part, Plane, Shift

from aircraftops_data import CoreTable, Entity, PrimaryKey, Table
from aircraftops_data.core.accompanied import Changed
from aircraftops_data.core.intents import Create
from aircraftops_data.core.writes import Intent

LEDGER = Table("Ledger")
KINDS = {kind.__name__: kind for kind in (Badge, Parcel, Part, Plane, Shift)}


class Entry(Entity, table=LEDGER, entity_type="entry"):
    """One change: the entity before and after, with all the library keeps of it."""

    book: str
    number: int
    kind: str
    operation: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None

    primary = PrimaryKey("BOOK#{book}", "ENTRY#{number:6}")

    @property
    def entities(self) -> tuple[Entity | None, Entity | None]:
        """The entity before and after."""
        kind = KINDS[self.kind]
        first, last = (None if one is None else kind.model_validate(one) for one in (self.before, self.after))
        return first, last


class Ledger:
    """Puts each change it is told of into a book. It draws a new number each time it is asked, whatever of."""

    def __init__(self, core: CoreTable, book: str = "all") -> None:
        self.core = core
        self.book = book
        self.told: list[Changed] = []
        self._numbers = count()

    def __call__(self, changed: Changed) -> Intent[Any]:
        self.told.append(changed)
        return Create(self.entry(changed))

    def entry(self, changed: Changed) -> Entry:
        """The change as it is written down."""
        before, after = (
            None if one is None else one.model_dump(mode="json") for one in (changed.before, changed.after)
        )
        return Entry(
            book=self.book,
            number=next(self._numbers),
            kind=changed.entity_type.__name__,
            operation=changed.operation,
            before=before,
            after=after,
        )

    @property
    def entries(self) -> list[Entry]:
        """What was committed, in the order of the numbers."""
        return self.core.query(Entry.primary(book=self.book)).consistent().all()


def replayed(entries: Iterable[Entry]) -> list[Entity]:
    """What the changes come to, one after another; each must have found what those before it left."""
    state: dict[tuple[Any, ...], Entity] = {}
    for entry in entries:
        before, after = entry.entities
        if before is not None:
            assert state.pop(_place(before)) == before
        if after is not None:
            state[_place(after)] = after
    return list(state.values())


def _place(entity: Entity) -> tuple[Any, ...]:
    return (type(entity), *entity.identity().values())
