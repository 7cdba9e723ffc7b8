"""Checkpoints: what is signed, made of what was verified only, linked, and examined."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aircraftops_data.audit.aio.sealing import AsyncSealing
from aircraftops_data.audit.block import Tip
from aircraftops_data.audit.checking import Links
from aircraftops_data.audit.checkpoint import Checkpoint, Export, examine, from_json, sign, to_json, unsigned, verified
from aircraftops_data.audit.checkpointing import keys_of, stored
from aircraftops_data.audit.merkle import Tree
from aircraftops_data.audit.report import Report
from aircraftops_data.audit.sealing import Sealing, outside
from aircraftops_data.audit.signing import Ed25519Signer
from aircraftops_data.audit.verifying import verification
from aircraftops_data.core.aio.run import AsyncRunner
from aircraftops_data.core.context import Context
from aircraftops_data.core.intents import stamped
from aircraftops_data.errors import CorruptItemError, InvalidInputError, TamperError
from aircraftops_data.testing import ManualClock
from aircraftops_data.translation.codec import codec_of
from aircraftops_data.transports.folder import AsyncFolderStore, FolderStore
from audit_on_paper import (
    CHAIN,
    DAY,
    KEYS,
    NOW,
    SIGNER,
    TABLE,
    AsyncTransport,
    Engine,
    event,
    kinds,
    paper,
    runner_over,
)

OTHER = Ed25519Signer.generate()


def leaves(count: int) -> list[bytes]:
    return [bytes([number]) * 32 for number in range(count)]


def chained(*sizes: int, signer: Any = SIGNER) -> list[Checkpoint]:
    """Checkpoints of a chain as it had these sizes."""
    made: list[Checkpoint] = []
    for size in sizes:
        tip, tree = Tip(size, bytes(32), size), Tree("sha256").extend(leaves(size))
        made.append(sign(unsigned(CHAIN, tip, tree, made[-1] if made else None, NOW), signer))
    return made


def found(checkpoints: list[Checkpoint], keys: Any = KEYS, outside: Any = ()) -> list[str]:
    report = Report(CHAIN)
    examine(checkpoints, keys, report, outside)
    return kinds(report.findings)


def sealing(engine: Engine, **options: Any) -> Sealing:
    return Sealing(CHAIN, runner_over(engine, options.pop("before", None)), SIGNER, **options)


# The value


def test_a_signed_checkpoint_is_verified_and_none_of_its_fields_can_be_another() -> None:
    (checkpoint,) = chained(3)
    export = Export(key="k", sha256=bytes(32), first_seq=1, last_seq=3)
    others = {
        "chain": "x", "number": 2, "size": 4, "root": bytes(32), "frontier": [], "block": 9, "block_hash": b"x",
        "previous": b"x", "exports": [export], "issued_at": NOW + DAY, "signature": bytes(64),
    }  # fmt: skip
    assert verified(checkpoint, KEYS)
    assert not any(verified(checkpoint.model_copy(update={name: other}), KEYS) for name, other in others.items())


def test_json_and_items_lose_nothing_of_a_checkpoint() -> None:
    checkpoint = sign(
        chained(5)[0].model_copy(
            update={"exports": [Export(key="é", sha256=bytes(range(32)), first_seq=1, last_seq=5)]}
        ),
        SIGNER,
    )
    codec = codec_of(Checkpoint.definition())
    back = codec.entity(codec.item(stamped(checkpoint, 1, NOW)))
    assert from_json(to_json(back)) == checkpoint
    assert verified(from_json(to_json(back)), KEYS)


@pytest.mark.parametrize("text", [b"", b"{}", b'{"chain": 1}', b"[]"])
def test_json_of_something_else_is_no_checkpoint(text: bytes) -> None:
    with pytest.raises(CorruptItemError):
        from_json(text)


def test_object_keys_have_the_chain_in_one_part() -> None:
    keys = {chained(1)[0].model_copy(update={"chain": name}).object_key for name in ("a/b", "a%2Fb", "..", "é b")}
    assert len(keys) == 4
    assert all(key.count("/") == 3 and "/../" not in key for key in keys)


# Examined


def test_checkpoints_that_follow_one_another_are_trusted_anchors() -> None:
    report = Report(CHAIN)
    examined = examine(chained(2, 2, 5), KEYS, report)
    assert (report.findings, [anchor.size for anchor in examined.anchors]) == ([], [2, 2, 5])
    assert len(examined.trusted) == 3


def test_an_unknown_signer_is_harmless_and_anchors_nothing() -> None:
    report = Report(CHAIN)
    examined = examine(chained(2, signer=OTHER), KEYS, report)
    assert (kinds(report.findings), report.ok) == (["unknown_signer"], True)
    assert examined.trusted == []
    assert [anchor.trusted for anchor in examined.anchors] == [False]


def test_without_keys_no_checkpoint_is_trusted() -> None:
    assert found(chained(2), None) == ["unknown_signer"]


def test_an_altered_checkpoint_is_found_and_is_no_anchor() -> None:
    first, second = chained(2, 5)
    report = Report(CHAIN)
    examined = examine([first, second.model_copy(update={"block": 1})], KEYS, report)
    assert (kinds(report.findings), [anchor.size for anchor in examined.anchors]) == (["altered"], [2])


def test_a_missing_checkpoint_is_found() -> None:
    first, _, third = chained(1, 2, 3)
    assert found([first, third]) == ["missing"]


def test_a_checkpoint_that_follows_another_is_found() -> None:
    first, second = chained(1, 3)
    (instead,) = chained(2)
    assert found([instead, second]) == ["forked"]
    assert found([first, second]) == []


def test_a_chain_that_shrank_between_checkpoints_is_found() -> None:
    assert found(chained(5, 3)) == ["forked"]


def test_a_checkpoint_of_another_chain_is_found() -> None:
    assert found([sign(chained(1)[0].model_copy(update={"chain": "x"}), SIGNER)]) == ["forked"]


def test_a_root_that_is_not_that_of_the_frontier_is_found_even_if_signed() -> None:
    assert found([sign(chained(3)[0].model_copy(update={"root": bytes(32)}), SIGNER)]) == ["altered"]


def test_checkpoints_outside_show_a_table_that_was_rolled_back() -> None:
    first, second = chained(2, 5)
    assert found([first], outside=[first, second]) == ["truncated"]


def test_checkpoints_outside_show_a_table_that_was_made_anew() -> None:
    first, second = chained(2, 5)
    (anew,) = chained(3)
    assert found([anew], outside=[first]) == ["forked"]
    assert found([first, second], outside=[first]) == []


# Made


def test_a_checkpoint_vouches_for_the_chain_up_to_its_end() -> None:
    chain = paper(3, 2)
    engine = Engine().hold(chain)
    made = sealing(engine).checkpoint()
    assert (made.number, made.size, made.block, made.block_hash) == (1, 5, 2, chain.tip.hash)
    assert verified(made, KEYS)
    assert made.tree().size == 5


def test_where_nothing_is_new_the_last_checkpoint_is_given_back() -> None:
    engine = Engine().hold(paper(3))
    made = sealing(engine).checkpoint()
    assert sealing(engine).checkpoint() == made
    assert len(engine.of("audit_checkpoint")) == 1


def test_the_next_checkpoint_goes_on_from_the_last_and_reads_only_what_is_new() -> None:
    chain, read = paper(3, 2), []
    engine = Engine().hold(chain)
    first = sealing(engine).checkpoint()
    chain.block(event(10), event(11))
    engine.hold(chain)
    second = sealing(engine, before=read.append).checkpoint()
    assert (second.number, second.size, second.previous) == (2, 7, first.digest())
    got = [request for request in read if request.operation == "BatchGetItem"]
    assert [len(request.parameters["RequestItems"][TABLE]["Keys"]) for request in got] == [2]
    whole = Tree("sha256").extend(entry.leaf for taken in chain.taken for entry in taken.block.entries)
    assert second.root == whole.root()
    assert found([first, second]) == []


def test_nothing_is_signed_for_a_chain_that_was_tampered_with() -> None:
    chain = paper(3)
    engine = Engine().hold(chain)
    engine.put(TABLE, chain.items[1] | {"actor": {"S": "nobody"}})
    with pytest.raises(TamperError, match="altered"):
        sealing(engine).checkpoint()
    assert engine.of("audit_checkpoint") == []


def test_an_empty_chain_has_no_checkpoint() -> None:
    with pytest.raises(InvalidInputError):
        sealing(Engine()).checkpoint()


def test_a_chain_that_was_cut_off_behind_its_checkpoint_gets_no_other() -> None:
    chain = paper(3, 2)
    engine = Engine().hold(chain)
    sealing(engine).checkpoint()
    shorter = paper(3)
    engine.drop(chain.taken[1].item)
    engine.hold(shorter)
    with pytest.raises(TamperError, match="forked"):
        sealing(engine).checkpoint()


def test_a_forged_checkpoint_is_not_built_upon() -> None:
    chain = paper(3)
    engine = Engine().hold(chain)
    made = sealing(engine).checkpoint()
    (item,) = engine.of("audit_checkpoint")
    engine.put(TABLE, item | {"block": {"N": "7"}})
    chain.block(event(10))
    engine.hold(chain)
    with pytest.raises(TamperError, match="not what was signed"):
        sealing(engine).checkpoint()
    assert made.block == 1


def test_a_checkpoint_of_an_unknown_key_is_compared_and_all_is_verified_anew() -> None:
    chain = paper(3)
    engine = Engine().hold(chain)
    replace(sealing(engine), signer=OTHER).checkpoint()
    engine.put(TABLE, chain.items[0] | {"actor": {"S": "nobody"}})
    chain.block(event(10))
    chain.taken.pop(0)
    engine.hold(chain)
    with pytest.raises(TamperError, match="altered"):
        sealing(engine).checkpoint()


def test_a_checkpoint_of_an_unknown_key_is_not_given_back_as_ones_own() -> None:
    engine = Engine().hold(paper(3))
    theirs = replace(sealing(engine), signer=OTHER).checkpoint()
    mine = sealing(engine).checkpoint()
    assert (mine.number, mine.size, mine.key_id) == (2, 3, SIGNER.key_id)
    assert mine.previous == theirs.digest()
    both = keys_of(OTHER, KEYS)
    assert found([theirs, mine], both) == []
    assert sealing(engine, keys=both).checkpoint() == mine


def test_a_key_that_is_given_is_built_upon() -> None:
    engine = Engine().hold(paper(3))
    theirs = replace(sealing(engine), signer=OTHER).checkpoint()
    assert sealing(engine, keys=keys_of(OTHER)).checkpoint() == theirs


def test_a_signer_that_does_not_tell_its_public_key_verifies_all_each_time() -> None:
    class Mute:
        key_id, algorithm = "mute", "none"

        def sign(self, message: bytes) -> bytes:
            return b"signed"

    engine = Engine().hold(paper(3))
    made = [replace(sealing(engine), signer=Mute()).checkpoint().number for _ in range(2)]
    assert made == [1, 2]


def test_of_two_that_are_made_at_once_the_second_follows_the_first() -> None:
    chain = paper(3)
    engine = Engine().hold(chain)
    theirs: list[Checkpoint] = []

    def meanwhile(request: Any) -> None:
        if request.operation == "PutItem" and not theirs:
            theirs.append(sealing(engine).checkpoint())
            chain.block(event(10))
            engine.hold(chain)

    mine = sealing(engine, before=meanwhile).checkpoint()
    assert (theirs[0].number, mine.number, mine.size) == (1, 2, 4)
    assert found([*theirs, mine]) == []


def test_of_two_that_say_the_same_there_is_one() -> None:
    engine = Engine().hold(paper(3))
    theirs: list[Checkpoint] = []

    def meanwhile(request: Any) -> None:
        if request.operation == "PutItem" and not theirs:
            theirs.append(sealing(engine).checkpoint())

    assert [sealing(engine, before=meanwhile).checkpoint()] == theirs


# Among objects


def test_checkpoints_lie_among_the_objects_too(tmp_path: Path) -> None:
    objects = FolderStore(tmp_path)
    made = sealing(Engine().hold(paper(3)), objects=objects).checkpoint()
    assert list(objects.keys()) == ["audit/ops/checkpoints/000000000001.json"]
    assert [each.digest() for each in outside(CHAIN, objects, Report(CHAIN))] == [made.digest()]


def test_an_object_that_is_no_checkpoint_is_found(tmp_path: Path) -> None:
    objects, report = FolderStore(tmp_path), Report(CHAIN)
    made = sealing(Engine().hold(paper(3)), objects=objects).checkpoint()
    objects.put("audit/ops/checkpoints/000000000002.json", b"{}")
    assert [each.digest() for each in outside(CHAIN, objects, report)] == [made.digest()]
    assert kinds(report.findings) == ["altered"]


def test_one_that_never_came_to_the_objects_comes_there_the_next_time(tmp_path: Path) -> None:
    engine, objects = Engine().hold(paper(3)), FolderStore(tmp_path)
    sealing(engine).checkpoint()
    sealing(engine, objects=objects).checkpoint()
    assert len(list(objects.keys())) == 1


def test_nothing_is_signed_where_the_table_has_lost_a_checkpoint(tmp_path: Path) -> None:
    engine, objects = Engine().hold(paper(3)), FolderStore(tmp_path)
    sealing(engine, objects=objects).checkpoint()
    engine.drop(engine.of("audit_checkpoint")[0])
    with pytest.raises(TamperError, match="lost checkpoint 1"):
        sealing(engine, objects=objects).checkpoint()


def test_nothing_is_signed_behind_a_checkpoint_that_is_another_among_the_objects(tmp_path: Path) -> None:
    chain = paper(3)
    engine, objects = Engine().hold(chain), FolderStore(tmp_path)
    theirs = replace(sealing(engine), signer=OTHER).checkpoint()
    (place, other) = (tmp_path / theirs.object_key, sealing(Engine().hold(paper(3, 1)), objects=objects).checkpoint())
    chain.block(event(10))
    engine.hold(chain)
    with pytest.raises(TamperError, match="another among the objects"):
        sealing(engine, objects=objects).checkpoint()
    assert from_json(place.read_bytes()).digest() == other.digest()


def test_the_rolled_back_table_is_found_by_verifying_with_the_checkpoints_outside(tmp_path: Path) -> None:
    engine, objects = Engine().hold(paper(3, 2)), FolderStore(tmp_path)
    sealing(engine, objects=objects).checkpoint()
    runner, report = runner_over(Engine().hold(paper(3))), Report(CHAIN)
    given = outside(CHAIN, objects, report)
    examined = examine(runner.run(stored(CHAIN, runner.context)), KEYS, report, given)
    run = runner.run(verification(CHAIN, 0, examined.anchors, report, runner.context))
    runner.run(run.run(None))
    assert kinds(report.findings) == ["truncated", "truncated"]


def test_a_trusted_checkpoint_says_how_far_a_chain_is_anchored() -> None:
    engine = Engine().hold(paper(3, 2))
    made = sealing(engine).checkpoint()
    runner, report = runner_over(engine), Report(CHAIN)
    examined = examine([made], KEYS, report)
    run = runner.run(verification(CHAIN, 0, examined.anchors, report, runner.context))
    runner.run(run.run(None))
    assert (report.ok, report.anchored_seq, isinstance(run.links, Links)) == (True, 5, True)


def test_the_same_for_asyncio(tmp_path: Path) -> None:
    engine, objects = Engine().hold(paper(3)), AsyncFolderStore(tmp_path)
    runner = AsyncRunner(AsyncTransport(engine), Context(clock=ManualClock(NOW + DAY)))
    made = asyncio.run(AsyncSealing(CHAIN, runner, SIGNER, objects).checkpoint())
    assert (made.size, verified(made, KEYS)) == (3, True)
