"""A chain that is made anew, or set back: found where it does not fit, and by every checkpoint behind."""

from __future__ import annotations

import pytest

from aircraftops_data.audit.block import Block, Tip, head_item
from aircraftops_data.audit.encoding import block_hash, leaf_hash
from aircraftops_data.audit.merkle import root_of
from aircraftops_data.audit.report import FindingKind, Report
from aircraftops_data.errors import ChainForkedError
from aircraftops_data.translation.codec import codec_of
from audit_chains import CHAIN, Item, Place, Tampering, World, anchor_at, event, place_of
from test_audit_tampering import FEW, grown, some, spans

RELINKED, TRUNCATED, FORKED = FindingKind.RELINKED, FindingKind.TRUNCATED, FindingKind.FORKED


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
            # One more where a block is left without events: it ends where the one before it does.
            assert report.counts[FORKED] + report.counts[TRUNCATED] - behind in (0, int(len(block.entries) == 1))
            assert report.anchored_seq < block.first_seq


@FEW
def test_a_range_that_begins_behind_a_checkpoint_is_of_the_chain_that_was_signed_for(few: int | None) -> None:
    blocks = grown().blocks()
    for block in some(blocks[1:], few):
        before = anchor_at(blocks, block.number - 1)
        assert grown().verify(block.first_seq, anchors=[before]).anchored_seq == before.size
        with grown().tampered(rewritten(1, len(blocks), left_out=False)):
            report = grown().verify(block.first_seq, anchors=[before])
        assert findings_of(report) == [(FORKED, block.number - 1)]
        assert report.anchored_seq == 0


def findings_of(report: Report) -> list[tuple[FindingKind, int | None]]:
    """What was found, and where."""
    return [(found.kind, found.block) for found in report.findings]


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
