"""Queries: lazy, exact in what they ask for, and sure of whose items they find."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date
from operator import attrgetter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_entities import (
    LOGBOOK,
    Cover,
    Entry,
    Remark,
    entries,
    entry,
    half_as_many,
    on_loan,
    put_raw,
    raw_entry,
    remark,
    stored,
    titles,
    unused_name,
    watched,
)

from aircraftops_data import CoreTable
from aircraftops_data.errors import (
    InvalidInputError,
    InvalidKeyError,
    NotFoundError,
    NotUniqueError,
    UnknownEntityTypeError,
    WrongEntityTypeError,
)
from aircraftops_data.model.declarations import KeyQuery

Connect = Callable[..., CoreTable]
Book = list[Entry]

# Characters around the separator and the escape, and one beyond ASCII: where a wrong order or prefix would show.
words = st.text("A!#$%&é", min_size=1, max_size=3)
kinds = st.sampled_from(["A", "A#", "AB", "A%23", "B", "é"]) | words
numbers = st.integers(-20, 20)
days = st.dates(date(2024, 12, 1), date(2025, 2, 1))


@pytest.fixture
def core(connect: Connect) -> CoreTable:
    """A logbook, shared by all examples of a test."""
    return connect(LOGBOOK)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Up to a dozen entries of a book of its own, no two of one title, all at one station."""
    book = unused_name()
    places = draw(st.lists(st.tuples(kinds, words), min_size=1, max_size=12, unique_by=lambda place: place[1]))
    return [entry(book, title, kind=kind, number=draw(numbers), day=draw(days), station=book) for kind, title in places]


@contextmanager
def among_others(core: CoreTable, book: Book) -> Generator[None]:
    """A book for one example, with other entities before and behind it in each of its partitions."""
    name = book[0].book
    with on_loan(core, [*book, Cover(book=name, station=name), remark(name, station=name)]):
        yield


def pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Two values, the lower one first."""
    return st.tuples(values, values).map(lambda pair: (min(pair), max(pair)))


# What each bound of a query means, said in Python.
MEANS: dict[str, Callable[[Any, Any, Any], bool]] = {
    "between": lambda value, low, high: low <= value <= high,
    "at_least": lambda value, low, high: value >= low,
    "at_most": lambda value, low, high: value <= high,
    "starts_with": lambda value, low, high: str(value).startswith(str(low)),
}
bounds_by_order = st.sampled_from(["between", "at_least", "at_most"])
bounds_of_text = st.sampled_from(sorted(MEANS))


def bounded(query: KeyQuery[Entry], bound: str, component: str, pair: tuple[Any, Any]) -> KeyQuery[Entry]:
    """The query with one of its bounds on a component."""
    low, high = pair
    given_to = {"between": pair, "at_least": low, "at_most": high, "starts_with": low}
    return cast("KeyQuery[Entry]", getattr(query, bound)(**{component: given_to[bound]}))


def within(book: Book, bound: str, component: str, pair: tuple[Any, Any]) -> Book:
    """The entries Python finds within the same bound."""
    return [one for one in book if MEANS[bound](getattr(one, component), *pair)]


def finds(core: CoreTable, query: KeyQuery[Entry], found: Book, order: str) -> None:
    """The query finds exactly these entries, in the order of these fields, or in the reverse where asked."""
    expected = titles(sorted(found, key=attrgetter(*order.split())))
    assert titles(core.query(query)) == expected
    assert titles(core.query(query).newest_first()) == expected[::-1]


def test_nothing_is_sent_until_a_query_is_iterated(core: CoreTable) -> None:
    core, recorder = watched(core)
    query = core.query(Entry.primary(book="b").between(kind=("A", "B"))).where(Entry.f.number > 1)
    query = query.newest_first().consistent().include_expired().on_corrupt("skip")
    query.project("title")
    found = iter(query)
    assert recorder.requests == []
    assert list(found) == []
    assert recorder.operations == ["Query"]


def test_a_query_shows_the_request_it_would_send(core: CoreTable) -> None:
    core, recorder = watched(core)
    query = core.query(Entry.primary(book="b", kind="A")).where(Entry.f.number > 1).newest_first()
    shown = query.request()
    assert recorder.requests == []
    assert shown.parameters["ScanIndexForward"] is False
    query.all()
    assert recorder.requests == [shown]


def test_a_narrowed_query_leaves_the_one_it_came_from_as_it_was(core: CoreTable) -> None:
    stored(core, entries("b", 3))
    query = core.query(Entry.primary(book="b"))
    query.where(Entry.f.number == 0).newest_first()
    assert titles(query) == ["t0000", "t0001", "t0002"]
    assert titles(query) == ["t0000", "t0001", "t0002"]


@half_as_many
@given(book=books(), bound=bounds_of_text, pair=pairs(kinds))
def test_a_text_component_is_ordered_and_bounded_as_in_python(
    core: CoreTable, book: Book, bound: str, pair: tuple[str, str]
) -> None:
    with among_others(core, book):
        query = bounded(Entry.primary(book=book[0].book), bound, "kind", pair)
        finds(core, query, within(book, bound, "kind", pair), "kind title")


@half_as_many
@given(book=books(), bound=bounds_of_text, pair=pairs(words), data=st.data())
def test_the_last_text_component_is_ordered_and_bounded_as_in_python(
    core: CoreTable, book: Book, bound: str, pair: tuple[str, str], data: st.DataObject
) -> None:
    with among_others(core, book):
        kind = data.draw(st.sampled_from(book)).kind
        query = bounded(Entry.primary(book=book[0].book, kind=kind), bound, "title", pair)
        of_kind = [one for one in book if one.kind == kind]
        finds(core, query, within(of_kind, bound, "title", pair), "title")


@half_as_many
@given(book=books(), bound=bounds_by_order, pair=pairs(numbers))
def test_a_number_component_is_ordered_by_value(core: CoreTable, book: Book, bound: str, pair: tuple[int, int]) -> None:
    with among_others(core, book):
        query = bounded(Entry.by_station(station=book[0].book), bound, "number", pair)
        finds(core, query, within(book, bound, "number", pair), "number title")


@half_as_many
@given(book=books(), bound=bounds_by_order, pair=pairs(days))
def test_a_date_component_is_ordered_by_day(core: CoreTable, book: Book, bound: str, pair: tuple[date, date]) -> None:
    with among_others(core, book):
        query = bounded(Entry.by_day(book=book[0].book), bound, "day", pair)
        finds(core, query, within(book, bound, "day", pair), "day number title")


def leading(kind: str, title: str, number: int) -> dict[str, tuple[Any, dict[str, Any], str]]:
    """Components given from the left: of which key, which ones, and the order of what they leave open."""
    return {
        "none": (Entry.primary, {}, "kind title"),
        "the first": (Entry.primary, {"kind": kind}, "title"),
        "all": (Entry.primary, {"kind": kind, "title": title}, "title"),
        "the first of an index": (Entry.by_station, {"number": number}, "title"),
    }


@half_as_many
@given(book=books(), which=st.sampled_from(sorted(leading("", "", 0))), kind=kinds, number=numbers, data=st.data())
def test_components_given_find_the_items_that_have_them(
    core: CoreTable, book: Book, which: str, kind: str, number: int, data: st.DataObject
) -> None:
    pattern, given_components, order = leading(kind, data.draw(st.sampled_from(book)).title, number)[which]
    partition = {pattern.key.partition.template.components[0]: book[0].book}
    expected = [one for one in book if given_components.items() <= dict(one).items()]
    with among_others(core, book):
        finds(core, pattern(**partition, **given_components), expected, order)


def test_a_date_is_found_by_how_it_is_written(core: CoreTable) -> None:
    days = (date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 31), date(2025, 2, 1))
    stored(core, [entry("b", str(day), day=day) for day in days])
    found = core.query(Entry.by_day(book="b").starts_with(day="2025-01-"))
    assert titles(found) == ["2025-01-01", "2025-01-31"]


def test_a_number_is_found_by_how_it_is_written(core: CoreTable) -> None:
    stored(core, [entry("b", f"t{number}", number=number, station="KSFO") for number in (-5, 7, 70, 700)])
    found = core.query(Entry.by_station(station="KSFO").starts_with(number="0000"))
    assert [one.number for one in found] == [7, 70]


def test_a_given_component_ends_at_the_separator(core: CoreTable) -> None:
    stored(core, [entry("b", title, kind=kind) for kind, title in (("B73", "1"), ("B738", "1"), ("B7", "38#1"))])
    assert [one.kind for one in core.query(Entry.primary(book="b", kind="B73"))] == ["B73"]
    assert [one.kind for one in core.query(Entry.primary(book="b").starts_with(kind="B73"))] == ["B73", "B738"]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: Entry.primary(kind="A"), id="without the partition"),
        pytest.param(lambda: Entry.primary(book=None), id="None"),
        pytest.param(lambda: Entry.primary(book=7), id="of the wrong kind"),
        pytest.param(lambda: Entry.primary(book="b", number=1), id="of another key"),
        pytest.param(lambda: Entry.primary(book="b", title="t"), id="behind a gap"),
        pytest.param(lambda: Entry.primary(book="b" * 2100), id="too long"),
        pytest.param(lambda: Entry.primary(book="b").at_least(title="t"), id="bound behind a gap"),
        pytest.param(lambda: Entry.primary(book="b", kind="A").at_least(kind="A"), id="bound of a given one"),
        pytest.param(lambda: Entry.primary(book="b", kind="A", title="t").at_most(title="t"), id="bound of the last"),
        pytest.param(lambda: Entry.primary(book="b").between(kind=("A", "B"), title=("A", "B")), id="two bounds"),
        pytest.param(lambda: Entry.primary(book="b").between(), id="no bound"),
        pytest.param(lambda: Entry.primary(book="b").at_least(kind=None), id="at least None"),
        pytest.param(lambda: Entry.primary(book="b").at_most(kind=None), id="at most None"),
        pytest.param(lambda: Entry.primary(book="b").between(kind=(None, "B")), id="between None and something"),
        pytest.param(lambda: Entry.primary(book="b").between(kind=("B", "A")), id="bounds in the wrong order"),
        pytest.param(lambda: Entry.primary(book="b").between(kind=cast("Any", "AB")), id="a text for a pair"),
        pytest.param(lambda: Entry.primary(book="b").between(kind=cast("Any", 5)), id="a number for a pair"),
        pytest.param(
            lambda: Entry.primary(book="b").starts_with(kind=cast("Any", 5)), id="a beginning that is no text"
        ),
        pytest.param(lambda: Entry.by_station(station="S").at_least(number="x"), id="bound of the wrong kind"),
        pytest.param(lambda: Entry.by_station(station="S").at_least(number=10**7), id="bound too wide"),
    ],
)
def test_a_wrong_component_is_refused_where_the_query_is_made(wrong: Callable[[], object]) -> None:
    with pytest.raises(InvalidKeyError):
        wrong()


def test_an_overloaded_index_gives_each_entity_its_own(core: CoreTable) -> None:
    stored(core, entries("b", 3, station="KSFO"))
    stored(core, [remark("b", minute, station="KSFO") for minute in range(2)])
    assert [type(one) for one in core.query(Entry.by_station(station="KSFO"))] == [Entry] * 3
    assert [type(one) for one in core.query(Remark.by_station(station="KSFO"))] == [Remark] * 2
    assert core.query(Remark.primary(book="b")).count() == 2


def test_an_item_without_a_component_is_not_in_the_index(core: CoreTable) -> None:
    stored(core, [entry("b", "here", station="KSFO"), entry("b", "nowhere")])
    assert titles(core.query(Entry.by_station(station="KSFO"))) == ["here"]


@half_as_many
@given(book=books(), bound=bounds_by_order, pair=pairs(numbers))
def test_a_count_is_how_many_there_are(core: CoreTable, book: Book, bound: str, pair: tuple[int, int]) -> None:
    with among_others(core, book):
        query = core.query(bounded(Entry.by_station(station=book[0].book), bound, "number", pair))
        assert query.count() == len(within(book, bound, "number", pair))
        assert query.where(Entry.f.number > 0).count() == sum(
            one.number > 0 for one in within(book, bound, "number", pair)
        )


def test_first_and_one_and_count(core: CoreTable) -> None:
    stored(core, entries("many", 3))
    stored(core, entries("single", 1))
    many, single, none = (core.query(Entry.primary(book=book)) for book in ("many", "single", "none"))
    assert (many.count(), single.count(), none.count()) == (3, 1, 0)
    assert single.one() == single.first()
    assert many.newest_first().first() == many.all()[-1]
    assert none.first() is None
    with pytest.raises(NotUniqueError, match="More than one Entry matches") as several:
        many.one()
    with pytest.raises(NotFoundError, match="No Entry matches") as nothing:
        none.one()
    assert (several.value.entity, nothing.value.entity) == ("Entry", "Entry")


def test_one_of_several_is_found_by_a_condition(core: CoreTable) -> None:
    stored(core, entries("b", 30))
    assert core.query(Entry.primary(book="b")).where(Entry.f.number == 17).one().number == 17
    with pytest.raises(NotUniqueError):
        core.query(Entry.primary(book="b")).where(Entry.f.number > 27).one()


def test_a_consistent_read_says_so_to_the_engine(core: CoreTable) -> None:
    core, recorder = watched(core)
    query = core.query(Entry.primary(book="b")).consistent()
    query.all()
    query.first()
    query.count()
    assert [request.parameters.get("ConsistentRead") for request in recorder.requests] == [True] * 3


def test_a_global_index_refuses_consistent_reads(core: CoreTable) -> None:
    core, recorder = watched(core)
    with pytest.raises(InvalidInputError, match="GSI1 is a global index"):
        core.query(Entry.by_station(station="KSFO")).consistent()
    assert recorder.requests == []


@pytest.mark.parametrize(
    ("entity_type", "error", "found"),
    [
        ({"S": "remark"}, WrongEntityTypeError, "remark"),
        ({"S": "ghost"}, UnknownEntityTypeError, "ghost"),
        (None, UnknownEntityTypeError, None),
        ({"N": "5"}, UnknownEntityTypeError, None),
    ],
)
def test_an_item_of_another_type_is_never_taken_for_an_entity(
    core: CoreTable, entity_type: dict[str, str] | None, error: type[WrongEntityTypeError], found: str | None
) -> None:
    put_raw(core, LOGBOOK, raw_entry("b", "t", entity_type=entity_type))
    query = core.query(Entry.primary(book="b"))
    for read in (query.all, query.first, query.page, lambda: core.get(Entry, book="b", kind="LINE", title="t")):
        with pytest.raises(error, match="Expected Entry") as refused:
            read()
        assert refused.value.found == found
        assert refused.value.key == {"PK": {"S": "BOOK#b"}, "SK": {"S": "ENTRY#LINE#t"}}


def test_an_attribute_nobody_declared_is_passed_over(core: CoreTable) -> None:
    put_raw(core, LOGBOOK, raw_entry("b", "t", colour={"S": "red"}, nested={"M": {"x": {"NULL": True}}}))
    assert core.query(Entry.primary(book="b")).one() == entry("b", "t")
