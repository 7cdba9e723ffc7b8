"""Whatever is changed of a chain is found, and nothing is found in one that nobody changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from random import Random
from typing import TypeVar

import pytest

from aircraftops_data.audit.block import Block, Tip, head_item
from aircraftops_data.audit.encoding import block_hash, leaf_hash
from aircraftops_data.audit.merkle import root_of
from aircraftops_data.audit.report import HARMLESS, FindingKind, Report
from aircraftops_data.errors import ChainForkedError
from aircraftops_data.translation.codec import codec_of
from audit_chains import CHAIN, Item, Place, Tampering, World, anchor_at, attributes, event, place_of

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
    """Every change of one attribute of one block; every deletion."""
    items, last = grown().items(), len(spans())
    for number, (item, span) in enumerate(zip(grown().of("audit_block"), spans(), strict=True), 1):
        place, reach = place_of(item), (span[0], span[1] if number < last else None)
        gone = frozenset({MISSING if number < last else TRUNCATED})
        yield Case(f"block {number} deleted", {place: None}, *reach, gone)
        for how, other in attributes(item):
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


# Who makes the chain anew


def heads() -> list[Item]:
    """The head as it was when each block was put; that of the first block first."""
    found, size = [], 0
    for item in grown().of("audit_block"):
        block = codec_of(Block.definition()).entity(item)
        size += len(block.entries)
        found.append(head_item(Tip(block.number, block.hash, size), item))
    return found


def rewritten(first: int, last: int, *, left_out: bool) -> Tampering:
    """The last event of block `first` is another, or was never there, and every block up to `last` is made to fit.

    The head too, where that is the last one.
    """
    blocks = [*grown().of("audit_block")]
    tampering, previous, fewer = dict[Place, Item | None](), b"", 0
    for item in blocks[first - 1 : last]:
        if not tampering:
            tampering |= forged(item, left_out=left_out)
            fewer = int(left_out)
        else:
            item |= {"previous": {"B": previous}, "first_seq": {"N": str(int(item["first_seq"]["N"]) - fewer)}}
        previous = block_hash(item, item["algorithm"]["S"])
        item["hash"] = {"B": previous}
        tampering[place_of(item)] = item
    if last == len(blocks):
        head = head_item(Tip(last, previous, 200 - fewer), blocks[-1])
        tampering[place_of(head)] = head
    return tampering


def forged(block: Item, *, left_out: bool) -> Tampering:
    """Changes a block in place, and its last event with it."""
    entries, algorithm = list(block["entries"]["L"]), block["algorithm"]["S"]
    resource, identifier, _, expiry = entries.pop()["L"]
    place = f"RESOURCE#{resource['S']}", f"EVENT#{identifier['S']}"
    event: Item | None = None
    if not left_out:
        event = {**grown().items()[place], "actor": {"S": "user:eve"}, "GSI1PK": {"S": "ACTOR#user:eve#2100-01#00"}}
        entries.append({"L": [resource, identifier, {"B": leaf_hash(event, algorithm)}, expiry]})
    leaves = [entry["L"][2]["B"] for entry in entries]
    block |= {"entries": {"L": entries}, "root": {"B": root_of(leaves, algorithm)}}
    return {place: event}


RELINKS = [pytest.param(False, id="altered"), pytest.param(True, id="left out")]


@FEW
@pytest.mark.parametrize("left_out", RELINKS)
def test_blocks_made_to_fit_are_found_where_they_end(left_out: bool, few: int | None) -> None:
    blocks = grown().blocks()
    for block in some(blocks[:-1], few):
        for last in {block.number, (block.number + len(blocks)) // 2} - {len(blocks)}:
            with grown().tampered(rewritten(block.number, last, left_out=left_out)):
                report = grown().verify(block.first_seq)
            assert next((found.kind, found.block) for found in report.findings) == (RELINKED, last + 1)


@FEW
@pytest.mark.parametrize("left_out", RELINKS)
def test_a_chain_made_anew_to_its_end_is_found_by_every_checkpoint_behind_the_change(
    left_out: bool, few: int | None
) -> None:
    blocks = grown().blocks()
    anchors = [anchor_at(blocks, number) for number in range(1, len(blocks) + 1)]
    for block in some(blocks, few):
        with grown().tampered(rewritten(block.number, len(blocks), left_out=left_out)):
            report = grown().verify(block.first_seq)
            assert report.ok
            assert report.anchored_seq == 0
            report = grown().verify(block.first_seq, anchors=anchors)
            behind = len(blocks) - block.number + 1
            assert report.counts[FORKED] + report.counts[TRUNCATED] == behind
            assert report.anchored_seq < block.first_seq


@FEW
def test_a_chain_made_anew_is_not_found_behind_the_last_checkpoint_and_the_report_says_where_that_is(
    few: int | None,
) -> None:
    blocks = grown().blocks()
    for block in some(blocks[1:], few):
        with grown().tampered(rewritten(block.number, len(blocks), left_out=False)):
            report = grown().verify(anchors=[anchor_at(blocks, block.number - 1)])
        assert report.ok
        assert report.anchored_seq == block.first_seq - 1


def test_a_head_that_was_not_made_to_fit_gives_away_a_last_block_that_was() -> None:
    last = len(grown().blocks())
    tampering = rewritten(last, last, left_out=False)
    with grown().tampered({place: item for place, item in tampering.items() if place[1] != "HEAD"}):
        assert {found.kind for found in grown().verify().findings} == {FORKED}


# Who sets the chain back


def set_back(number: int, *, blocks: bool = False, events: bool = False) -> Tampering:
    """The head is as it was at a block (0: there is none); the blocks behind it are gone, and their events."""
    (head,) = grown().of("audit_head")
    tampering: dict[Place, Item | None] = {place_of(head): heads()[number - 1] if number else None}
    if blocks:
        tampering |= {place_of(item): None for item in grown().of("audit_block")[number:]}
    if events:
        behind = [entry for block, _, entry in grown().entries() if block.number > number]
        tampering |= {(f"RESOURCE#{entry.resource}", f"EVENT#{entry.id}"): None for entry in behind}
    return tampering


def spanned(number: int) -> int:
    """The last event up to a block."""
    return spans()[number - 1][1] if number else 0


@FEW
def test_a_head_that_was_set_back_is_found_and_nobody_appends_to_it(few: int | None) -> None:
    stale = grown().an_appender()
    tip = grown().run(stale.known())
    for number in some(range(len(spans())), few):
        with grown().tampered(set_back(number)):
            assert FORKED in grown().verify().counts
            for appender in (grown().an_appender(), grown().an_appender(tip=tip)):
                (written,) = grown().write([event(grown().context, number)])
                before = grown().items()
                with pytest.raises(ChainForkedError) as forked:
                    grown().run(appender.append([written]))
                assert forked.value.chain == CHAIN
                assert grown().items() == before
                grown().lay({(f"RESOURCE#{written.entry.resource}", f"EVENT#{written.entry.id}"): None})


@FEW
@pytest.mark.parametrize("events", [False, True], ids=["and blocks", "and blocks and events"])
def test_a_head_set_back_together_with_its_blocks_is_found_by_every_checkpoint_behind(
    events: bool, few: int | None
) -> None:
    anchors = [grown().anchor(number) for number in range(1, len(spans()) + 1)]
    for number in some(range(len(spans())), few):
        with grown().tampered(set_back(number, blocks=True, events=events)):
            report = grown().verify(anchors=anchors[:number])
            assert report.ok
            assert report.anchored_seq == spanned(number)
            for anchor in (anchors[number], anchors[-1]):
                report = grown().verify(anchors=[*anchors[:number], anchor])
                assert report.counts[TRUNCATED] == 1
                assert report.anchored_seq == spanned(number)


@FEW
def test_who_knew_of_later_blocks_appends_to_no_chain_that_was_set_back_with_its_blocks(few: int | None) -> None:
    tip = grown().run(grown().an_appender().known())
    for number in some(range(len(spans())), few):
        with grown().tampered(set_back(number, blocks=True)):
            (written,) = grown().write([event(grown().context, number)])
            before = grown().items()
            with pytest.raises(ChainForkedError):
                grown().run(grown().an_appender(tip=tip).append([written]))
            assert grown().items() == before
            grown().lay({(f"RESOURCE#{written.entry.resource}", f"EVENT#{written.entry.id}"): None})


def test_an_old_copy_of_the_chain_that_went_on_is_another_than_a_checkpoint_was_signed_for() -> None:
    world = World()
    world.grow(3, 4, 5)
    copy = world.items()
    world.grow(6, 2)
    anchors = [world.anchor(number) for number in (3, 4, 5)]
    world.restore(copy)
    world.grow(6, 2, 4)
    report = world.verify(anchors=anchors)
    assert report.counts[FORKED] == 2
    assert report.anchored_seq == 12
