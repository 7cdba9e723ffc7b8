"""Merged queries on an engine in a list: they are the plain sorted list, from wherever and in whatever steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aircraftops_data import CoreTable, Entity, Index, KeyAttribute, Merged, PrimaryKey, Query, SecondaryIndex, Table
from aircraftops_data.core.cursor import Cursors
from aircraftops_data.core.merging import Position, scope_of
from aircraftops_data.core.reading import Page, ReadPolicy
from aircraftops_data.errors import CorruptItemError, InvalidCursorError, InvalidInputError
from aircraftops_data.model.declarations import KeyQuery
from aircraftops_data.model.definition import Item
from aircraftops_data.request import Request, Response
from aircraftops_data.translation.codec import codec_of
from playing import context
from sim_expressions import holds, ordered

BY_TEXT = SecondaryIndex("ByText", KeyAttribute("stream"), KeyAttribute("text"))
BY_NUMBER = SecondaryIndex("ByNumber", KeyAttribute("stream"), KeyAttribute("number", "N"))
MARKS = Table("Marks", KeyAttribute("id"), None, (BY_TEXT, BY_NUMBER), ttl_attribute="delete_at")
KEYS: Mapping[str, tuple[str, ...]] = {
    "ByText": ("stream", "text", "id"),
    "ByNumber": ("stream", "number", "id"),
}


class Mark(Entity, table=MARKS, entity_type="mark"):
    """One of many; nothing but its id keeps it from being the same as another."""

    id: str
    stream: str
    text: str
    number: Decimal = Decimal(0)
    size: int = 0

    primary = PrimaryKey("{id}")
    by_text = Index(BY_TEXT, "{stream}", "{text}")
    by_number = Index(BY_NUMBER, "{stream}", "{number}")


CODEC = codec_of(Mark.definition())
EXPIRED = {"delete_at": {"N": str(int(context().clock.now().timestamp()))}}


class Engine:
    """Answers queries of its items as DynamoDB does, in pages of so many items at most; keeps what was asked."""

    def __init__(self, items: Sequence[Item] = (), page: int = 10_000) -> None:
        self._items = items
        self._page = page
        self.asked: list[Mapping[str, Any]] = []
        self.looked_at = 0

    def send(self, request: Request) -> Response:
        """The response."""
        asked, keys = request.parameters, KEYS[request.parameters["IndexName"]]
        self.asked.append(asked)
        found = sorted(
            (item for item in self._items if holds(asked["KeyConditionExpression"], asked, item)),
            key=lambda item: _place(item, keys),
        )
        forward, start = asked.get("ScanIndexForward", True), asked.get("ExclusiveStartKey")
        found = found if forward else found[::-1]
        if start is not None:
            assert holds(asked["KeyConditionExpression"], asked, start), "DynamoDB refuses such a start"
            assert set(start) == set(keys)
            after = _place(start, keys)
            found = [item for item in found if (_place(item, keys) > after) is forward and _place(item, keys) != after]
        limit = min(self._page, asked.get("Limit", self._page))
        read = found[:limit]
        self.looked_at += len(read)
        left = [item for item in read if holds(asked.get("FilterExpression"), asked, item)]
        answer: dict[str, Any] = {"Items": left, "Count": len(left), "ScannedCount": len(read)}
        # As DynamoDB does, also where nothing is left behind the last one.
        return {**answer, "LastEvaluatedKey": {name: read[-1][name] for name in keys}} if len(read) == limit else answer


def _place(item: Item, keys: tuple[str, ...]) -> list[Any]:
    return [ordered(item[name]) for name in keys]


def core_of(engine: Engine) -> CoreTable:
    """A core over it."""
    return CoreTable(engine, context(), b"secret")


def item_of(mark: Mark, kind: str = "kept") -> Item:
    """How a mark is stored: as it is, expired, or with a size that is none."""
    item = CODEC.item(mark)
    return {**item, **({"expired": EXPIRED, "corrupt": {"size": {"S": "none"}}}.get(kind, {}))}


def pages(listing: Merged[Mark], limit: int) -> list[Page[Mark]]:
    """All pages of a listing, each cursor given to the next."""
    found = [listing.page(limit)]
    while found[-1].cursor is not None:
        found.append(listing.page(limit, found[-1].cursor))
    return found


def ids(marks: Any) -> list[str]:
    """What tells marks apart."""
    return [mark.id for mark in marks]


# Any distribution, against a sorted list

# Where the order of UTF-8 bytes is not that of UTF-16, and where the least text behind a prefix is odd.
LETTERS = ["a", "b", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"]
texts = st.lists(st.sampled_from(LETTERS), max_size=3).map("".join)
numbers = st.sampled_from([Decimal(text) for text in ("-10", "-9.5", "0", "1", "1.5", "9", "10", "99")])
ranges = st.sampled_from(["all", "between", "at_least", "at_most", "starts_with"])
kinds = st.sampled_from(["kept", "kept", "kept", "kept", "expired", "corrupt", "other"])


Range = tuple[str, str, str, Decimal, Decimal]
"""Its kind, two texts for an index sorted by text, two numbers for one sorted by number."""


@dataclass(frozen=True)
class World:
    """Groups of streams, each with a range, and the marks in them: where each is, and what it is to a reader."""

    by_text: bool
    ranges: Sequence[Sequence[Range]]
    marks: Sequence[tuple[Mark, str]]

    def queries(self) -> list[list[KeyQuery[Mark]]]:
        """The queries to merge."""
        return [
            [self._query(group, number, chosen) for number, chosen in enumerate(streams)]
            for group, streams in enumerate(self.ranges)
        ]

    def _query(self, group: int, number: int, chosen: Range) -> KeyQuery[Mark]:
        kind, *bounds = chosen
        pattern, name = (Mark.by_text, "text") if self.by_text else (Mark.by_number, "number")
        query = pattern(stream=f"{group}/{number}")
        if kind == "all" or (kind == "starts_with" and not self.by_text):
            return query
        pair = bounds[:2] if self.by_text else bounds[2:]
        low, high = sorted((within(group, bound) for bound in pair), key=_order)
        asked: KeyQuery[Mark] = getattr(query, kind)(**{name: (low, high) if kind == "between" else low})
        return asked

    def listing(self) -> list[tuple[Mark, str]]:
        """The plain sorted list."""
        found = [
            (group, _order(self._value(mark)), number, mark.id, mark, kind)
            for group, streams in enumerate(self.queries())
            for number, query in enumerate(streams)
            for mark, kind in self.marks
            if mark.stream == f"{group}/{number}" and self._selects(query, mark)
        ]
        return [entry[4:] for entry in sorted(found, key=lambda entry: entry[:4])]

    def _value(self, mark: Mark) -> Any:
        return mark.text if self.by_text else mark.number

    def _selects(self, query: KeyQuery[Mark], mark: Mark) -> bool:
        value = _order(self._value(mark))
        if query.sort is None:
            return True
        bounds = [_order(bound["S"]) if self.by_text else Decimal(bound["N"]) for bound in query.sort.values]
        match query.sort.operator:
            case "BETWEEN":
                return bool(bounds[0] <= value <= bounds[1])
            case ">=":
                return bool(value >= bounds[0])
            case "<=":
                return bool(value <= bounds[0])
            case _:
                return bool(value.startswith(bounds[0]))


def within(group: int, value: Any) -> Any:
    """A text or number among those of a group: behind all of the group before it."""
    return f"{group}{value}" if isinstance(value, str) else 1000 * group + value


def _order(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


def mark_in(group: int, stream: str, name: str, text: str, number: Decimal, kind: str) -> Mark:
    """A mark of a stream of a group."""
    size = int(kind == "other")
    return Mark(id=name, stream=stream, text=within(group, text), number=within(group, number), size=size)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to 3 groups of up to 4 streams; some groups have none."""
    streams = draw(st.lists(st.lists(st.tuples(ranges, texts, texts, numbers, numbers), max_size=4), max_size=3))
    places = [(group, number) for group, held in enumerate(streams) for number in range(len(held))]
    some = st.lists(st.tuples(st.sampled_from(places), texts, numbers, kinds), max_size=14) if places else st.just([])
    marks = [
        (mark_in(group, f"{group}/{number}", f"{place:02}", text, value, kind), kind)
        for place, ((group, number), text, value, kind) in enumerate(draw(some))
    ]
    return World(draw(st.booleans()), streams, marks)


@given(
    world=worlds(),
    limit=st.integers(1, 6),
    engine_page=st.integers(1, 5),
    policy=st.sampled_from(["skip", "collect"]),
    newest_first=st.booleans(),
    filtered=st.booleans(),
    with_expired=st.booleans(),
)
def test_a_listing_is_the_sorted_list_in_pages_of_any_size(
    world: World,
    limit: int,
    engine_page: int,
    policy: ReadPolicy,
    newest_first: bool,
    filtered: bool,
    with_expired: bool,
) -> None:
    engine = Engine([item_of(*mark) for mark in world.marks], engine_page)
    listing = core_of(engine).merged(world.queries()).on_corrupt(policy)
    listing = listing.newest_first() if newest_first else listing
    listing = listing.where(Mark.f.size != 1) if filtered else listing
    listing = listing.include_expired() if with_expired else listing
    shown = {"kept": True, "corrupt": True, "expired": with_expired, "other": not filtered}
    every = [(mark.id, kind) for mark, kind in world.listing() if shown[kind]][:: -1 if newest_first else 1]
    expected = [name for name, kind in every if kind != "corrupt"]
    corrupt = len(every) - len(expected) if policy == "collect" else 0

    found = pages(listing, limit)
    assert [name for page in found for name in ids(page)] == expected
    assert all(len(page) == limit for page in found[:-1])
    assert sum(len(page.corrupt) for page in found) == corrupt
    assert sum(page.consumed.requests for page in found) == len(engine.asked)
    results = iter(listing)
    assert ids(results.all()) == expected
    assert len(results.corrupt) == corrupt
    assert listing.count() == len(every)
    first = listing.first()
    assert first is None if not expected else first is not None and first.id == expected[0]


@given(world=worlds(), newest_first=st.booleans())
def test_from_every_place_a_listing_goes_on_with_what_is_behind_it(world: World, newest_first: bool) -> None:
    engine = Engine([item_of(mark) for mark, _ in world.marks])
    listing = core_of(engine).merged(world.queries())
    listing = listing.newest_first() if newest_first else listing
    expected = ids(mark for mark, _ in world.listing())[:: -1 if newest_first else 1]
    for place in range(1, len(expected) + 1):
        page = listing.page(place)
        assert ids(page) == expected[:place]
        behind = [] if page.cursor is None else ids(listing.page(1000, page.cursor))
        assert behind == expected[place:]


def marks(stream: str, count: int, start: int = 0, step: int = 1) -> list[Item]:
    """So many marks of a stream, of growing text and number."""
    places = range(start, start + count * step, step)
    return [item_of(Mark(id=f"{stream}-{at:04}", stream=stream, text=f"{at:04}", number=Decimal(at))) for at in places]


def streams(*names: str) -> list[KeyQuery[Mark]]:
    """Queries of whole streams."""
    return [Mark.by_text(stream=name) for name in names]


def tied(*names: str) -> list[Item]:
    """Two marks of each stream, all with the same text."""
    return [item_of(Mark(id=f"{name}{number}", stream=name, text="same")) for name in names for number in range(2)]


@pytest.mark.parametrize("limit", range(1, 8))
@pytest.mark.parametrize("newest_first", [False, True])
def test_items_of_one_sort_key_are_not_lost_between_pages(limit: int, newest_first: bool) -> None:
    listing = core_of(Engine(tied("a", "b", "c"))).merged([streams("a", "b", "c")])
    listing = listing.newest_first() if newest_first else listing
    given = [name for page in pages(listing, limit) for name in ids(page)]
    assert given == ["a0", "a1", "b0", "b1", "c0", "c1"][:: -1 if newest_first else 1]


# What is read for it


def asked_of(engine: Engine) -> list[tuple[str, int | None]]:
    """Of which stream so many items were asked, request by request."""
    return [(asked["ExpressionAttributeValues"][":0"]["S"], asked.get("Limit")) for asked in engine.asked]


def sort_condition(asked: Mapping[str, Any]) -> tuple[str, ...]:
    """The operator and values of the condition on the sort key."""
    expression = asked["KeyConditionExpression"]
    values = [value["S"] for name, value in sorted(asked["ExpressionAttributeValues"].items()) if name != ":0"]
    operator = next(word for word in ("BETWEEN", "begins_with", ">=", "<=", "") if word in expression)
    return (operator, *values)


def test_nothing_is_sent_until_asked() -> None:
    engine = Engine()
    core_of(engine).merged([streams("a", "b")]).newest_first().where(Mark.f.size == 1)
    assert engine.asked == []


@pytest.mark.parametrize(("limit", "share"), [(1, 1), (2, 2), (10, 4), (40, 11), (41, 12)])
def test_of_each_query_its_share_of_a_page_is_read(limit: int, share: int) -> None:
    names = ("a", "b", "c", "d")
    engine = Engine([item for place, name in enumerate(names) for item in marks(name, 100, place, 4)])
    page = core_of(engine).merged([streams(*names)]).page(limit)
    assert [mark.number for mark in page] == list(range(limit))
    assert asked_of(engine) == [(name, share) for name in names]
    assert page.consumed.requests == 4


def test_a_single_query_is_read_no_further_than_the_page() -> None:
    engine = Engine(marks("a", 100))
    assert len(core_of(engine).merged([streams("a")]).page(40)) == 40
    assert asked_of(engine) == [("a", 40)]


def test_a_query_that_has_most_of_it_is_read_on_in_growing_steps_up_to_the_end_of_the_page() -> None:
    engine = Engine(marks("a", 1000) + marks("b", 20, 5000) + marks("c", 20, 5000) + marks("d", 20, 5000))
    assert len(core_of(engine).merged([streams("a", "b", "c", "d")]).page(100)) == 100
    assert asked_of(engine) == [("a", 26), ("b", 26), ("c", 26), ("d", 26), ("a", 52), ("a", 22)]


def test_a_rare_match_takes_few_requests() -> None:
    found = item_of(Mark(id="z", stream="a", text="9999", size=1))
    engine = Engine([*marks("a", 1000), found])
    listing = core_of(engine).merged([streams("a", "b")]).where(Mark.f.size == 1)
    assert ids(listing.page(10)) == ["z"]
    assert [limit for name, limit in asked_of(engine) if name == "a"] == [6, 12, 24, 48, 96, 192, 384, 768]


def test_a_group_is_read_once_those_before_it_are_exhausted() -> None:
    engine = Engine(marks("a", 5) + marks("b", 5, 100) + marks("c", 5, 200))
    listing = core_of(engine).merged([streams("a"), streams("b"), streams("c")])
    page = listing.page(7)
    assert [name for name, _ in groupby(name for name, _ in asked_of(engine))] == ["a", "b"]
    engine.asked.clear()
    assert len(listing.page(3, page.cursor)) == 3
    assert [name for name, _ in asked_of(engine)] == ["b"]


def test_a_group_that_ended_with_its_page_is_not_read_again() -> None:
    engine = Engine(marks("a", 3, 0, 2) + marks("b", 3, 1, 2) + marks("c", 3, 100))
    listing = core_of(engine).merged([streams("a", "b"), streams("c")])
    page = listing.page(6)
    engine.asked.clear()
    assert [mark.number for mark in listing.page(9, page.cursor)] == [100, 101, 102]
    assert {name for name, _ in asked_of(engine)} == {"c"}


def test_a_page_that_is_known_to_be_the_last_has_no_cursor() -> None:
    listing = core_of(Engine(marks("a", 3) + marks("b", 3))).merged([streams("a", "b")])
    page = listing.page(6)
    assert (len(page), page.cursor) == (6, None)


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_the_least_text_behind_a_prefix_is_not_taken_for_one_that_begins_so(order: str) -> None:
    texts = {"a": ["m1"], "b": ["m2", "m3", "n"]}
    items = [item_of(Mark(id=text, stream=stream, text=text)) for stream, held in texts.items() for text in held]
    listing = core_of(Engine(items)).merged([[Mark.by_text(stream=name).starts_with(text="m") for name in order]])
    assert [ids(page) for page in pages(listing, 1)][:3] == [["m1"], ["m2"], ["m3"]]
    assert ids(listing.page(9, listing.page(1).cursor)) == ["m2", "m3"]


def test_the_query_a_page_ended_in_goes_on_from_its_key_and_the_others_from_its_sort_key() -> None:
    engine = Engine(marks("a", 10, 0, 2) + marks("b", 10, 1, 2))
    listing = core_of(engine).merged([streams("a", "b")])
    page = listing.page(3)
    engine.asked.clear()
    assert [mark.number for mark in listing.page(1, page.cursor)] == [3]
    ended, other = engine.asked
    assert ended["ExclusiveStartKey"] == {"stream": {"S": "a"}, "text": {"S": "0002"}, "id": {"S": "a-0002"}}
    assert "ExclusiveStartKey" not in other
    assert sort_condition(other) == (">=", "0002")


A_TO_Z = {
    "all": (Mark.by_text(stream="b"), (">=", "m"), ("<=", "m")),
    "from before": (Mark.by_text(stream="b").at_least(text="c"), (">=", "m"), ("BETWEEN", "c", "m")),
    "from behind": (Mark.by_text(stream="b").at_least(text="x"), (">=", "x"), None),
    "up to before": (Mark.by_text(stream="b").at_most(text="c"), None, ("<=", "c")),
    "up to behind": (Mark.by_text(stream="b").at_most(text="x"), ("BETWEEN", "m", "x"), ("<=", "m")),
    "around": (Mark.by_text(stream="b").between(text=("c", "x")), ("BETWEEN", "m", "x"), ("BETWEEN", "c", "m")),
    "beginning so": (Mark.by_text(stream="b").starts_with(text="m"), ("BETWEEN", "m", "n"), ("BETWEEN", "m", "m")),
    "last of its kind": (
        Mark.by_text(stream="b").starts_with(text="m\U0010ffff"),
        ("BETWEEN", "m\U0010ffff", "n"),
        None,
    ),
    "last of all": (Mark.by_text(stream="b").starts_with(text="\U0010ffff"), (">=", "\U0010ffff"), None),
    "before the gap": (
        Mark.by_text(stream="b").starts_with(text="n\ud7ff"),
        ("BETWEEN", "n\ud7ff", "n\ue000"),
        None,
    ),
    "exactly": (Mark.by_text(stream="b", text="m"), ("BETWEEN", "m", "m"), ("BETWEEN", "m", "m")),
    "exactly before": (Mark.by_text(stream="b", text="c"), None, ("BETWEEN", "c", "c")),
}


@pytest.mark.parametrize("name", A_TO_Z)
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_query_keeps_its_own_bounds_behind_a_position(name: str, newest_first: bool) -> None:
    query, *expected = A_TO_Z[name]
    engine = Engine([item_of(Mark(id=text, stream="a", text=text)) for text in ("m", "c" if newest_first else "x")])
    # Read first of the two, so that what lies at the very position is still to come.
    of_a, others = Mark.by_text(stream="a"), [query]
    listing = core_of(engine).merged([[*others, of_a] if newest_first else [of_a, *others]])
    listing = listing.newest_first() if newest_first else listing
    first = listing.page(1)
    position = first if ids(first) == ["m"] else listing.page(1, first.cursor)
    assert ids(position) == ["m"]
    engine.asked.clear()
    listing.page(1, position.cursor)
    sent = [sort_condition(asked) for asked in engine.asked if asked["ExpressionAttributeValues"][":0"] == {"S": "b"}]
    wanted = expected[newest_first]
    assert sent == ([] if wanted is None else [wanted])


def test_a_query_of_one_sort_key_that_has_been_given_is_not_read_again() -> None:
    engine = Engine(tied("a", "b"))
    listing = core_of(engine).merged([[Mark.by_text(stream=name, text="same") for name in ("a", "b")]])
    page = listing.page(3)
    engine.asked.clear()
    assert ids(listing.page(9, page.cursor)) == ["b1"]
    assert [name for name, _ in asked_of(engine)] == ["b"]


def test_an_iteration_reads_on_demand_and_in_growing_steps() -> None:
    engine = Engine(marks("a", 1000, 0, 2) + marks("b", 1000, 1, 2))
    results = iter(core_of(engine).merged([streams("a", "b")]))
    assert [next(results).number for _ in range(101)] == list(range(101))
    assert asked_of(engine) == [("a", 51), ("b", 51)]
    assert len(results.all()) == 1899
    assert [limit for name, limit in asked_of(engine) if name == "a"] == [51, 102, 204, 408, 816]
    assert results.consumed.requests == len(engine.asked)


def test_counting_asks_each_query_for_its_count_alone() -> None:
    engine = Engine(marks("a", 5) + marks("b", 4))
    assert core_of(engine).merged([streams("a"), streams("b")]).count() == 9
    assert [asked["Select"] for asked in engine.asked] == ["COUNT", "COUNT"]


# Items that do not fit


def test_an_item_that_does_not_fit_raises_when_it_is_its_turn() -> None:
    engine = Engine([*marks("a", 3, 0, 2), item_of(Mark(id="bad", stream="b", text="0003"), "corrupt")])
    listing = core_of(engine).merged([streams("a", "b")])
    page = listing.page(2)
    assert [mark.number for mark in page] == [0, 2]
    with pytest.raises(CorruptItemError):
        listing.page(1, page.cursor)
    results = iter(listing)
    assert [next(results).number for _ in range(2)] == [0, 2]
    with pytest.raises(CorruptItemError):
        next(results)
    assert [mark.number for mark in listing.on_corrupt("skip")] == [0, 2, 4]


def test_many_items_that_do_not_fit_take_few_requests() -> None:
    bad = [item_of(Mark(id=f"{at}", stream="a", text=f"{at:04}"), "corrupt") for at in range(500)]
    engine = Engine([*bad, *marks("a", 1, 5000)])
    page = core_of(engine).merged([streams("a")]).on_corrupt("collect").page(1)
    assert (len(page), len(page.corrupt)) == (1, 500)
    assert len(engine.asked) <= 10


# What is refused, and nothing at all


class Other(Entity, table=Table("Others", indexes=(BY_TEXT,)), entity_type="other"):
    """Another entity with the same index, in a table of its own."""

    name: str
    group: str

    primary = PrimaryKey("OTHER#{name}", "OTHER")
    by_text = Index(BY_TEXT, "{group}", "{name}")


@pytest.mark.parametrize(
    ("queries", "reason"),
    [
        ([Mark.by_text(stream="a"), Mark.by_number(stream="a")], "one entity and one key"),
        ([Mark.by_text(stream="a"), Other.by_text(group="a")], "one entity and one key"),
        ([Mark.primary(id="1"), Mark.primary(id="2")], "Mark.primary has no sort key"),
    ],
    ids=["two keys", "two entities", "no sort key"],
)
def test_only_queries_of_one_order_can_be_merged(queries: list[KeyQuery[Any]], reason: str) -> None:
    core = core_of(Engine())
    with pytest.raises(InvalidInputError, match=reason):
        core.merged([queries])
    with pytest.raises(InvalidInputError, match=reason):
        core.merged([[query] for query in queries])


@pytest.mark.parametrize("groups", [[], [[]], [[], []]], ids=["no group", "an empty group", "empty groups"])
def test_no_query_at_all_is_an_empty_listing(groups: list[list[KeyQuery[Mark]]]) -> None:
    engine = Engine(marks("a", 3))
    listing = core_of(engine).merged(groups).newest_first().where(Mark.f.size == 1).consistent()
    assert (listing.all(), listing.count(), listing.first()) == ([], 0, None)
    assert (listing.page(5).items, listing.page(5).cursor) == ([], None)
    assert engine.asked == []


def test_empty_groups_are_passed_over() -> None:
    engine = Engine(marks("a", 3) + marks("b", 3, 100))
    listing = core_of(engine).merged([[], streams("a"), [], streams("b"), []])
    assert [mark.number for page in pages(listing, 2) for mark in page] == [0, 1, 2, 100, 101, 102]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_takes_1_to_1000_items(limit: int) -> None:
    with pytest.raises(InvalidInputError, match="1 to 1000"):
        core_of(Engine()).merged([streams("a")]).page(limit)


def test_a_global_index_has_no_consistent_reads() -> None:
    with pytest.raises(InvalidInputError, match="global index"):
        core_of(Engine()).merged([streams("a")]).consistent()


def test_a_cursor_is_of_one_listing_and_one_direction() -> None:
    core = core_of(Engine(marks("a", 9) + marks("b", 9)))
    listing = core.merged([streams("a"), streams("b")])
    cursor = listing.page(1).cursor
    others: list[Merged[Mark] | Query[Mark]] = [
        listing.newest_first(),
        core.merged([streams("b"), streams("a")]),
        core.merged([streams("a", "b")]),
        core.merged([streams("a")]),
        core.merged([]),
        core.merged([[Mark.by_text(stream="a").at_least(text="0")], streams("b")]),
        core.query(Mark.by_text(stream="a")),
        CoreTable(Engine(), context(), b"another").merged([streams("a"), streams("b")]),
    ]
    for other in others:
        with pytest.raises(InvalidCursorError):
            other.page(1, cursor)
    of_a_query = core.query(Mark.by_text(stream="a")).page(1).cursor
    with pytest.raises(InvalidCursorError):
        core.merged([streams("a")]).page(1, of_a_query)


KEY: Item = {"stream": {"S": "a"}, "text": {"S": "0001"}, "id": {"S": "a-0001"}}


@pytest.mark.parametrize(
    "item",
    [
        KEY,
        Position(2, 0, KEY).item(),
        Position(-1, 0, KEY).item(),
        Position(0, 2, KEY).item(),
        Position(0, 0, {"text": {"S": "0001"}}).item(),
    ],
    ids=["no place", "no such group", "no group", "no such stream", "not the whole key"],
)
def test_a_cursor_of_no_place_in_the_listing_is_refused(item: Item) -> None:
    core = core_of(Engine(marks("a", 3)))
    listing = core.merged([streams("a", "b"), streams("c")])
    made_up = Cursors(b"secret").write(item, scope_of(listing.reading, listing.groups, core.context))
    with pytest.raises(InvalidCursorError, match="no place"):
        listing.page(1, made_up)
