# Generated from coordination/aio/changes.py by tools/twins.py; edit that.
"""Changes: what would run and why, making what is to be made, and setting right what a person must."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from aircraftops_data.coordination.attempt import Attempt, OnChangeProgress
from aircraftops_data.coordination.change import Change, in_order
from aircraftops_data.coordination.locking import look
from aircraftops_data.coordination.locks import Lock, Locks
from aircraftops_data.coordination.options import ChangeOptions
from aircraftops_data.coordination.planning import (
    Action,
    ChangeFinding,
    Planned,
    findings,
    is_lost,
    must_be_told,
    must_be_undone,
    planned,
    refuse_drift,
    stopped,
)
from aircraftops_data.coordination.record import ChangeEntry, ChangeRecord, ChangeState, Goal
from aircraftops_data.coordination.stepping import (
    Maker,
    Steps,
    first,
    refuse_accepting,
    refuse_rollback,
    refuse_saying,
    refuse_silence,
    sayable,
)
from aircraftops_data.core.hands import runs_here
from aircraftops_data.core.provisioning import create_tables
from aircraftops_data.core.query import Query
from aircraftops_data.core.table import CoreTable
from aircraftops_data.errors import ChangeFailedError, ChangeStoppedError, NotFoundError, TableMissingError
from aircraftops_data.model.schema import JOBS
from aircraftops_data.request import Plan

T = TypeVar("T")
Declared = Iterable[Change] | str
"""Changes, or the name of a module or package that declares them."""


class Changes:
    """Changes to tables and whatever else, each made once, and the history of how. By default in JobsTable.

    Changes run in their order, one maker at a time; its lock's fence is in every transaction. Safe to share.
    """

    def __init__(self, core: CoreTable, *, options: ChangeOptions | None = None, operator: str | None = None) -> None:
        self.options = options or ChangeOptions()
        self.core = core
        self._maker = Maker.of(self.options.scope, operator)
        table = self.options.history_table
        self._history = core if table is None else core.renamed({JOBS.name: table})
        self._locks = Locks(core, table=self.options.lock_table)

    # Looking

    def plan(self, changes: Declared) -> list[Planned]:
        """What `apply` would do about each change, and why. Changes nothing. 1 read unit per 4 KB of records.

        Raises DefinitionError.
        """
        return planned(in_order(changes, runs_here), self._known())

    def history(self) -> Query[ChangeEntry]:
        """Every step ever taken, in order. 1 read unit per 4 KB."""
        return self._history.query(ChangeEntry.primary(scope=self.options.scope)).consistent()

    def records(self) -> Query[ChangeRecord]:
        """Where each change stands of which something is recorded. 1 read unit per 4 KB."""
        return self._history.query(ChangeRecord.primary(scope=self.options.scope)).consistent()

    def get(self, change_id: str) -> ChangeRecord:
        """Where a change stands. 1 read unit. Raises NotFoundError where nothing is recorded of it."""
        return self._history.get(ChangeRecord, consistent=True, scope=self.options.scope, id=change_id)

    def verify(self, changes: Declared) -> list[ChangeFinding]:
        """What is not as it should be between the changes declared and those recorded; reads the whole history."""
        known = self._known()
        entries = iter(self.history()).all() if known else []
        return findings(planned(in_order(changes, runs_here), known), known.values(), entries)

    def _known(self) -> dict[str, ChangeRecord]:
        try:
            return {record.id: record for record in self.records()}
        except TableMissingError:
            if not self.options.auto_create:
                raise
            return {}

    # Making

    def apply(self, changes: Declared, *, progress: OnChangeProgress | None = None) -> list[ChangeRecord]:
        """Make what is to be made, in order, while nobody else does; the records of what was made here.

        Who waits for another finds nothing to do, and where nothing is to be done no lock is taken. 2 write units for
        the lock; 12 for a change, and those of its writes; 4 more for each chunk but the last. `progress` is called
        with a `ChangeProgress` after each chunk.

        Raises ChangeFailedError; ChangeStoppedError where a person must say something first; ChangeDriftError, before
        anything is run; LockHeldError when the wait was too long, LockLostError, StoreError. What was made before
        stays, and the first two tell it in `.made`.
        """
        ordered = in_order(changes, runs_here)
        plans = planned(ordered, self._known())
        refuse_drift(plans)
        if all(plan.action is Action.NOTHING for plan in plans):
            return []
        with self._turn() as (lock, steps):
            return self._make_all(ordered, lock, steps, progress)

    def _make_all(
        self, ordered: Sequence[Change], lock: Lock, steps: Steps, progress: OnChangeProgress | None
    ) -> list[ChangeRecord]:
        plans = planned(ordered, self._known())
        refuse_drift(plans)
        made: list[ChangeRecord] = []
        for plan in plans:
            if plan.action is not Action.NOTHING:
                record = plan.record or first(plan.change, self.options.scope)
                attempt = Attempt(plan.change, record, self.core, lock, steps, progress)
                try:
                    self._make(plan, attempt)
                except (ChangeFailedError, ChangeStoppedError) as error:
                    raise error.with_fields(made=tuple(one.id for one in made)) from error.__cause__
                made.append(attempt.record)
        return made

    def _make(self, plan: Planned, attempt: Attempt) -> None:
        if is_lost(plan):
            attempt.step(ChangeState.UNKNOWN)
        if plan.action is Action.STOP:
            if must_be_told(plan):
                attempt.step(ChangeState.MANUAL)
            raise stopped(plan, attempt.record.state)
        if plan.action is Action.PROBE:
            found = attempt.probe()
            if found is None:
                attempt.step(ChangeState.MANUAL)
                raise stopped(plan, attempt.record.state)
            if found:
                attempt.step(ChangeState.APPLIED, reason="found by its probe")
                return
        if must_be_undone(plan):
            attempt.make(Goal.ROLL_BACK)
        attempt.make(Goal.APPLY)

    def roll_back(self, change: Change, *, reason: str, progress: OnChangeProgress | None = None) -> ChangeRecord:
        """Undo a change by its own rollback function; the next `apply` makes it anew. Goes on with one that failed.

        Raises InvalidInputError where it has none or nothing of it is made, and what `apply` raises.
        """
        refuse_silence(reason)
        in_order([change], runs_here)
        with self._turn() as (lock, steps):
            record = self._record(change)
            refuse_rollback(change, record)
            attempt = Attempt(change, record, self.core, lock, steps, progress)
            attempt.make(Goal.ROLL_BACK, reason)
            return attempt.record

    # Setting right

    def resolve(self, change: Change | str, state: ChangeState | str, *, reason: str) -> ChangeRecord:
        """Say what is so of a change: applied, rolled_back, skipped, or pending (to be made anew, from the beginning).

        The reason is kept with it. Raises InvalidInputError for what cannot be said of a change that stands where it
        does, NotFoundError for the id of one of which nothing is recorded.
        """
        said = sayable(state, reason)
        with self._turn() as (_, steps):
            record = self._record(change)
            refuse_saying(record, said)
            return self._step(steps, record, said, error=None, reason=reason)

    def accept(self, change: Change, *, reason: str) -> ChangeRecord:
        """Take a change as it is declared now for what was made, though its source or parameters differ.

        Raises InvalidInputError where they do not differ, or without a reason; NotFoundError where there is no record.
        """
        refuse_silence(reason)
        with self._turn() as (_, steps):
            record = self._record(change.id)
            refuse_accepting(change, record)
            return self._step(steps, record, record.state, checksum=change.checksum, reason=reason)

    def baseline(self, changes: Declared, *, reason: str) -> list[ChangeRecord]:
        """Record changes as made before there was a history; those of which something is recorded stay as they are."""
        refuse_silence(reason)
        with self._turn() as (_, steps):
            known = self._known()
            fresh = [
                first(change, self.options.scope) for change in in_order(changes, runs_here) if change.id not in known
            ]
            return [self._step(steps, record, ChangeState.BASELINED, reason=reason) for record in fresh]

    def _record(self, change: Change | str) -> ChangeRecord:
        known = (self._known()).get(change if isinstance(change, str) else change.id)
        if known is not None:
            return known
        if isinstance(change, str):
            raise NotFoundError(f"Nothing is recorded of change {change!r}", entity="ChangeRecord")
        return first(change, self.options.scope)

    def _step(self, steps: Steps, record: ChangeRecord, state: ChangeState, **changes: Any) -> ChangeRecord:
        return self._run(steps.step(record, state, self.core.context, **changes))

    @contextmanager
    def _turn(self) -> Generator[tuple[Lock, Steps]]:
        """The lock, held while nobody else changes anything, and the steps taken under it."""
        self._find_tables()
        options = self.options
        with self._locks.hold(options.lock_name, lease=options.lease, wait=options.wait) as lock:
            yield lock, Steps(self._maker, self._history.context.names, lock.fence(), lock.token)

    def _find_tables(self) -> None:
        """Make the tables of the history and the lock where they are missing, and that is wanted."""
        try:
            self.records().first()
            self._run(look(self.options.lock_name, self._locks.context))
        except TableMissingError:
            if not self.options.auto_create:
                raise
            for table, context in self.options.wanted(self.core.context):
                self._run(create_tables([table], context, self.options.tables))

    def _run(self, plan: Plan[T]) -> T:
        return self.core.runner.run(plan)
