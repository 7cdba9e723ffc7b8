"""Key queries select exactly the items they name: checked against a model that compares keys as DynamoDB does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import compress
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import StringConstraints

from aircraftops_data import GSI1, Index, KeyAttribute, PrimaryKey, SecondaryIndex, Table
from aircraftops_data.errors import InvalidKeyError
from aircraftops_data.model.declarations import KeyQuery, SortCondition
from aircraftops_data.model.definition import Item
from strategies import KINDS, Kind, awkward_texts, names
from throwaway import declare, indexed, selects

Pair = tuple[Any, str]
OTHERS = ("LOG", "LOGS#{tail}", "LO#{tail}", "A#{tail}", "M", "LOH#{tail}")
PLACES = ("LOG#{value}#{tail}", "LOG#{tail}#{value}", "LOG#{value}", "{value}#{tail}", "{value}")


def log_of(kind: Kind, sort: str) -> Any:
    """An entity whose sort key holds a component of this kind, in a table of its own."""
    spec = f":{kind.spec}" if kind.spec else ""
    table = Table("Logs")
    fields = {"shelf": str, "value": kind.annotation, "tail": str}
    return declare(table, fields, PrimaryKey("SHELF#{shelf}", sort.replace("{value}", f"{{value{spec}}}")))


def neighbours(log: Any) -> list[Any]:
    """Entities that live in the same partitions, under sort keys that come close."""
    table = log.definition().table
    return [declare(table, {"shelf": str, "tail": str}, PrimaryKey("SHELF#{shelf}", sort)) for sort in OTHERS]


LOGS = {sort: [(kind, log_of(kind, sort)) for kind in KINDS] for sort in PLACES}
NEIGHBOURS = {log: neighbours(log) for sort in PLACES if sort.startswith("LOG#") for _, log in LOGS[sort]}
every_place = pytest.mark.parametrize("place", PLACES)


def logs(place: str) -> st.SearchStrategy[tuple[Kind, Any]]:
    """A kind of component and the entity that has it in this place of its sort key; text, the trickiest, often."""
    return st.just(LOGS[place][0]) | st.sampled_from(LOGS[place])


def key_of(entity: Any, **components: Any) -> Item:
    """The primary key of an entity."""
    names = entity.definition().primary.components
    return dict(entity.definition().identify({name: components[name] for name in names}))


def selected(query: KeyQuery[Any], log: Any, pairs: list[Pair]) -> list[Pair]:
    """Which of these items the query selects."""
    return [pair for pair in pairs if selects(query, key_of(log, shelf="s", value=pair[0], tail=pair[1]))]


def refuses_strangers(query: KeyQuery[Any], log: Any, pairs: list[Pair]) -> bool:
    """Whether the query selects nothing of other partitions and nothing of other entities in its own."""
    tails = [tail for _, tail in pairs]
    near = [key_of(other, shelf="s", tail=tail) for other in NEIGHBOURS.get(log, []) for tail in tails]
    far = [key_of(log, shelf=shelf, value=value, tail=tail) for value, tail in pairs for shelf in ("", "s#", "S", "ss")]
    return not any(selects(query, key) for key in (*near, *far))


@dataclass(frozen=True)
class Case:
    """Items of an entity, two bounds in order, and a query that leaves only `value` open."""

    kind: Kind
    log: Any
    pairs: list[Pair]
    low: Any
    high: Any
    tail: str

    @property
    def query(self) -> KeyQuery[Any]:
        """A query of the items with this tail where the tail stands first, otherwise of all."""
        return self.log.primary(shelf="s", **({"tail": self.tail} if self._tail_leads else {}))

    @property
    def _tail_leads(self) -> bool:
        return bool(self.log.definition().primary.sort.template.components[0] == "tail")

    def check(self, query: KeyQuery[Any], holds: Callable[[Any], bool]) -> None:
        """Assert that the query selects the items in reach whose value passes, and nothing else."""
        expected = [(v, tail) for v, tail in self.pairs if holds(v) and (tail == self.tail or not self._tail_leads)]
        assert selected(query, self.log, self.pairs) == expected
        assert refuses_strangers(query, self.log, self.pairs)


@st.composite
def cases(draw: st.DrawFn, place: str) -> Case:
    """Items and bounds for an entity with its component in this place."""
    kind, log = draw(logs(place))
    values = kind.values if kind.name != "text" else awkward_texts()
    # A key that is one component alone is that component as it is, and no key is empty.
    values = values.filter(lambda value: place != "{value}" or value != "")
    pairs = draw(st.lists(st.tuples(values, awkward_texts(3)), max_size=8))
    known = st.sampled_from(pairs) if pairs else st.tuples(values, awkward_texts(3))
    low, high = sorted(draw(st.tuples(values | known.map(lambda pair: pair[0]), values)), key=kind.order)
    return Case(kind, log, pairs, low, high, draw(known)[1])


@every_place
@given(data=st.data())
def test_a_range_selects_the_items_within_its_bounds_and_no_others(place: str, data: st.DataObject) -> None:
    case = data.draw(cases(place))
    order, low, high = case.kind.order, case.low, case.high
    case.check(case.query.between(value=(low, high)), lambda value: order(low) <= order(value) <= order(high))
    case.check(case.query.at_least(value=low), lambda value: order(value) >= order(low))
    case.check(case.query.at_most(value=high), lambda value: order(value) <= order(high))


@every_place
@given(data=st.data())
def test_given_components_select_the_items_that_have_them_and_no_others(place: str, data: st.DataObject) -> None:
    case = data.draw(cases(place))
    names = case.log.definition().primary.sort.template.components
    wanted = {"value": case.kind.order(case.low), "tail": case.tail}
    for count in range(len(names) + 1):
        query = case.log.primary(shelf="s", **{n: case.low if n == "value" else case.tail for n in names[:count]})
        held = [{"value": case.kind.order(value), "tail": tail} for value, tail in case.pairs]
        matching = [all(values[name] == wanted[name] for name in names[:count]) for values in held]
        assert selected(query, case.log, case.pairs) == list(compress(case.pairs, matching))
        assert refuses_strangers(query, case.log, case.pairs)


@every_place
@given(data=st.data(), beginning=awkward_texts(2))
def test_starts_with_selects_the_items_whose_component_begins_so(
    place: str, data: st.DataObject, beginning: str
) -> None:
    case = data.draw(cases(place).filter(lambda case: case.kind.name == "text"))
    case.check(case.query.starts_with(value=beginning), lambda value: bool(value.startswith(beginning)))


@pytest.mark.parametrize("place", ["LOG#{value}#{tail}", "LOG#{value}", "{value}#{tail}", "{value}"])
@example([("SMITH", "a"), ("SMITH J", "a")], "A", "SMITH")
@given(st.lists(st.tuples(names(), names()), max_size=6), names(), names())
def test_an_unescaped_range_is_exact_or_refused(place: str, pairs: list[Pair], low: str, high: str) -> None:
    shelf = declare(Table("T", escape_keys=False), {"value": str, "tail": str}, PrimaryKey("P", place))
    low, high = sorted((low, high))
    try:
        query = shelf.primary().between(value=(low, high))
        found = [pair for pair in pairs if selects(query, key_of(shelf, value=pair[0], tail=pair[1]))]
    except InvalidKeyError:
        return
    assert found == [pair for pair in pairs if low <= pair[0] <= high]


# What the conditions look like


SHELF = Table("Shelf", indexes=(GSI1,))
Code = Annotated[str, StringConstraints(to_upper=True, pattern="^[A-Za-z]{2}$")]
Book = declare(
    SHELF,
    {"shelf": str, "code": Code, "day": date, "title": str | None},
    PrimaryKey("SHELF#{shelf}", "BOOK#{code}#{day}"),
    by_title=Index(GSI1, "TITLE#{title}", "SHELF#{shelf}"),
)


def sort_of(query: KeyQuery[Any]) -> tuple[str, tuple[str, ...]] | None:
    """A query's condition on the sort key, as operator and texts."""
    return None if query.sort is None else (query.sort.operator, tuple(value["S"] for value in query.sort.values))


def test_what_each_kind_of_query_sends() -> None:
    query = Book.primary(shelf="s")
    assert query.partition == {"S": "SHELF#s"}
    assert sort_of(query) == ("begins_with", ("BOOK#",))
    assert sort_of(Book.primary(shelf="s", code="ab")) == ("begins_with", ("BOOK#AB#",))
    assert sort_of(Book.primary(shelf="s", code="ab", day=date(2026, 1, 2))) == ("=", ("BOOK#AB#2026-01-02",))
    assert sort_of(query.between(code=("ab", "cd"))) == ("BETWEEN", ("BOOK#AB", "BOOK#CD$"))
    assert sort_of(query.at_least(code="ab")) == ("BETWEEN", ("BOOK#AB", "BOOK$"))
    assert sort_of(query.at_most(code="ab")) == ("BETWEEN", ("BOOK#", "BOOK#AB$"))
    assert sort_of(query.starts_with(code="A")) == ("begins_with", ("BOOK#A",))


def test_a_query_is_a_value() -> None:
    assert Book.primary(shelf="s") == Book.primary(shelf="s")
    assert Book.primary(shelf="s") != Book.primary(shelf="t")
    assert Book.primary(shelf="s").at_least(code="ab") != Book.primary(shelf="s")
    assert Book.primary(shelf="s").entity is Book


def test_a_query_has_one_range() -> None:
    query = Book.primary(shelf="s").at_least(code="ab")
    for again in (query.at_most, query.at_least, query.starts_with):
        with pytest.raises(InvalidKeyError, match="one range"):
            again(code="cd")


def test_components_and_bounds_are_normalised_by_their_fields() -> None:
    assert sort_of(Book.primary(shelf="s", code="ab")) == sort_of(Book.primary(shelf="s", code="AB"))
    assert Book.primary(shelf="s").between(code=("ab", "cd")) == Book.primary(shelf="s").between(code=("AB", "CD"))
    day = "2026-01-02"
    assert sort_of(Book.primary(shelf="s", code="AB").at_least(day=day)) == sort_of(
        Book.primary(shelf="s", code="AB").at_least(day=date(2026, 1, 2))
    )


def test_a_declaration_reads_the_same_from_an_instance() -> None:
    book = Book(shelf="s", code="ab", day=date(2026, 1, 2), title="t")
    assert book.by_title(title="t") == Book.by_title(title="t")


def test_the_sort_condition_says_which_operator_it_takes() -> None:
    assert Book.by_title(title="t").sort == SortCondition("begins_with", ({"S": "SHELF#"},))


def test_a_key_without_a_sort_key_has_no_condition_on_it() -> None:
    table = Table("Flat", sort_key=None)
    flat = declare(table, {"id": str}, PrimaryKey("FLAT#{id}"))
    assert flat.primary(id="a").sort is None
    with pytest.raises(InvalidKeyError, match="no sort key"):
        flat.primary(id="a").at_least(id="b")


def test_a_number_as_sort_key_is_compared_as_a_number() -> None:
    table = Table("Readings", sort_key=KeyAttribute("at", "N"))
    reading = declare(table, {"meter": str, "at": Decimal}, PrimaryKey("METER#{meter}", "{at}"))
    query = reading.primary(meter="m")
    assert query.sort is None
    assert reading.primary(meter="m", at=5).sort == SortCondition("=", ({"N": "5"},))
    assert query.between(at=(1, Decimal("2.5"))).sort == SortCondition("BETWEEN", ({"N": "1"}, {"N": "2.5"}))
    assert query.at_least(at=-1).sort == SortCondition(">=", ({"N": "-1"},))
    assert query.at_most(at=7).sort == SortCondition("<=", ({"N": "7"},))
    with pytest.raises(InvalidKeyError, match="not text"):
        query.starts_with(at="1")


@pytest.mark.parametrize("sort", ["OP#{op}#{kind}", "KIND#{kind}#{op}", "{kind}#{op}#{id}"])
def test_a_component_of_both_keys_is_given_once(sort: str) -> None:
    table = Table("T", indexes=(GSI1,))
    entity = indexed(table, {"op": str, "kind": str}, GSI1, "OP#{op}", sort)
    item = {"GSI1PK": {"S": "OP#UAL"}, "GSI1SK": entity.definition().indexes[0].build(KINDLY)["GSI1SK"]}
    for query in (entity.by(op="UAL"), entity.by(op="UAL", kind="K"), entity.by(op="UAL").between(kind=("J", "K"))):
        assert selects(query, item)
    assert not selects(entity.by(op="UAL", kind="L"), item)


KINDLY = {"op": "UAL", "kind": "K", "id": "1"}

# What is refused


@pytest.mark.parametrize(
    ("components", "why"),
    [
        ({}, "'shelf' is missing"),
        ({"shelf": "s", "day": date(2026, 1, 2)}, "'day' is given without 'code'"),
        ({"shelf": "s", "colour": "red"}, "no component 'colour'"),
        ({"shelf": "s", "title": "t"}, "no component 'title'"),
        ({"shelf": "s", "code": "abc"}, "code"),
        ({"shelf": 5}, "shelf"),
        ({"shelf": None}, "shelf"),
        ({"shelf": "s", "code": None}, "code"),
    ],
)
def test_components_that_make_no_query_are_refused(components: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidKeyError, match=why):
        Book.primary(**components)


def test_none_is_refused_in_a_sparse_index_too() -> None:
    with pytest.raises(InvalidKeyError, match="'title' is None"):
        Book.by_title(title=None)


@pytest.mark.parametrize("method", ["between", "at_least", "at_most", "starts_with"])
@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        ({}, "exactly one"),
        ({"code": ("a", "b"), "day": ("a", "b")}, "exactly one"),
        ({"day": ("2026-01-01", "2026-01-02")}, "'code' comes next"),
        ({"shelf": ("a", "b")}, "'code' comes next"),
        ({"colour": ("a", "b")}, "'code' comes next"),
    ],
)
def test_a_range_takes_one_bound_of_the_next_component(method: str, bounds: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidKeyError, match=why):
        getattr(Book.primary(shelf="s"), method)(**bounds)


def test_a_range_behind_the_last_component_is_refused() -> None:
    with pytest.raises(InvalidKeyError, match="none is left"):
        Book.primary(shelf="s", code="ab", day=date(2026, 1, 2)).at_least(day=date(2026, 1, 2))


@pytest.mark.parametrize("bounds", [("a", "b", "c"), ("a",), "ab", 5, None, {"a", "b"}])
def test_between_takes_a_pair_of_bounds(bounds: Any) -> None:
    with pytest.raises(InvalidKeyError):
        Book.primary(shelf="s").between(code=bounds)


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(InvalidKeyError, match="order"):
        Book.primary(shelf="s").between(code=("cd", "ab"))


@pytest.mark.parametrize("method", ["at_least", "at_most"])
def test_none_is_no_bound(method: str) -> None:
    with pytest.raises(InvalidKeyError, match="None"):
        getattr(Book.primary(shelf="s"), method)(code=None)


@pytest.mark.parametrize("bound", ["2026-13-01", 5.5, "yesterday"])
def test_a_bound_its_field_refuses_is_refused(bound: Any) -> None:
    with pytest.raises(InvalidKeyError, match="'day'"):
        Book.primary(shelf="s", code="ab").at_least(day=bound)


@pytest.mark.parametrize("beginning", [5, None, b"A", "\ud800"])
def test_starts_with_takes_text(beginning: Any) -> None:
    with pytest.raises(InvalidKeyError):
        Book.primary(shelf="s").starts_with(code=beginning)


# Limits


@pytest.mark.parametrize("letter", ["a", "é", "\u2028", "\U0001f6e9", "#"])
def test_a_partition_key_may_take_2048_bytes_and_a_sort_key_1024(letter: str) -> None:
    plain = declare(Table("Plain"), {"a": str, "b": str}, PrimaryKey("P#{a}", "S#{b}"))
    width = 3 if letter == "#" else len(letter.encode())
    for name, other, limit in (("a", "b", 2048), ("b", "a", 1024)):
        count, rest = divmod(limit - 2, width)
        fits = letter * count + "x" * rest
        key = key_of(plain, **{name: fits, other: "x"})
        assert max(len(value["S"].encode()) for value in key.values()) == limit
        with pytest.raises(InvalidKeyError, match=f"{limit + 1} bytes"):
            key_of(plain, **{name: fits + "x", other: "x"})


def test_an_index_key_over_the_limit_is_refused_before_anything_is_sent() -> None:
    entity = indexed(Table("T", indexes=(GSI1,)), {"name": str}, GSI1, "N", "N#{name}")
    with pytest.raises(InvalidKeyError, match="GSI1SK"):
        entity.by(name="x" * 1023)


def test_an_empty_key_is_refused() -> None:
    flat = declare(Table("Flat", sort_key=None), {"id": str}, PrimaryKey("{id}"))
    with pytest.raises(InvalidKeyError, match="0 bytes"):
        key_of(flat, id="")


@pytest.mark.parametrize("projection", ["ALL", "KEYS_ONLY", ("x",)])
def test_an_index_is_asked_by_its_own_key_whatever_it_carries(projection: Any) -> None:
    index = SecondaryIndex("I", KeyAttribute("IPK"), KeyAttribute("ISK"), projection)
    entity = indexed(Table("T", indexes=(index,)), {"name": str}, index, "N#{name}", "ID#{id}")
    query = entity.by(name="n")
    assert query.key.index == index
    assert (query.key.partition.attribute.name, query.partition) == ("IPK", {"S": "N#n"})
