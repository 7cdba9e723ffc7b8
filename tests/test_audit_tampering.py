"""Whatever is changed of a chain is found, and nothing is found in one that nobody changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from random import Random
from typing import TypeVar

import pytest

from aircraftops_data.audit.report import HARMLESS, FindingKind, Report
from audit_chains import Item, Place, Tampering, World, attributes, place_of

ALTERED, MISSING, RELINKED = FindingKind.ALTERED, FindingKind.MISSING, FindingKind.RELINKED
TRUNCATED, FORKED, UNSUPPORTED = FindingKind.TRUNCATED, FindingKind.FORKED, FindingKind.UNSUPPORTED_ALGORITHM
ANY = frozenset(FindingKind) - HARMLESS
SIZES = (1, 2, 3, 5, 8, 13)
SAMPLE = 150


@dataclass(frozen=True)
class Case:
    """Something that was tampered with, the numbers of the events where it shows, and what is to be found."""

    name: str
    tampering: Tampering
    since: int
    until: int | None
    kinds: frozenset[FindingKind] = ANY
    event: int = 0


@cache
def grown() -> World:
    """A chain of 200 events in blocks of many sizes, by two algorithms; it is left as it is by every test."""
    world = World()
    world.grow(*SIZES * 3)
    world.grow(*SIZES * 3, 8, algorithm="sha512")
    assert world.head().size == 200
    return world


def spans() -> list[tuple[int, int]]:
    """The first and last event of every block."""
    return [(block.first_seq, block.first_seq + len(block.entries) - 1) for block in grown().blocks()]


def moved(items: Mapping[Place, Item], place: Place, item: Item) -> Tampering:
    """An item is another, and lies elsewhere if its key is."""
    key = item.get("PK", {}), item.get("SK", {})
    if not all("S" in part for part in key):
        return {place: None}
    return {place: None, place_of(item): item}


# Single changes


def changed_events() -> Iterator[Case]:
    """Every change of one attribute of one event; every deletion."""
    items = grown().items()
    for block, seq, entry in grown().entries():
        place = f"RESOURCE#{entry.resource}", f"EVENT#{entry.id}"
        span = spans()[block.number - 1]
        yield Case(f"event {seq} deleted", {place: None}, *span, frozenset({MISSING}), seq)
        for how, other in attributes(items[place]):
            tampering = moved(items, place, other)
            kinds = frozenset({MISSING if tampering[place] is None else ALTERED})
            yield Case(f"event {seq}: {how}", tampering, *span, kinds, seq)


def changed_blocks() -> Iterator[Case]:
    """Every change of one attribute of a block of each size, a third of them in each of its three; every deletion."""
    items, last = grown().items(), len(spans())
    for number, (item, span) in enumerate(zip(grown().of("audit_block"), spans(), strict=True), 1):
        place, reach = place_of(item), (span[0], span[1] if number < last else None)
        gone = frozenset({MISSING if number < last else TRUNCATED})
        yield Case(f"block {number} deleted", {place: None}, *reach, gone)
        turn, every = ((number - 1) // len(SIZES) % 3, 3) if number < last else (0, 1)
        for how, other in [*attributes(item)][turn::every]:
            tampering = moved(items, place, other)
            yield Case(f"block {number}: {how}", tampering, *reach, gone | {ALTERED, UNSUPPORTED, RELINKED})


def changed_heads() -> Iterator[Case]:
    """Every change of one attribute of the head; its deletion."""
    items, (head,) = grown().items(), grown().of("audit_head")
    yield Case("head deleted", {place_of(head): None}, 0, None, frozenset({FORKED}))
    for how, other in attributes(head):
        yield Case(f"head: {how}", moved(items, place_of(head), other), 0, None)


def swapped_blocks() -> Iterator[Case]:
    """Any two blocks' contents at each other's place."""
    blocks = grown().of("audit_block")
    for (first, one), (second, other) in combinations(enumerate(blocks), 2):
        swapped = _swapped(one, other)
        yield Case(f"blocks {first + 1} and {second + 1} swapped", swapped, *spans()[first], frozenset({ALTERED}))


def swapped_events() -> Iterator[Case]:
    """The contents of two events at each other's place: of neighbours, and of some that lie apart."""
    items, entries = grown().items(), grown().entries()
    places = [(f"RESOURCE#{entry.resource}", f"EVENT#{entry.id}") for _, _, entry in entries]
    random = Random(1)
    apart = [tuple(random.sample(range(len(places)), 2)) for _ in range(400)]
    for first, second in [*pairwise(range(len(places))), *apart]:
        swapped = _swapped(items[places[first]], items[places[second]])
        span = spans()[entries[first][0].number - 1]
        yield Case(f"events {first + 1} and {second + 1} swapped", swapped, *span, frozenset({ALTERED}))


def _swapped(one: Item, other: Item) -> Tampering:
    keys = ("PK", "SK")
    return {
        place_of(to): {**{name: value for name, value in what.items() if name not in keys}, **{k: to[k] for k in keys}}
        for to, what in ((one, other), (other, one))
    }


def inserted_blocks() -> Iterator[Case]:
    """A copy of a block under another number: behind the last, and in place of its neighbours and of some others."""
    blocks = grown().of("audit_block")
    behind = f"BLOCK#{len(blocks) + 1:012}"
    for number, item in enumerate(blocks, 1):
        key = {"PK": item["PK"], "SK": {"S": behind}}
        since = spans()[-1][0]
        yield Case(f"block {number} put last", {place_of(key): {**item, **key}}, since, None)
        numbered = {**item, **key, "number": {"N": str(len(blocks) + 1)}}
        yield Case(f"block {number} put last, with its number", {place_of(key): numbered}, since, None)
        for other, there in enumerate(blocks, 1):
            if other != number and (abs(other - number) == 1 or (other + number) % 7 == 0):
                copied = {**item, "PK": there["PK"], "SK": there["SK"]}
                yield Case(f"block {number} in place of {other}", {place_of(there): copied}, *spans()[other - 1])


def truncated() -> Iterator[Case]:
    """The blocks from one on are gone, and nothing else is."""
    blocks = grown().of("audit_block")
    for first, item in enumerate(blocks):
        gone = {place_of(each): None for each in blocks[first:]}
        assert place_of(item) in gone
        since = spans()[max(first - 1, 0)][0]
        yield Case(f"truncated before block {first + 1}", gone, since, None, frozenset({TRUNCATED}))


TAMPERINGS: Mapping[str, Callable[[], Iterable[Case]]] = {
    "events": changed_events,
    "blocks": changed_blocks,
    "heads": changed_heads,
    "swapped blocks": swapped_blocks,
    "swapped events": swapped_events,
    "inserted blocks": inserted_blocks,
    "truncated": truncated,
}
LANES = [pytest.param(SAMPLE // len(TAMPERINGS), id="a few"), pytest.param(None, marks=pytest.mark.slow, id="all")]


T = TypeVar("T")
FEW = pytest.mark.parametrize(
    "few", [pytest.param(2, id="a few"), pytest.param(None, marks=pytest.mark.slow, id="all")]
)


def some(cases: Iterable[T], count: int | None) -> list[T]:
    """So many of them, or all."""
    every = list(cases)
    return every if count is None or count >= len(every) else Random(count).sample(every, count)


def seen(case: Case, *, whole: bool = False) -> Report:
    """What verifying says of it: in its range, or of the whole chain."""
    with grown().tampered(case.tampering):
        return grown().verify() if whole else grown().verify(case.since, case.until)


def silent(case: Case, report: Report) -> bool:
    """Whether a report does not say what it should."""
    return report.ok or not case.kinds & report.counts.keys()


@pytest.mark.parametrize("count", LANES)
@pytest.mark.parametrize("kind", [kind for kind in TAMPERINGS if kind != "events"])
def test_every_tampering_is_found_and_called_what_it_is(kind: str, count: int | None) -> None:
    cases = some(TAMPERINGS[kind](), count)
    print(f"{kind}: {len(cases)} cases")
    assert [case.name for case in cases if silent(case, seen(case))] == []
    assert grown().verify().findings == []


def test_a_changed_event_is_found_and_called_what_it_is() -> None:
    cases = some(changed_events(), SAMPLE)
    assert [case.name for case in cases if silent(case, seen(case))] == []


@pytest.mark.slow
def test_every_change_of_every_event_is_found_also_where_all_are_changed_at_once() -> None:
    """One change of each event at a time: each has a finding of its own."""
    waiting: dict[int, list[Case]] = {}
    for case in changed_events():
        waiting.setdefault(case.event, []).append(case)
    count, missed = sum(map(len, waiting.values())), []
    while waiting:
        together = [cases.pop() for cases in waiting.values()]
        waiting = {seq: cases for seq, cases in waiting.items() if cases}
        with grown().tampered({place: item for case in together for place, item in case.tampering.items()}):
            report = grown().verify()
        found = {finding.seq: finding.kind for finding in report.findings}
        missed += [case.name for case in together if found.get(case.event) not in case.kinds]
        assert report.counts[FindingKind.OK] == 200 - len(together)
    print(f"events: {count} cases")
    assert missed == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", TAMPERINGS)
def test_the_range_shows_what_the_whole_chain_shows_of_it(kind: str) -> None:
    for case in some(TAMPERINGS[kind](), 25):
        part, whole = seen(case), seen(case, whole=True)
        assert not whole.ok
        assert {finding for finding in part.findings if finding.block} <= set(whole.findings), case.name
        within = [found for found in whole.findings if found.seq and case.since <= found.seq <= (case.until or 200)]
        assert within == [found for found in part.findings if found.seq], case.name
        assert {found.kind for found in within} <= part.counts.keys()
