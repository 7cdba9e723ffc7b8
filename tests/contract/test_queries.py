"""Queries: lazy, exact in what they ask for, and sure of whose items they find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_entities import (
    LOGBOOK,
    Entry,
    Remark,
    entries,
    entry,
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
    """Up to a dozen entries of a book of its own, no two of one kind and title, all at one station."""
    book = unused_name()
    places = draw(st.lists(st.tuples(kinds, words), min_size=1, max_size=12, unique=True))
    return [
        entry(book, title, kind=kind, number=draw(numbers), day=draw(days), station=book) for kind, title in places
    ]


def pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    """Two values, the lower one first."""
    return st.tuples(values, values).map(lambda pair: (min(pair), max(pair)))


def same(core: CoreTable, query: KeyQuery[Entry], book: Book, order: Any, holds: Callable[[Entry], bool]) -> None:
    """A query finds what Python finds among the same entries, in the same order, and backwards too."""
    expected = [(one.kind, one.title) for one in sorted(book, key=order) if holds(one)]
    assert [(one.kind, one.title) for one in core.query(query)] == expected
    assert [(one.kind, one.title) for one in core.query(query).newest_first()] == expected[::-1]
    assert core.query(query).count() == len(expected)


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


@given(book=books(), bounds=pairs(kinds))
def test_a_text_component_is_ordered_and_bounded_as_in_python(
    core: CoreTable, book: Book, bounds: tuple[str, str]
) -> None:
    stored(core, book)
    low, high = bounds
    order = lambda one: (one.kind, one.title)  # noqa: E731 - read beside the predicates
    whole = Entry.primary(book=book[0].book)
    same(core, whole, book, order, lambda one: True)
    same(core, Entry.primary(book=book[0].book, kind=low), book, order, lambda one: one.kind == low)
    same(core, whole.between(kind=bounds), book, order, lambda one: low <= one.kind <= high)
    same(core, whole.at_least(kind=low), book, order, lambda one: one.kind >= low)
    same(core, whole.at_most(kind=low), book, order, lambda one: one.kind <= low)
    same(core, whole.starts_with(kind=low), book, order, lambda one: one.kind.startswith(low))


@given(book=books(), bounds=pairs(words), data=st.data())
def test_the_last_text_component_is_ordered_and_bounded_as_in_python(
    core: CoreTable, book: Book, bounds: tuple[str, str], data: st.DataObject
) -> None:
    stored(core, book)
    low, high = bounds
    kind = data.draw(st.sampled_from(book)).kind
    of_kind = [one for one in book if one.kind == kind]
    order = lambda one: one.title  # noqa: E731
    query = Entry.primary(book=book[0].book, kind=kind)
    same(core, Entry.primary(book=book[0].book, kind=kind, title=low), of_kind, order, lambda one: one.title == low)
    same(core, query.between(title=bounds), of_kind, order, lambda one: low <= one.title <= high)
    same(core, query.at_least(title=low), of_kind, order, lambda one: one.title >= low)
    same(core, query.at_most(title=low), of_kind, order, lambda one: one.title <= low)
    same(core, query.starts_with(title=low), of_kind, order, lambda one: one.title.startswith(low))


@given(book=books(), bounds=pairs(numbers))
def test_a_number_component_is_ordered_by_value(core: CoreTable, book: Book, bounds: tuple[int, int]) -> None:
    stored(core, book)
    low, high = bounds
    order = lambda one: (one.number, one.title, one.kind)  # noqa: E731
    query = Entry.by_station(station=book[0].book)
    same(core, query.between(number=bounds), unambiguous(book), order, lambda one: low <= one.number <= high)
    same(core, query.at_least(number=low), unambiguous(book), order, lambda one: one.number >= low)
    same(core, query.at_most(number=low), unambiguous(book), order, lambda one: one.number <= low)


@given(book=books(), bounds=pairs(days))
def test_a_date_component_is_ordered_by_day(core: CoreTable, book: Book, bounds: tuple[date, date]) -> None:
    stored(core, book)
    low, high = bounds
    order = lambda one: (one.day, one.number, one.title, one.kind)  # noqa: E731
    query = Entry.by_day(book=book[0].book)
    same(core, Entry.by_day(book=book[0].book, day=low), book, order, lambda one: one.day == low)
    same(core, query.between(day=bounds), book, order, lambda one: low <= one.day <= high)
    same(core, query.at_least(day=low), book, order, lambda one: one.day >= low)
    same(core, query.at_most(day=low), book, order, lambda one: one.day <= low)
    same(core, query.starts_with(day="2025-01-"), book, order, lambda one: (one.day.year, one.day.month) == (2025, 1))
