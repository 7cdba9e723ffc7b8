"""Proofs: held against checkpoints alone, and made by plans that read the blocks once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aircraftops_data.audit.checkpoint import Checkpoint
from aircraftops_data.audit.merkle import Tree, root_of
from aircraftops_data.audit.proofs import ConsistencyProof, InclusionProof, consistency, inclusion
from aircraftops_data.errors import CorruptItemError, InvalidInputError, NotFoundError, TamperError
from audit_on_paper import CHAIN, Engine, Paper, event, paper, runner_over
from test_audit_checkpoints import sealing

SIZES = (3, 4, 2, 1)


def grown(algorithm: str = "sha256") -> tuple[Engine, Paper, list[Checkpoint]]:
    """A chain with a checkpoint behind each of its blocks."""
    engine, chain, made, number = Engine(), paper(algorithm=algorithm), [], 0
    for size in SIZES:
        chain.block(*(event(number + index) for index in range(size)))
        number += size
        made.append(sealing(engine.hold(chain)).checkpoint())
    return engine, chain, made


def proven(engine: Engine, checkpoint: Checkpoint, **which: object) -> InclusionProof:
    runner = runner_over(engine)
    return runner.run(inclusion(CHAIN, checkpoint, runner.context, **which))  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["sha256", "blake2b"])
def test_every_event_is_proven_against_every_checkpoint_that_has_it(algorithm: str) -> None:
    engine, chain, made = grown(algorithm)
    for checkpoint in made[1], made[3]:
        for seq in range(1, checkpoint.size + 1):
            proof = proven(engine, checkpoint, seq=seq)
            assert proof.holds(checkpoint)
            assert proof.is_of(chain.items[seq - 1])
            assert InclusionProof.from_json(proof.to_json()) == proof
            assert not proof.holds(made[0])


def test_an_event_is_found_by_its_id() -> None:
    engine, chain, made = grown()
    proof = proven(engine, made[2], event_id=chain.items[4]["id"]["S"])
    assert (proof.seq, proof.block, proof.resource) == (5, 2, "aircraft/N4")


def test_a_proof_holds_of_nothing_else() -> None:
    engine, chain, made = grown()
    proof, checkpoint = proven(engine, made[3], seq=5), made[3]
    others = [
        {"chain": "x"}, {"seq": 4}, {"seq": 0}, {"seq": 11}, {"leaf": bytes(32)}, {"size": 9}, {"path": ()},
        {"path": proof.path[:-1]}, {"path": (*proof.path, bytes(32))}, {"path": proof.path[::-1]}, {"leaf": b""},
    ]  # fmt: skip
    assert not any(replace(proof, **other).holds(checkpoint) for other in others)
    assert not proof.holds(checkpoint.model_copy(update={"root": bytes(32)}))
    assert not proof.is_of(chain.items[3])
    assert not proof.is_of({"x": {"?": "?"}})


def test_events_that_a_checkpoint_does_not_have_are_not_proven() -> None:
    engine, chain, made = grown()
    for which in {"seq": 0}, {"seq": 4}, {"event_id": chain.items[3]["id"]["S"]}, {"event_id": "0" * 32}:
        with pytest.raises(NotFoundError):
            proven(engine, made[0], **which)
    for which in {}, {"seq": 1, "event_id": "0" * 32}:
        with pytest.raises(InvalidInputError):
            proven(engine, made[0], **which)


def test_a_chain_only_grew_between_any_two_checkpoints() -> None:
    engine, _, made = grown()
    runner = runner_over(engine)
    for first in made:
        for second in made:
            proof = runner.run(consistency(CHAIN, first, second, runner.context))
            older, newer = sorted((first, second), key=lambda checkpoint: checkpoint.size)
            assert proof.holds(older, newer)
            assert ConsistencyProof.from_json(proof.to_json()) == proof
            assert proof.holds(newer, older) == (first is second)
            assert not proof.holds(older, newer.model_copy(update={"root": bytes(32)}))
            assert not proof.holds(older.model_copy(update={"chain": "x"}), newer)


def test_a_chain_that_was_made_anew_is_not_consistent_with_what_was_signed() -> None:
    _, _, made = grown()
    anew = paper()
    anew.block(*(event(number, actor="nobody") for number in range(10)))
    runner = runner_over(Engine().hold(anew))
    other = sealing(Engine().hold(anew)).checkpoint()
    with pytest.raises(TamperError):
        runner.run(consistency(CHAIN, made[0], other, runner.context))
    with pytest.raises(TamperError):
        runner.run(inclusion(CHAIN, made[3], runner.context, seq=1))


def test_a_chain_that_was_cut_off_proves_nothing() -> None:
    _, _, made = grown()
    runner = runner_over(Engine().hold(paper(3)))
    with pytest.raises(TamperError, match="ends at event 3"):
        runner.run(inclusion(CHAIN, made[3], runner.context, seq=1))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"chain": "x"}', '{"chain":"c","first":-1,"second":2,"path":[]}',
                                  '{"chain":"c","first":true,"second":2,"path":[]}',
                                  '{"chain":"c","first":1,"second":2,"path":["zz"]}'])  # fmt: skip
def test_json_of_something_else_is_no_proof(text: str) -> None:
    for kind in InclusionProof, ConsistencyProof:
        with pytest.raises(CorruptItemError):
            kind.from_json(text)


@pytest.mark.parametrize("count", range(20))
def test_the_root_of_leaves_at_once_is_that_of_a_tree_that_grew(count: int) -> None:
    leaves, grown = [bytes([number]) * 32 for number in range(count)], Tree("sha256")
    for leaf in leaves:
        grown.add(leaf)
    assert root_of(leaves, "sha256") == grown.root()


def test_a_leaf_that_is_no_hash_has_no_root() -> None:
    with pytest.raises(CorruptItemError):
        root_of([bytes(32), bytes(31)], "sha256")
