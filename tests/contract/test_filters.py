"""Filters: every kind of condition means in DynamoDB what it says in Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne, not_, truth
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_entities import SHELF, Part, Place, State, Unreachable, half_as_many, on_loan, stored, unused_name

from aircraftops_data import CoreTable
from aircraftops_data.errors import InvalidInputError, InvalidValueError
from aircraftops_data.model.conditions import Condition

Connect = Callable[..., CoreTable]
Predicate = Callable[[Part], bool]
OfField = Callable[[str], st.SearchStrategy[Any]]


@dataclass(frozen=True)
class Question:
    """A condition, and what it means in Python."""

    condition: Condition
    holds: Predicate

    def __and__(self, other: Question) -> Question:
        return Question(self.condition & other.condition, lambda part: self.holds(part) and other.holds(part))

    def __or__(self, other: Question) -> Question:
        return Question(self.condition | other.condition, lambda part: self.holds(part) or other.holds(part))

    def __invert__(self) -> Question:
        return Question(~self.condition, lambda part: not self.holds(part))

    def __repr__(self) -> str:
        return str(self.condition)


# Few values of each kind, so that conditions meet the parts.
texts = st.sampled_from(["", "a", "ab", "b", "é"])
letters = st.sampled_from("abc")
numbers = st.integers(-3, 3)
masses = st.sampled_from([Decimal(text) for text in ("-1.50", "0", "0.1", "2", "1E+20")])
instants = st.sampled_from([datetime(2025, 1, 1, hour, tzinfo=UTC) for hour in range(4)])
days = st.dates(date(2025, 1, 1), date(2025, 1, 4))
places = st.builds(Place, rack=letters, level=numbers)

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "mass": masses,
    "cycles": numbers,
    "serviceable": st.booleans(),
    "state": st.sampled_from(State),
    "received_at": instants,
    "inspected_on": days,
    "remark": texts,
    "place.rack": letters,
    "place.level": numbers,
    "notes[0]": letters,
    "notes": st.lists(letters, max_size=2),
    "place": places,
    "labels": st.sets(letters, min_size=1),
    "sizes": st.sets(numbers, min_size=1),
}
ORDERED = ("mass", "cycles", "received_at", "inspected_on", "remark", "place.rack", "place.level", "notes[0]")
OPTIONAL = ("mass", "received_at", "inspected_on", "remark", "place")
parts = st.builds(
    Part,
    shelf=st.just("-"),
    serial=st.text("abc", min_size=1, max_size=4),
    cycles=numbers,
    serviceable=st.booleans(),
    state=st.sampled_from(State),
    labels=st.sets(letters),
    sizes=st.sets(numbers),
    notes=st.lists(letters, max_size=2),
    **{name: VALUES[name] | st.none() for name in OPTIONAL},
)


def path(name: str) -> Any:
    """A field, or a place inside one, as conditions name it."""
    if name.endswith("[0]"):
        return Part.f[name.removesuffix("[0]")][0]
    whole, _, inner = name.partition(".")
    return Part.f[whole][inner] if inner else Part.f[whole]


def value(part: Part, name: str) -> Any:
    """What stands there in a part; None where nothing is stored."""
    if name.endswith("[0]"):
        found = getattr(part, name.removesuffix("[0]"))
        return found[0] if found else None
    whole, _, inner = name.partition(".")
    found = getattr(part, whole)
    return found and (getattr(found, inner) if inner else found)


def compared(name: str, operator: Callable[[Any, Any], Any], other: Any) -> Question:
    """`=` and `<>` of any field, the others of those with an order; nothing stored is unequal to everything."""

    def holds(part: Part) -> bool:
        mine = value(part, name)
        return operator is ne if mine is None else bool(operator(mine, other))

    return Question(operator(path(name), other), holds)


def between(name: str, pair: list[Any]) -> Question:
    """Both ends included."""
    low, high = sorted(pair)
    holds: Predicate = lambda part: value(part, name) is not None and low <= value(part, name) <= high  # noqa: E731
    return Question(path(name).between(low, high), holds)


def is_in(name: str, choices: list[Any]) -> Question:
    """One of several."""
    return Question(path(name).is_in(*choices), lambda part: value(part, name) in choices)


def exists(name: str) -> Question:
    """Stored at all."""
    return Question(path(name).exists(), lambda part: value(part, name) is not None)


def does_not_exist(name: str) -> Question:
    """Not stored."""
    return Question(path(name).does_not_exist(), lambda part: value(part, name) is None)


def starts_with(name: str, prefix: str) -> Question:
    """The beginning of a text."""
    return Question(path(name).starts_with(prefix), lambda part: (value(part, name) or "\0").startswith(prefix))


def contains(name: str, part: Any) -> Question:
    """A part of a text, an element of a list or set."""
    return Question(path(name).contains(part), lambda whole: part in (value(whole, name) or ()))


def sized(name: str, operator: Callable[[Any, Any], Any], size: int) -> Question:
    """How long or how many."""
    return Question(operator(path(name).size(), size), lambda part: bool(operator(len(value(part, name)), size)))


def of_a_field(names: tuple[str, ...], make: Callable[..., Question], *more: OfField) -> st.SearchStrategy[Question]:
    """Questions about one of these fields, with values of its kind."""
    return st.sampled_from(names).flatmap(lambda name: st.builds(make, st.just(name), *(of(name) for of in more)))


orders = st.sampled_from([lt, le, gt, ge])
questions = st.one_of(
    of_a_field(tuple(VALUES), compared, lambda _: st.sampled_from([eq, ne]), VALUES.__getitem__),
    of_a_field(ORDERED, compared, lambda _: orders, VALUES.__getitem__),
    of_a_field(ORDERED, between, lambda name: st.lists(VALUES[name], min_size=2, max_size=2)),
    of_a_field(tuple(VALUES), is_in, lambda name: st.lists(VALUES[name], min_size=1, max_size=3)),
    of_a_field((*OPTIONAL, "place.rack", "notes[0]"), exists),
    of_a_field((*OPTIONAL, "place.level"), does_not_exist),
    of_a_field(("serial", "remark", "place.rack"), starts_with, lambda _: st.sampled_from(["a", "ab", "b"])),
    of_a_field(("serial", "labels", "notes"), contains, lambda _: letters),
    of_a_field(("sizes",), contains, lambda _: numbers),
    of_a_field(("serial", "notes"), sized, lambda _: st.sampled_from([eq, ne, lt, le, gt, ge]), lambda _: numbers),
)
combined = st.recursive(
    questions,
    lambda inner: st.one_of(
        st.builds(Question.__and__, inner, inner),
        st.builds(Question.__or__, inner, inner),
        st.builds(Question.__invert__, inner),
    ),
    max_leaves=5,
)


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """A shelf, shared by all examples of a test."""
    return connect(SHELF)


@half_as_many
@given(st.lists(parts, min_size=1, max_size=8, unique_by=lambda part: part.serial), st.lists(combined, max_size=2))
def test_a_condition_means_what_it_says_in_python(core: CoreTable, some: list[Part], asked: list[Question]) -> None:
    shelf = unused_name()
    shelved = [part.model_copy(update={"shelf": shelf}) for part in some]
    query = core.query(Part.primary(shelf=shelf))
    with on_loan(core, shelved):
        for question in asked:
            expected = sorted(part.serial for part in shelved if question.holds(part))
            assert [part.serial for part in query.where(question.condition)] == expected
            assert query.where(question.condition).count() == len(expected)


def test_conditions_given_one_after_the_other_all_hold(core: CoreTable) -> None:
    stored(core, [Part(shelf="s", serial=str(cycles), cycles=cycles) for cycles in range(9)])
    query = core.query(Part.primary(shelf="s")).where((Part.f.cycles < 3) | (Part.f.cycles > 6))
    assert [part.cycles for part in query.where(Part.f.cycles > 1).where(Part.f.cycles != 8)] == [2, 7]


OPERANDS: dict[str, Condition] = {
    "an instant of another zone": Part.f.received_at == datetime(2025, 1, 1, 13, tzinfo=timezone(timedelta(hours=1))),
    "an enum by its value": Part.f.state == "NEW",
    "an enum": Part.f.state == State.NEW,
    "a float": Part.f.mass == 1.5,
    "a Decimal": Part.f.cycles == Decimal(7),
    "a nested field": Part.f.place.rack == "r",
    "a nested item": Part.f["place"]["level"] == 2,
    "a list and its index": Part.f.notes.contains("x") & Part.f.notes[1].exists(),
    "a size and a size": Part.f.serial.size() == Part.f.notes.size(),
    "a size and a field": Part.f.notes.size() < Part.f.cycles,
    "a field and a nested field": Part.f.cycles > Part.f.place.level,
    "a field and a size": Part.f.cycles > Part.f.notes.size(),
    "what the library keeps": Part.f.expires_at.does_not_exist() & (Part.f.version == 1),
    "sets": Part.f.sizes.is_in({3}, {1, 2}),
}


def test_an_operand_is_written_as_its_field_is(core: CoreTable) -> None:
    whole = Part(
        shelf="s",
        serial="12",
        mass=Decimal("1.50"),
        cycles=7,
        received_at=datetime(2025, 1, 1, 12, tzinfo=UTC),
        sizes={1, 2},
        notes=["x", "y"],
        place=Place(rack="r", level=2),
    )
    core.create(whole)
    core.create(Part(shelf="s", serial="other", state=State.USED, expires_at=datetime(2999, 1, 1, tzinfo=UTC)))
    query = core.query(Part.primary(shelf="s"))
    found = {name: [part.serial for part in query.where(condition)] for name, condition in OPERANDS.items()}
    assert found == {name: ["12"] for name in OPERANDS}


def test_an_empty_set_is_one_that_is_not_stored(core: CoreTable) -> None:
    stored(core, [Part(shelf="s", serial="bare"), Part(shelf="s", serial="labelled", labels={"x"})])
    query = core.query(Part.primary(shelf="s"))
    assert [part.serial for part in query.where(Part.f.labels.does_not_exist())] == ["bare"]
    assert [part.serial for part in query.where(Part.f.labels.exists())] == ["labelled"]


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        (lambda: Part.f.remark == None, InvalidValueError),  # noqa: E711 - what is refused
        (lambda: Part.f.remark != None, InvalidValueError),  # noqa: E711
        (lambda: Part.f.place.rack == None, InvalidValueError),  # noqa: E711
        (lambda: Part.f.remark.is_in("a", None), InvalidValueError),
        (lambda: Part.f.cycles.between(None, 3), InvalidValueError),
        (lambda: Part.f.remark.contains(None), InvalidValueError),
        (lambda: Part.f.received_at > datetime(2025, 1, 1), InvalidValueError),  # noqa: DTZ001 - what is refused
        (lambda: Part.f.mass == Decimal("Infinity"), InvalidValueError),
        (Part.f.remark.is_in, InvalidInputError),
        (lambda: Part.f.remark.is_in(*map(str, range(101))), InvalidInputError),
    ],
)
def test_what_no_item_can_be_compared_with_is_refused_unsent(
    condition: Callable[[], Condition], error: type[InvalidInputError]
) -> None:
    core = CoreTable(Unreachable())
    with pytest.raises(error):
        core.query(Part.primary(shelf="s")).where(condition()).all()


def test_a_hundred_choices_are_taken(core: CoreTable) -> None:
    stored(core, [Part(shelf="s", serial=str(number), cycles=number) for number in range(120)])
    assert core.query(Part.primary(shelf="s")).where(Part.f.cycles.is_in(*range(50, 150))).count() == 70


def test_a_condition_has_no_truth_value_so_and_and_or_cannot_drop_a_part() -> None:
    for asked in (truth, not_):
        with pytest.raises(TypeError, match="combine conditions with &"):
            asked(Part.f.cycles > 1)


def test_a_field_nobody_declared_has_no_path() -> None:
    with pytest.raises(AttributeError, match="Part has no field 'colour'"):
        Part.f.colour


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["local"], indirect=True)
def test_the_size_of_what_is_not_stored_is_no_size(core: CoreTable) -> None:
    core.create(Part(shelf="s", serial="bare"))
    query = core.query(Part.primary(shelf="s"))
    assert query.where(Part.f.labels.size() >= 0).all() == []
    assert query.where(~(Part.f.labels.size() >= 0)).count() == 1
