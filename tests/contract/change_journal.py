"""What changes of tests write, and what their history may say: each step from where the last one ended, all legal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from aircraftops_data import CoreTable, Entity, PrimaryKey
from aircraftops_data.coordination import (
    Change,
    ChangeContext,
    ChangeEntry,
    ChangeRecord,
    Changes,
    ChangeState,
    Goal,
    Mode,
)
from aircraftops_data.model.schema import CORE

S = ChangeState


class ChangeTally(Entity, table=CORE, entity_type="change_tally"):
    """How often a part of a change was made, less how often it was undone."""

    place: str
    count: int = 0

    primary = PrimaryKey("CHANGE_TALLY#{place}", "TALLY")


class ChangeCall(Entity, table=CORE, entity_type="change_call"):
    """That an external change, or what undoes it, was called: with which key, and in which attempt."""

    place: str
    number: str
    key: str
    attempt: int

    primary = PrimaryKey("CHANGE_CALL#{place}", "CALL#{number}")


def tallies(core: CoreTable, places: Iterable[str]) -> list[int]:
    """What the tallies say, in this order."""
    found = core.get_many(ChangeTally, [{"place": place} for place in places], consistent=True).all()
    return [-1 if one is None else one.count for one in found]


def make_tallies(core: CoreTable, places: Iterable[str]) -> None:
    """Tallies at nothing."""
    with core.transaction() as tx:
        for place in places:
            tx.create(ChangeTally(place=place))


def count(context: ChangeContext, place: str, by: int = 1) -> None:
    """One more in the transaction of the change, or one less."""
    context.tx.update(ChangeTally, place=place, add={"count": by})


def call(context: ChangeContext, place: str) -> None:
    """Write it down, outside of any transaction of the change."""
    number = context.core.context.chance.identifier()
    key, attempt = context.idempotency_key, context.attempt
    context.core.create(ChangeCall(place=place, number=number, key=key, attempt=attempt))


def keys_called(core: CoreTable, place: str) -> Counter[str]:
    """How often each key was called with."""
    return Counter(one.key for one in core.query(ChangeCall.primary(place=place)).consistent())


# Where a change may go from where it stands; what a person says is not among it.
BEGUN = {
    Goal.APPLY: {S.PENDING, S.ROLLED_BACK, S.STARTED, S.FAILED, S.UNKNOWN},
    Goal.ROLL_BACK: {S.APPLIED, S.BASELINED, S.STARTED, S.FAILED, S.UNKNOWN, S.MANUAL},
}
FOLLOWS = {
    (S.APPLIED, Goal.APPLY): {S.STARTED, S.FAILED, S.UNKNOWN},
    (S.ROLLED_BACK, Goal.ROLL_BACK): {S.STARTED},
    (S.FAILED, Goal.APPLY): {S.STARTED},
    (S.FAILED, Goal.ROLL_BACK): {S.STARTED},
    (S.UNKNOWN, Goal.APPLY): {S.STARTED},
    (S.UNKNOWN, Goal.ROLL_BACK): {S.STARTED},
    (S.MANUAL, Goal.APPLY): {S.UNKNOWN, S.FAILED},
    (S.MANUAL, Goal.ROLL_BACK): {S.FAILED},
}


def illegal(entry: ChangeEntry, mode: Mode) -> str | None:
    """What is wrong with a step by itself; what a person says, and gives a reason for, is another matter."""
    if entry.reason is not None and entry.state is not S.STARTED:
        return None
    allowed = BEGUN[entry.goal] if entry.state is S.STARTED else FOLLOWS.get((entry.state, entry.goal), set())
    if entry.before not in allowed:
        return f"{entry.change_id} went from {entry.before} to {entry.state} to {entry.goal}"
    forgotten = (entry.before, entry.state, entry.goal) == (S.STARTED, S.STARTED, Goal.APPLY)
    if (entry.state is S.UNKNOWN) > (mode is Mode.EXTERNAL) or (forgotten and mode is Mode.EXTERNAL):
        return f"{entry.change_id}, {mode}, went from {entry.before} to {entry.state}"
    if entry.before is S.APPLIED and entry.state is S.STARTED and entry.goal is Goal.APPLY:
        return f"{entry.change_id} was made again"
    return None


def violations(entries: Sequence[ChangeEntry], records: Iterable[ChangeRecord]) -> list[str]:
    """What the history shows that may not be."""
    known = {record.id: record for record in records}
    found: list[str] = []
    last: dict[str, ChangeEntry] = {}
    for before, entry in zip([None, *entries], entries, strict=False):
        if before is not None and (entry.token, entry.step) <= (before.token, before.step):
            found.append(f"token {entry.token}, step {entry.step} comes behind {before.token}, {before.step}")
        stood = last[entry.change_id].state if entry.change_id in last else S.PENDING
        if entry.before is not stood:
            found.append(f"{entry.change_id} stood at {stood}, and went on from {entry.before}")
        found += [wrong] if (wrong := illegal(entry, known[entry.change_id].mode)) else []
        last[entry.change_id] = entry
    for id, entry in last.items():
        found += [f"{id}: {what}" for what in _differences(entry, known[id])]
    return found + [f"nothing tells of {id}" for id in known.keys() - last.keys()]


def _differences(entry: ChangeEntry, record: ChangeRecord) -> list[str]:
    """Where a record is not what its last entry says; chunks since then are entered nowhere."""
    names = ("state", "goal", "attempt", "checksum", "error")
    wrong = [name for name in names if getattr(entry, name) != getattr(record, name)]
    late = record.token < entry.token or (record.state is not S.STARTED and record.token != entry.token)
    return wrong + ["token"] * late


def assert_sound(changes: Changes, declared: list[Change] | None = None) -> list[ChangeEntry]:
    """The history, which is as it should be; with the changes declared, nothing is left to do."""
    entries, records = changes.history().all(), changes.records().all()
    assert violations(entries, records) == []
    if declared is not None:
        assert changes.verify(declared) == []
    return entries


def steps_of(entries: Iterable[ChangeEntry], id: str) -> list[tuple[str, str]]:
    """The steps of a change."""
    return [(str(one.state), str(one.goal)) for one in entries if one.change_id == id]


def declared(id: str, function: Any, rollback: Any = None, **options: Any) -> Change:
    """A change, with what undoes it if anything does."""
    made = Change(id, function, source=id, **options)
    if rollback is not None:
        made.rolls_back(rollback)
    return made
