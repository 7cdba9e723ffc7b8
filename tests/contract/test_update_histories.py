"""Random histories of writes: after every step the stored keys, sentinels and versions are those of a plain model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

import pytest
from entities import (
    SHELF,
    Badge,
    Plane,
    Status,
    assert_shelf_is_consistent,
    everything,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aircraftops_data import CoreTable, Entity
from aircraftops_data.errors import (
    AlreadyExistsError,
    InvalidInputError,
    NotFoundError,
    UniqueConflictError,
    VersionConflictError,
)
from aircraftops_data.request import Request
from aircraftops_data.testing import ManualClock
from sweeping import Anew

# In memory there are as many histories as the profile says; elsewhere a few.
ENGINES = [
    "memory",
    "moto",
    *(pytest.param(f"local{kind}", marks=pytest.mark.slow) for kind in ("", "-direct", "-async")),
]
Fields = dict[str, Any]
IDENTITIES = ("1", "2#", "3")
# Hours after the start of the history; the clock moves by steps of one.
EXPIRIES = st.none() | st.integers(1, 6)


@dataclass(frozen=True)
class Step:
    """One write of a history, or a move of the clock."""

    kind: str
    who: str = ""
    values: Fields = field(default_factory=Fields)
    removed: tuple[str, ...] = ()
    added: Fields = field(default_factory=Fields)
    other: str = ""
    stale: bool = False


@dataclass(frozen=True)
class Kind:
    """An entity as the model sees it: its defaults, what may be set, removed and added to, and what must be unique."""

    entity: type[Entity]
    identity: str
    values: Mapping[str, st.SearchStrategy[Any]]
    addable: Mapping[str, st.SearchStrategy[Any]] = field(default_factory=dict[str, st.SearchStrategy[Any]])
    uniques: tuple[tuple[str, ...], ...] = ()

    @property
    def defaults(self) -> Fields:
        """The fields of an entity nobody said anything of."""
        made = self.entity.model_validate({self.identity: ""})
        return {name: getattr(made, name) for name in self.values}

    def steps(self) -> st.SearchStrategy[Step]:
        """Any step."""
        who = st.sampled_from(IDENTITIES)
        some = st.fixed_dictionaries({}, optional=dict(self.values))
        added = st.fixed_dictionaries({}, optional=dict(self.addable))
        removed = st.lists(st.sampled_from(sorted(self.values)), unique=True, max_size=2).map(tuple)
        whole = st.sampled_from(["create", "put", "replace"])
        return st.one_of(
            st.builds(Step, whole, who, some, stale=st.booleans()),
            st.builds(Step, st.sampled_from(["update", "update instance"]), who, some, removed, added),
            st.builds(Step, st.just("move"), who, some, other=who),
            st.builds(Step, st.sampled_from(["delete", "delete instance"]), who),
            st.builds(Step, st.just("wait")),
        )


PLANES = Kind(
    Plane,
    "tail",
    {
        "operator": st.none() | st.sampled_from(["UAL", "A#B"]),
        "typecode": st.none() | st.sampled_from(["B738", "A%"]),
        "built": st.none() | st.sampled_from([date(1999, 5, 4), date(2024, 2, 29)]),
        "status": st.sampled_from(Status),
        "seats": st.integers(-3, 3),
        "hours": st.integers(-3, 3),
        "rank": st.integers(0, 9),
        "marks": st.sets(st.sampled_from("abc")),
        "note": st.none() | st.just("n"),
        "expires_at": EXPIRIES,
    },
    {
        "seats": st.integers(-3, 3),
        "hours": st.integers(-3, 3),
        "rank": st.integers(-3, 3),
        "marks": st.sets(st.sampled_from("abc"), min_size=1),
    },
)
BADGES = Kind(
    Badge,
    "number",
    {
        "code": st.none() | st.sampled_from(["x", "y", "z#"]),
        "site": st.none() | st.sampled_from(["p", "q"]),
        "desk": st.none() | st.sampled_from(["1", "2"]),
        "note": st.none() | st.just("n"),
        "expires_at": EXPIRIES,
    },
    uniques=(("code",), ("site", "desk")),
)


@dataclass
class Known:
    """An item of the model."""

    fields: Fields
    version: int


class Model:
    """What the table should hold: written from the contract, without keys, sentinels or requests."""

    errors: ClassVar[Mapping[str, type[Exception] | tuple[type[Exception], ...]]] = {
        "exists": AlreadyExistsError,
        "missing": NotFoundError,
        "missing, and refused anyway": (NotFoundError, InvalidInputError),
        "missing, and the other place taken": (NotFoundError, AlreadyExistsError),
        "moved on": VersionConflictError,
        "taken": UniqueConflictError,
        "refused": InvalidInputError,
    }

    def __init__(self, kind: Kind, clock: ManualClock) -> None:
        self.kind = kind
        self.clock = clock
        self.start = clock.now()
        self.items: dict[str, Known] = {}

    def instant(self, hours: int | None) -> datetime | None:
        """An expiry given in hours since the start."""
        return None if hours is None else self.start + timedelta(hours=hours)

    def said(self, values: Fields) -> Fields:
        """The values of a step as the entity takes them."""
        hours = {"expires_at": self.instant(values["expires_at"])} if "expires_at" in values else {}
        return {**values, **hours}

    def alive(self, who: str) -> Known | None:
        """The item, unless its time has passed."""
        known = self.items.get(who)
        if known is None or (known.fields["expires_at"] or datetime.max.replace(tzinfo=self.start.tzinfo)) <= (
            self.clock.now()
        ):
            return None
        return known

    def is_taken(self, who: str, fields: Fields, leaving: str = "") -> bool:
        """Whether another living item holds one of the unique values."""
        others = [known for name in self.items if name not in (who, leaving) and (known := self.alive(name))]
        for names in self.kind.uniques:
            values = [fields[name] for name in names]
            if None not in values and any([known.fields[name] for name in names] == values for known in others):
                return True
        return False

    def updated(self, known: Known, step: Step) -> Fields | None:
        """The fields after an update; None where a rule forbids it."""
        names = [*step.values, *step.removed, *step.added]
        if not names or len(set(names)) < len(names):
            return None
        removed = {name: self.kind.defaults[name] for name in step.removed}
        added = {name: _sum(known.fields[name], delta) for name, delta in step.added.items()}
        fields = {**known.fields, **self.said(step.values), **removed, **added}
        return fields if 0 <= fields.get("rank", 0) <= 9 else None


def _sum(value: Any, delta: Any) -> Any:
    return value | delta if isinstance(delta, set) else value + delta


class History:
    """Takes each step in the model and in the table, and compares."""

    def __init__(self, core: CoreTable, kind: Kind, clock: ManualClock) -> None:
        self.core = core
        self.kind = kind
        self.clock = clock
        self.model = Model(kind, clock)

    def take(self, step: Step) -> None:
        """One step; what the model refuses the table must refuse for the same reason."""
        if step.kind == "wait":
            self.clock.advance(timedelta(hours=1))
            return
        verdict, write = getattr(self, f"_{step.kind.replace(' ', '_')}")(step)
        if verdict is None:
            written = write()
            if isinstance(written, Entity) and not step.kind.startswith("delete"):
                self._compare(step.other if step.kind == "move" else step.who, written)
            return
        with pytest.raises(Model.errors[verdict]):
            write()

    def _entity(self, step: Step, version: int = 0) -> Entity:
        values = {**self.kind.defaults, **self.model.said(step.values)}
        return self.kind.entity.model_validate({self.kind.identity: step.who, "version": version, **values})

    def _instance(self, who: str) -> Entity:
        known = self.model.alive(who)
        fields = {**self.kind.defaults} if known is None else known.fields
        version = 1 if known is None else known.version
        return self.kind.entity.model_validate({self.kind.identity: who, "version": version, **fields})

    def _keep(self, who: str, fields: Fields, version: int) -> None:
        self.model.items[who] = Known(fields, version)

    def _create(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        entity = self._entity(step)
        verdict = self._free(step.who, entity)
        if self.model.alive(step.who) is not None:
            verdict = "exists"
        if verdict is None:
            self._keep(step.who, _fields(entity, self.kind), 1)
        return verdict, lambda: self.core.create(entity)

    def _put(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        entity = self._entity(step)
        verdict = self._free(step.who, entity)
        if verdict is None:
            before = self.model.items.get(step.who)
            self._keep(step.who, _fields(entity, self.kind), 1 if before is None else before.version + 1)
        return verdict, lambda: self.core.put(entity)

    def _replace(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        known = self.model.alive(step.who)
        version = (1 if known is None else known.version) + step.stale
        entity = self._entity(step, version)
        verdict = self._free(step.who, entity)
        if known is None or step.stale:
            verdict = "missing" if known is None else "moved on"
        if verdict is None:
            self._keep(step.who, _fields(entity, self.kind), version + 1)
        return verdict, lambda: self.core.replace(entity)

    def _free(self, who: str, entity: Entity, leaving: str = "") -> str | None:
        return "taken" if self.model.is_taken(who, _fields(entity, self.kind), leaving) else None

    def _update(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        return self._updating(step, lambda: (self.kind.entity, {self.kind.identity: step.who}))

    def _update_instance(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        instance = self._instance(step.who)
        return self._updating(step, lambda: (instance, {}))

    def _updating(self, step: Step, target: Callable[[], tuple[Any, Fields]]) -> tuple[str | None, Callable[[], Any]]:
        known = self.model.alive(step.who)
        entity, identity = target()
        set_ = self.model.said(step.values)

        def write() -> Any:
            return self.core.update(entity, set=set_, remove=step.removed, add=step.added, **identity)

        names = [*step.values, *step.removed, *step.added]
        if not names or len(set(names)) < len(names):
            return "refused", write
        if known is None:
            return ("missing" if identity else "missing, and refused anyway"), write
        fields = self.model.updated(known, step)
        if fields is None:
            return "refused", write
        if self.model.is_taken(step.who, fields):
            return "taken", write
        self._keep(step.who, fields, known.version + 1)
        return None, write

    def _move(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        instance, changes = self._instance(step.who), self.model.said(step.values)

        def write() -> Any:
            return self.core.move(instance, **{self.kind.identity: step.other}, **changes)

        if step.other == step.who:
            return "refused", write
        known = self.model.alive(step.who)
        if known is None:
            return ("missing, and the other place taken" if self.model.alive(step.other) else "missing"), write
        fields = {**known.fields, **changes}
        if self.model.alive(step.other) is not None:
            return "exists", write
        if self.model.is_taken(step.other, fields, leaving=step.who):
            return "taken", write
        del self.model.items[step.who]
        self._keep(step.other, fields, known.version + 1)
        return None, write

    def _delete(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        self.model.items.pop(step.who, None)
        identity: Fields = {self.kind.identity: step.who}
        return None, lambda: self.core.delete(self.kind.entity, **identity)

    def _delete_instance(self, step: Step) -> tuple[str | None, Callable[[], Any]]:
        instance = self._instance(step.who)
        if self.model.alive(step.who) is not None or step.who not in self.model.items:
            self.model.items.pop(step.who, None)
            return None, lambda: self.core.delete(instance)
        return None, lambda: None

    def _compare(self, who: str, found: Entity) -> None:
        known = self.model.items[who]
        assert (found.version, _fields(found, self.kind)) == (known.version, known.fields)

    def check(self) -> None:
        """No key or sentinel in the table is wrong."""
        items = everything(self.core, SHELF)
        assert_shelf_is_consistent(items, self.clock.now().timestamp())
        assert {item[self.kind.identity]["S"] for item in items if "holder" not in item} == set(self.model.items)

    def check_items(self) -> None:
        """What anybody finds in the table is what the model holds."""
        for who in IDENTITIES:
            identity: Fields = {self.kind.identity: who}
            found = self.core.find(self.kind.entity, consistent=True, **identity)
            assert (found is None) == (self.model.alive(who) is None)
            if found is not None:
                self._compare(who, found)


def _fields(entity: Entity, kind: Kind) -> Fields:
    return {name: getattr(entity, name) for name in kind.values}


def wipe(core: CoreTable) -> None:
    """Empty the shelf."""
    name = core.context.names[SHELF]
    for item in everything(core, SHELF):
        core.runner.transport.send(
            Request("DeleteItem", {"TableName": name, "Key": {"PK": item["PK"], "SK": item["SK"]}})
        )


def run(anew: Anew, kind: Kind, examples: int) -> None:
    """Histories of up to a dozen steps, each on an empty table."""
    clock = ManualClock()
    core = anew(SHELF, clock=clock)

    @settings(max_examples=examples)
    @given(st.lists(kind.steps(), min_size=1, max_size=12))
    def histories(steps: list[Step]) -> None:
        wipe(core)
        history = History(core, kind, clock)
        for step in steps:
            history.take(step)
            history.check()
        history.check_items()

    histories()


@pytest.mark.parametrize("engine", ENGINES, indirect=True)
@pytest.mark.parametrize("kind", [PLANES, BADGES], ids=["planes", "badges"])
def test_no_history_of_writes_leaves_anything_stale_half_or_orphaned(anew: Anew, engine: str, kind: Kind) -> None:
    run(anew, kind, examples=settings().max_examples if engine == "memory" else 12)
